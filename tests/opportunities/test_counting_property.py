"""Whatever happens to leads, their counts add up: a random walk beside a book kept by hand.

The book knows whom each page names, what the receivers answered, and what people did. It does not
look at deliveries, so that it cannot repeat a mistake of what counts them.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import claim
from tests.factories import answers, make_department, make_opportunity
from tests.opportunities.sharing import give_form, ticking
from wagtail_webhooks import incidents, outbox, retention
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.models.deliveries import Reason
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.opportunities.models import Lead, Referral
from wagtail_webhooks.opportunities.submission import LeadCaptureMixin
from wagtail_webhooks.opportunities.telling import tell_untold_leads
from wagtail_webhooks.testing import Answer, Received, Receiver, deliver_now


pytestmark = pytest.mark.django_db

STEPS = 90
#: The sixth lapse of a delivery would fail it.
MAX_DEATHS = 4
#: What counts among several, the first of them: as decision 11 has it.
ORDER = ["erased", "failed", "unaddressed", "held", "waiting", "delivered", "cancelled"]


@dataclass
class Sent:
    """A lead as it went to a department in one message: by endpoint, how that fared."""

    pages: list[int]
    department: int | None
    fates: dict[int, str]
    is_untold: bool = False


@dataclass
class Entry:
    lead: Any
    sent: list[Sent] = field(default_factory=list)
    is_erased: bool = False


class Book:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.by_message: dict[str, Sent] = {}
        self.held: set[int] = set()

    def expected(self, by_page: bool) -> dict[tuple[Any, ...], Counter[str]]:
        found: dict[tuple[Any, ...], Counter[str]] = {}
        for entry in self.entries:
            states: dict[tuple[Any, ...], list[str]] = {}
            for sent in entry.sent:
                for page in sent.pages:
                    key = (page, sent.department) if by_page else (sent.department,)
                    states.setdefault(key, []).extend(self._states(entry, sent))
            for key, names in states.items():
                found.setdefault(key, Counter())[min(names, key=ORDER.index)] += 1
        return found

    def _states(self, entry: Entry, sent: Sent) -> list[str]:
        if entry.is_erased:
            return ["erased"]
        if not sent.fates:
            return ["waiting" if sent.is_untold else "unaddressed"]
        return [
            fate if fate != "open" else "held" if pk in self.held else "waiting"
            for pk, fate in sent.fates.items()
        ]


class Walk:
    """Each method is something that happens."""

    def __init__(self, seed: int, receiver: Receiver, monkeypatch: Any) -> None:
        self.chance = random.Random(seed)
        self.monkeypatch, self.receiver, self.book = monkeypatch, receiver, Book()
        self.deaths, self.read = 0, 0
        self.bad: set[str] = set()
        receiver.answer = self._answer
        self.endpoints = [
            Endpoint.objects.create(name=name, url=f"{receiver.url.rstrip('/')}/{name}")
            for name in "abc"
        ]
        one = make_department("One", default_endpoint=self.endpoints[0])
        other = make_department("Other")
        self.pages = [
            make_opportunity(title="Plain", department=one),
            make_opportunity(title="Own", department=one, endpoints=self.endpoints[1:2]),
            make_opportunity(title="Two", department=other, endpoints=self.endpoints[1:]),
            make_opportunity(title="Nobody", department=other),
            make_opportunity(title="Alone", endpoints=self.endpoints[:1]),
        ]

        self.index = give_form(self.pages[0].get_parent().specific)

    def _answer(self, received: Received) -> Answer:
        return Answer(500 if received.path[-1] in self.bad else 200)

    def _named(self, page: Any) -> list[Endpoint]:
        own = {"Own": [1], "Two": [1, 2], "Alone": [0]}.get(page.title, [])
        named = [one for one in (self.endpoints[number] for number in own) if not one.archived_at]
        default = self.endpoints[0] if page.title in ("Plain", "Own") else None
        return named or [one for one in [default] if one and not one.archived_at]

    def _enter(self, entry: Entry, pages: Iterable[Any], message: Any, told: Iterable[Any]) -> None:
        pages = list(pages)
        fates = {endpoint.pk: "open" for endpoint in told}
        sent = Sent([page.pk for page in pages], pages[0].department_id, fates)
        entry.sent.append(sent)
        if message:
            self.book.by_message[message.pk] = sent

    def submission(self) -> Entry:
        page = self.chance.choice(self.pages)
        form = page.get_form(answers(), page=page)
        assert form.is_valid()
        entry = Entry(page.process_form_submission(form))
        self.book.entries.append(entry)
        message = Message.objects.filter(source_pk=str(entry.lead.pk)).first()
        self._enter(entry, [page], message, self._named(page))
        return entry

    def submission_that_cannot_be_told(self) -> None:
        def broken(*args: Any) -> Any:
            raise KeyError

        with self.monkeypatch.context() as patch:
            patch.setattr(LeadCaptureMixin, "get_lead_data", broken)
            entry = self.submission()
        entry.sent[0].fates, entry.sent[0].is_untold = {}, True

    def telling_of_what_was_untold(self) -> None:
        tell_untold_leads()
        for entry in self.book.entries:
            for sent in entry.sent:
                if sent.is_untold and not entry.is_erased:
                    page = next(page for page in self.pages if page.pk == sent.pages[0])
                    sent.fates = {endpoint.pk: "open" for endpoint in self._named(page)}
                    sent.is_untold = False
                    if message := Message.objects.filter(source_pk=str(entry.lead.pk)).first():
                        self.book.by_message[message.pk] = sent

    def shared_form(self) -> None:
        """Some opportunities at once, by the form of their list."""
        ticked = self.chance.sample(self.pages, self.chance.randint(1, len(self.pages)))
        form = self.index.get_form(ticking(ticked), page=self.index)
        assert form.is_valid()
        entry = Entry(self.index.process_form_submission(form))
        self.book.entries.append(entry)
        messages = {}
        for message in Message.objects.filter(source_pk=str(entry.lead.pk)):
            about = json.loads(message.body)["data"]["opportunities"]
            messages[frozenset(each["id"] for each in about)] = message
        for part, told in self._parts(ticked):
            self._enter(entry, part, messages.get(frozenset(page.pk for page in part)), told)

    def _parts(self, ticked: list[Any]) -> list[tuple[list[Any], list[Endpoint]]]:
        """What is told together: to whom the same opportunities of a department are sent."""
        parts: dict[tuple[Any, ...], list[Endpoint]] = {}
        for department in {page.department_id for page in ticked}:
            theirs = [page for page in ticked if page.department_id == department]
            for endpoint in self.endpoints:
                if naming := tuple(page for page in theirs if endpoint in self._named(page)):
                    parts.setdefault(naming, []).append(endpoint)
            if nobody := tuple(page for page in theirs if not self._named(page)):
                parts[nobody] = []
        return [([*pages], told) for pages, told in parts.items()]

    def drain(self) -> None:
        self.bad = set(self.chance.sample("abc", self.chance.randrange(3)))
        deliver_now()
        received = list(self.receiver.received)
        for one in received[self.read :]:
            endpoint = self.endpoints["abc".index(one.path[-1])]
            failed = one.path[-1] in self.bad
            self.book.by_message[one.id].fates[endpoint.pk] = "failed" if failed else "delivered"
        self.read = len(received)

    def death_of_a_worker(self) -> None:
        if self.deaths < MAX_DEATHS:
            self.deaths += 1
            claim(2)
            past = timezone.now() - timedelta(minutes=5)
            Delivery.objects.filter(status="sending").update(leased_until=past)

    def hold(self) -> None:
        endpoint = self.chance.choice(self.endpoints)
        incidents.hold(endpoint.pk, self.chance.choice(list(HoldReason)), timezone.now())
        self.book.held.add(endpoint.pk)

    def release(self) -> None:
        for pk in list(self.book.held):
            incidents.release(pk)
            self.book.held.discard(pk)

    def _any_delivery(self) -> tuple[Any, Sent, Any]:
        delivery = Delivery.objects.order_by("pk")[self.chance.randrange(Delivery.objects.count())]
        sent = self.book.by_message[delivery.message_id]
        return Delivery.objects.filter(pk=delivery.pk), sent, delivery.endpoint_id

    def cancellation(self) -> None:
        if Delivery.objects.exists():
            delivery, sent, endpoint = self._any_delivery()
            delivery.cancel(Reason.PERSON, timezone.now())
            if sent.fates[endpoint] == "open":
                sent.fates[endpoint] = "cancelled"

    def resend(self) -> None:
        if Delivery.objects.exists():
            delivery, sent, endpoint = self._any_delivery()
            if outbox.resend(delivery):
                sent.fates[endpoint] = "open"

    def erasure(self) -> None:
        left = [entry for entry in self.book.entries if not entry.is_erased]
        if left:
            entry = self.chance.choice(left)
            Lead.objects.get(pk=entry.lead.pk).delete()
            entry.is_erased = True

    def years_and_pruning(self) -> None:
        old = timezone.now() - timedelta(days=400)
        ids = [
            pk for pk in Message.objects.values_list("pk", flat=True) if self.chance.random() < 0.5
        ]
        Message.objects.filter(pk__in=ids).update(created_at=old)
        Delivery.objects.filter(message__in=ids, finished_at__isnull=False).update(finished_at=old)
        retention.prune()

    def archiving(self) -> None:
        if self.chance.random() < 0.2:
            self.chance.choice(self.endpoints).archive()

    def happenings(self) -> list[Callable[[], object]]:
        often = [self.submission, self.submission, self.shared_form, self.drain]
        return [
            *often, self.submission_that_cannot_be_told, self.telling_of_what_was_untold,
            self.death_of_a_worker, self.hold, self.release, self.cancellation, self.resend,
            self.erasure, self.years_and_pruning, self.archiving,
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_each_lead_of_a_department_is_in_exactly_one_state(
    seed: int, receiver: Receiver, monkeypatch: Any, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "RETRY_SCHEDULE": [0]}
    walk = Walk(seed, receiver, monkeypatch)
    names: list[str] = []
    for _ in range(STEPS):
        happening = walk.chance.choice(walk.happenings())
        names.append(happening.__name__)
        happening()
        story = f"seed {seed}: {', '.join(names)}"
        for fields in (("page_id", "department_id"), ("department_id",)):
            counts = Referral.objects.counts(*fields)
            assert counts == walk.book.expected(by_page=len(fields) == 2), story
    assert len(walk.book.entries) > 10
