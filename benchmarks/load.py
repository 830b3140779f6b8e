"""Two hundred citizens at once, beside the same forms with webhooks switched off."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from . import processes
from .bench import Bench, Options, settle
from .citizens import Visit
from .processes import Cluster
from .workload import address


DEPARTMENTS = 5
#: What the department that is down does with a request, in milliseconds: longer than anyone waits.
HANGS_MS = 600_000
#: Seconds of each turn, and those before it in which what is under way comes to its end.
TURN = 10.0
SETTLE = 1.0
#: Of the workers, which share the machine with the web server and can wait.
NICENESS = 10
#: As many as gunicorn recommends for two cores.
WEB = ("--workers", "5", "--backlog", "1024")


@dataclass(frozen=True)
class Turn:
    """Some seconds with webhooks on or off."""

    is_on: bool
    began: float
    ended: float

    def has(self, visit: Visit) -> bool:
        """Whether all of its POST was in them."""
        return self.began <= visit.began and visit.ended <= self.ended


def measure(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    """On: five departments, of which one hangs. Off: no endpoints, workers stand still. In turn."""
    length = min(TURN, options.seconds)
    count = 2 * round(options.seconds / length)
    # Until they are out of step; and what is imported at its first use is then.
    ramp = 2 * options.think
    forms = Forms(bench)
    all_visits: list[Visit] = []
    all_turns: list[Turn] = []
    with _web(bench, options) as site, bench.cluster(niceness=NICENESS) as cluster:
        for number in range(options.rounds):
            settle(bench.dsn)
            seconds = ramp + count * (length + SETTLE)
            with _citizens(options, site, forms.paths, seconds) as visits:
                _take_turn(cluster, forms, ramp, is_on=True)
                turns = [
                    _take_turn(cluster, forms, length, is_on=(place + number) % 2 == 0)
                    for place in range(count)
                ]
            cluster.go_on()
            forms.await_end()
            all_visits += visits
            all_turns += turns
            yield {"round": number + 1} | _row(visits, turns) | forms.account_for(visits, turns)
    forms.switch(is_on=False)
    if options.rounds > 1:
        # Bursts make the p95 of one minute twice that of another.
        row = _row(all_visits, all_turns)
        yield {"round": "all"} | row | forms.account_for(all_visits, all_turns)


def _take_turn(cluster: Cluster, forms: Forms, seconds: float, *, is_on: bool) -> Turn:
    forms.switch(is_on=is_on)
    cluster.go_on()
    time.sleep(SETTLE)
    if not is_on:
        cluster.stand_still()
    began = time.time()
    time.sleep(seconds)
    return Turn(is_on, began, time.time())


@contextmanager
def _citizens(
    options: Options, site: str, paths: list[str], seconds: float
) -> Iterator[list[Visit]]:
    """They live while this is entered; their visits are there afterwards."""
    visits: list[Visit] = []
    numbers = map(str, (options.citizens, seconds, options.think))
    people = processes.start(
        "-m", "benchmarks.citizens", site, ",".join(paths), *numbers, stdout=subprocess.PIPE
    )
    try:
        yield visits
        printed, _ = people.communicate()
    finally:
        processes.end(people)
    visits += [Visit(**visit) for visit in json.loads(printed)]


def _row(visits: list[Visit], turns: list[Turn]) -> dict[str, Any]:
    off, on = (
        sorted(
            (visit.ended - visit.began) * 1000
            for turn in turns
            for visit in visits
            if turn.is_on == is_on and turn.has(visit)
        )
        for is_on in (False, True)
    )
    p95_off, p95_on = (times[int(len(times) * 0.95)] for times in (off, on))
    return {
        "POSTs off": len(off),
        "POSTs on": len(on),
        "median off ms": statistics.median(off),
        "median on ms": statistics.median(on),
        "p95 off ms": p95_off,
        "p95 on ms": p95_on,
        "p95 ratio": p95_on / p95_off,
        "refused": sum(_is_refused(visit) for visit in visits),
    }


def _is_refused(visit: Visit) -> bool:
    """Anything but a form, a lead that was taken, and its confirmation."""
    return (visit.opened, visit.sent, visit.confirmed) != (200, 302, 200) or not visit.reference


class Forms:
    """An opportunity for each department, with the form that an editor starts with."""

    def __init__(self, bench: Bench) -> None:
        from wagtail.models import Site

        from wagtail_webhooks.models import Subscription
        from wagtail_webhooks.opportunities.models import OpportunityIndexPage

        Subscription.objects.all().delete()
        self.bench = bench
        home = Site.objects.get(is_default_site=True).root_page
        self.index = home.add_child(instance=OpportunityIndexPage(title="What we offer"))
        self.pages = [self._make(number) for number in range(DEPARTMENTS)]
        self.paths = [page.get_url() for page in self.pages]
        self.endpoints = {page.pk: page.department.default_endpoint for page in self.pages}
        self.down_id = self.pages[-1].pk

    def _make(self, number: int) -> Any:
        from wagtail_webhooks.models import Endpoint
        from wagtail_webhooks.opportunities.models import Department, OpportunityPage

        delay_ms = HANGS_MS if number == DEPARTMENTS - 1 else 0
        endpoint = Endpoint.objects.create(
            name=f"Department {number}",
            url=f"http://{address(number)}:{self.bench.port}/{delay_ms}/{number}",
        )
        department = Department.objects.create(name=endpoint.name, default_endpoint=endpoint)
        page = OpportunityPage(title=f"Grant {number}", department=department)
        page.add_default_form_fields()
        self.index.add_child(instance=page)
        return page

    def switch(self, *, is_on: bool) -> None:
        for page in self.pages:
            page.department.default_endpoint = self.endpoints[page.pk] if is_on else None
            page.department.save()

    def account_for(self, visits: list[Visit], turns: list[Turn]) -> dict[str, int]:
        """What became of the leads whose references citizens have read."""
        from wagtail_webhooks.opportunities.models import Lead, Referral

        read = {visit.reference for visit in visits if visit.reference}
        must_be_told = {
            visit.reference
            for turn in turns
            for visit in visits
            if turn.is_on and turn.has(visit) and visit.reference
        }
        leads = {str(lead.pk): lead.reference for lead in Lead.objects.filter(reference__in=read)}
        arrived = self.bench.receiver("/arrivals")
        found: Counter[str] = Counter()
        referrals = Referral.objects.about(Lead._meta.label_lower, leads)
        for row, state in referrals.states("lead_pk", "page_id", "message_id").items():
            lead_pk, page_id, message_id = row
            if state == state.DELIVERED and message_id in arrived:
                found["delivered"] += 1
            elif state in (state.WAITING, state.HELD, state.FAILED) and page_id == self.down_id:
                found["waiting"] += 1
            elif state == state.UNADDRESSED and leads[lead_pk] not in must_be_told:
                found["of nobody"] += 1
        counts = {name: found[name] for name in ("delivered", "waiting", "of nobody")}
        return {**counts, "lost": len(read) - found.total()}

    def await_end(self, seconds: float = 120) -> None:
        """Until the departments that answer have all."""
        from wagtail_webhooks.models import Delivery

        until = time.monotonic() + seconds
        healthy = [each for page_id, each in self.endpoints.items() if page_id != self.down_id]
        waiting = Delivery.objects.filter(endpoint__in=healthy, status__in=["pending", "sending"])
        while waiting.exists() and time.monotonic() < until:
            time.sleep(0.1)


@contextmanager
def _web(bench: Bench, options: Options) -> Iterator[str]:
    port = processes.free_port()
    env = {
        "WEBHOOKS_TRUSTED_PROXIES": "1",
        "WEBHOOKS_LEAD_MIN_SECONDS": str(min(3, int(options.think / 2))),
    }
    log = (bench.folder / "web.log").open("wb")
    web = processes.start(
        "-m", "gunicorn", "example_site.wsgi", "--bind", f"127.0.0.1:{port}", *WEB,
        env=env, stdout=log, stderr=log,
    )  # fmt: skip
    site = f"http://127.0.0.1:{port}"
    try:
        _await_answer(site, web)
        yield site
    finally:
        processes.end(web)
        log.close()


def _await_answer(site: str, web: subprocess.Popen[str]) -> None:
    for _ in range(200):
        try:
            requests.get(site, timeout=30)
            return
        except requests.ConnectionError:
            if web.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError("The web server did not start.")
