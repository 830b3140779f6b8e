"""A web server that is killed while citizens send their leads."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable

import requests

from tests.kill.setups import EVENTS, SETUPS, SHORT, on
from tests.kill.site import KillSite
from tests.kill.urls import KEPT, WITHDRAWN
from tests.processes.site import eventually


CITIZENS = 4
#: No answer came: kept or not.
UNKNOWN = 0


class Crowd:
    """Citizens who send one lead after the other; each has its number, and is sent once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.numbers = itertools.count(1)
        self.by_answer: defaultdict[int, set[int]] = defaultdict(set)
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(CITIZENS)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    @property
    def kept(self) -> set[int]:
        return self.by_answer[KEPT]

    def _send(self) -> None:
        while not self._done.is_set():
            number = next(self.numbers)
            data = {"number": number, **({"withdraw": 1} if number % 5 == 0 else {})}
            try:
                answer = requests.post(f"{self.url}/kill/submit/", data, timeout=30).status_code
            except requests.RequestException:
                answer = UNKNOWN
                time.sleep(0.3)
            self.by_answer[answer].add(number)


@on(*SETUPS, short=("sqlite",))
def test_what_a_killed_web_server_has_committed_is_sent_and_nothing_else(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    site.emit(1)  # which makes the endpoints
    site.start_web()
    site.start_cluster()
    with Crowd(site.url) as crowd:
        for _ in range(1 if SHORT else 3):
            kept = len(crowd.kept)
            eventually(lambda: len(crowd.kept) > kept + 5, 60)  # noqa: B023  asked at once
            site.wait_a_moment(0.0, 1.0)
            site.kill("web", signal.SIGKILL)
            site.start_web()
        eventually(lambda: len(crowd.kept) >= EVENTS, 60)
    site.recover()

    bodies = site.select("SELECT body FROM wagtail_webhooks_message")
    stored = {json.loads(body)["data"]["number"] for (body,) in bodies} - {0}
    assert set(crowd.by_answer) <= {KEPT, WITHDRAWN, UNKNOWN}
    assert crowd.by_answer[WITHDRAWN]
    assert crowd.kept <= stored <= crowd.kept | crowd.by_answer[UNKNOWN]
    assert {request.number for request in site.receiver.requests} - {0} == stored
    # Whoever delivers was left alone.
    assert site.disturbances == []
    conclude()
