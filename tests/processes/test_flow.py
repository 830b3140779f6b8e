"""The job itself: real processes, a real socket, a lead that nothing can lose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
import standardwebhooks
import svix

from tests.processes.site import Citizen, LiveSite, OwnRedis, eventually
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = pytest.mark.processes


def opportunity(site: LiveSite) -> tuple[str, str]:
    """The path of a demo opportunity, and the signing secret of its endpoint."""
    found: list[str] = site.query(
        "(lambda p: [p.url, p.webhook_endpoints()[0].signing_secret.reveal()])"
        "(OpportunityPage.objects.live().order_by('path').first())"
    )
    return found[0], found[1]


def receiver_of(site: LiveSite, answer: Any = None) -> Receiver:
    return Receiver(answer, port=int(site.env["DEMO_RECEIVER_PORT"]))


def leads(receiver: Receiver) -> list[Any]:
    return [request for request in receiver.received if b'"lead.submitted"' in request.body]


def deliver_what_the_demo_published(site: LiveSite) -> None:
    """Loading the demo publishes its pages; the tests are about what comes after."""
    site.manage("webhooks_drain")


def test_a_lead_reaches_its_department_signed(site: LiveSite, citizen: Citizen) -> None:
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        path, secret = opportunity(site)
        site.start_web()
        site.start_cluster()

        answer, _seconds = citizen.send_lead(path)

        assert answer.status_code == 302
        confirmation = citizen.session.get(site.url + answer.headers["Location"], timeout=10)
        reference = site.query("Lead.objects.get().reference")
        assert reference in confirmation.text
        assert citizen.session.get(site.url + answer.headers["Location"], timeout=10).ok
        eventually(lambda: leads(receiver))
        (request,) = leads(receiver)
        for library in (standardwebhooks.Webhook, svix.Webhook):
            library(secret).verify(request.body, request.headers)
        assert reference.encode() in request.body
        assert b"Zo\\u00eb Quill" in request.body
        sent = "Delivery.objects.filter(message__event_type='lead.submitted', status='succeeded')"
        eventually(lambda: site.query(f"{sent}.count()") == 1)
        assert site.query("Lead.objects.count()") == 1


def test_publishing_and_unpublishing_reach_who_subscribed(site: LiveSite) -> None:
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        before = len(receiver.received)
        site.start_cluster()

        site.manage(
            "shell",
            "-c",
            "from wagtail_webhooks.opportunities.models import OpportunityPage\n"
            "page = OpportunityPage.objects.live().first()\n"
            "page.save_revision().publish()\n"
            "OpportunityPage.objects.get(pk=page.pk).unpublish()",
        )

        receiver.wait_for(before + 2, 20)
        kinds = sorted(
            request.body.split(b'"type":"')[1][:13] for request in receiver.received[before:]
        )
        assert kinds == [b"page.publishe", b"page.unpublis"]


def test_with_the_receiver_down_the_form_answers_and_the_lead_arrives_later(
    site: LiveSite, citizen: Citizen
) -> None:
    path, secret = opportunity(site)
    with receiver_of(site, Answer(503)) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        site.start_cluster()
        answer, seconds = citizen.send_lead(path)
        assert (answer.status_code, seconds < 2) == (302, True)
        eventually(lambda: leads(receiver))
        (refused,) = leads(receiver)
    # Nobody listens now: refused connections, until the receiver is back.
    eventually(lambda: site.query("Attempt.objects.filter(outcome='connect').count()") > 0, 30)

    with receiver_of(site) as receiver:
        # The third try is due a minute after the second; a resend by hand need not wait.
        site.manage("webhooks_resend", "--status", "pending")
        eventually(lambda: leads(receiver), 30)
        (arrived,) = leads(receiver)

    assert (arrived.id, arrived.body) == (refused.id, refused.body)
    standardwebhooks.Webhook(secret).verify(arrived.body, arrived.headers)


def test_a_retry_comes_on_schedule_with_the_same_id_and_bytes(
    site: LiveSite, citizen: Citizen
) -> None:
    path, _secret = opportunity(site)
    refusals = iter([Answer(500)])
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        receiver.answer = lambda received: next(refusals, Answer(200))
        site.start_web()
        site.start_cluster()
        citizen.send_lead(path)

        eventually(lambda: len(leads(receiver)) == 2, 30)

    first, second = leads(receiver)
    assert (first.id, first.body) == (second.id, second.body)
    assert 4 <= second.at - first.at <= 9  # five seconds, give or take a fifth and the queue


def test_with_no_worker_running_nothing_is_lost(site: LiveSite, citizen: Citizen) -> None:
    path, _secret = opportunity(site)
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        for _ in range(3):
            answer, seconds = citizen.send_lead(path)
            assert (answer.status_code, seconds < 2) == (302, True)
        assert leads(receiver) == []

        site.start_cluster()

        eventually(lambda: len(leads(receiver)) == 3, 100)
        assert len({request.id for request in leads(receiver)}) == 3


@pytest.fixture
def redis_site(make_site: Callable[..., LiveSite], redis: OwnRedis) -> LiveSite:
    return make_site(redis.url)


def test_with_redis_down_the_citizen_waits_no_longer_and_nothing_is_lost(
    redis_site: LiveSite, redis: OwnRedis
) -> None:
    site = redis_site
    path, _secret = opportunity(site)
    citizen = Citizen(site)
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        citizen.send_lead(path)  # the first request of a process is slow by itself
        usual = max(citizen.send_lead(path)[1] for _ in range(5))
        redis.stop()
        slowest = 0.0
        for _ in range(5):
            answer, seconds = citizen.send_lead(path)
            assert answer.status_code == 302
            slowest = max(slowest, seconds)
        assert slowest <= usual + 0.3

        redis.start()
        site.start_cluster()

        eventually(lambda: len({request.id for request in leads(receiver)}) == 11, 120, pause=0.5)


def test_a_redis_that_is_slow_for_a_moment_delays_leads_by_no_more_than_that(
    redis_site: LiveSite, redis: OwnRedis
) -> None:
    site = redis_site
    path, _secret = opportunity(site)
    citizen = Citizen(site)
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        site.start_cluster()
        citizen.send_lead(path)
        eventually(lambda: len(leads(receiver)) == 1, 30)
        with redis.frozen():
            citizen.send_lead(path)
        eventually(lambda: len(leads(receiver)) == 2, 10)
        citizen.send_lead(path)

        # Long before the next sweep.
        eventually(lambda: len(leads(receiver)) == 3, 10)


def test_the_web_server_killed_after_the_commit_loses_no_lead(
    site: LiveSite, citizen: Citizen
) -> None:
    path, _secret = opportunity(site)
    with receiver_of(site) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        answer, _seconds = citizen.send_lead(path)
        assert answer.status_code == 302
        site.processes["web"].kill()

        site.manage("webhooks_drain")

        assert len(leads(receiver)) == 1


def test_the_admin_shows_the_delivery_and_resends_it(site: LiveSite, citizen: Citizen) -> None:
    path, _secret = opportunity(site)
    with receiver_of(site, Answer(200, b"thank you, department")) as receiver:
        deliver_what_the_demo_published(site)
        site.start_web()
        site.start_cluster()
        citizen.send_lead(path)
        eventually(lambda: leads(receiver))
        pk = site.query("Delivery.objects.get(message__event_type='lead.submitted').pk")
        eventually(lambda: site.query(f"Delivery.objects.get(pk={pk}).status") == "succeeded")
        editor = log_in(site, "editor")

        listing = editor.get(f"{site.url}/admin/webhooks/deliveries/", timeout=20)
        address = f"{site.url}/admin/webhooks/deliveries/inspect/{pk}/"
        detail = editor.get(address, timeout=20)

        assert (listing.status_code, detail.status_code) == (200, 200)
        assert f"/inspect/{pk}/" in listing.text
        for text in ("thank you, department", leads(receiver)[0].id):
            assert text in detail.text


def log_in(site: LiveSite, username: str) -> requests.Session:
    session = requests.Session()
    login = f"{site.url}/admin/login/"
    session.get(login, timeout=20)
    data = {
        "username": username,
        "password": "demo",
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    answer = session.post(login, data=data, headers={"Referer": login}, timeout=20)
    assert answer.ok and "/login/" not in answer.url
    return session
