"""A service that is slow is not waited for, and is used again as soon as it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.processes.site import eventually
from wagtail_webhooks.patience import Patience


class Service:
    """Answers once it is let, or fails."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.failure: Exception | None = None
        self.is_back = threading.Event()
        self.patience = Patience(0.05, rest=0.2, lost_after=0.4, is_back=self.is_back.set)

    def use(self) -> None:
        assert self.answers.wait(10)
        if self.failure:
            raise self.failure


@pytest.fixture
def service() -> Service:
    return Service()


def seconds_of(call: Callable[[], None]) -> float:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        call()
    return time.monotonic() - start


def test_a_call_that_ends_in_time_is_followed_by_others_at_once(service: Service) -> None:
    service.answers.set()
    service.patience.call(service.use)
    assert not service.patience.is_resting
    assert not service.is_back.is_set()


def test_a_slow_call_is_not_waited_for_and_no_other_is_made_meanwhile(service: Service) -> None:
    assert 0.05 <= seconds_of(lambda: service.patience.call(service.use)) < 1
    assert service.patience.is_resting
    service.answers.set()


def test_once_a_slow_call_has_ended_those_that_were_not_made_are_made_up_for(
    service: Service,
) -> None:
    seconds_of(lambda: service.patience.call(service.use))
    assert not service.is_back.is_set()
    service.answers.set()
    assert service.is_back.wait(5)
    assert not service.patience.is_resting


def test_a_call_that_never_ends_keeps_others_for_a_while_only(service: Service) -> None:
    seconds_of(lambda: service.patience.call(service.use))
    eventually(lambda: not service.patience.is_resting, 5, pause=0.01)
    assert not service.is_back.is_set()
    service.answers.set()


def test_after_a_failure_there_is_a_rest(service: Service) -> None:
    service.failure = OSError("away")
    service.answers.set()
    with pytest.raises(OSError, match="away"):
        service.patience.call(service.use)
    assert service.patience.is_resting
    eventually(lambda: not service.patience.is_resting, 5, pause=0.01)


def test_a_slow_call_that_fails_is_not_taken_for_a_service_that_is_back(service: Service) -> None:
    service.failure = OSError("away")
    seconds_of(lambda: service.patience.call(service.use))
    service.answers.set()
    eventually(lambda: not service.patience.is_resting, 5, pause=0.01)
    assert not service.is_back.is_set()
