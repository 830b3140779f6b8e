"""What the browser tests want to see, as rows: run in the site’s own process by ``query``."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from wagtail.models import Locale, Page
from wagtail.users.models import UserProfile

from tests.opportunities.sharing import give_form
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.models import (
    Attempt,
    AttemptBody,
    BulkOrder,
    Delivery,
    DeliveryBody,
    Endpoint,
    EndpointState,
    Message,
)
from wagtail_webhooks.opportunities.models import (
    ConsentText,
    Department,
    Lead,
    OpportunityEndpoint,
    OpportunityFormField,
    OpportunityIndexPage,
    OpportunityPage,
    Referral,
)


#: Whatever is too long for its place somewhere.
LONG = "Directorate-General for Interdepartmental Telecommunications-Infrastructure Programmes"


def for_editors() -> dict[str, Any]:
    """Every state that a page of ours in the admin can be in; the ids by which it is found."""
    business = Endpoint.objects.get(name="Department for Business")
    page = OpportunityPage.objects.get(slug="digital-skills-training")
    OpportunityPage.objects.update(closes_at=timezone.now() + timedelta(hours=3))
    newest = Delivery.objects.order_by("-pk")
    ids = {
        "failed": newest.filter(status="failed")[0].pk,
        "delivered": newest.filter(status="succeeded")[0].pk,
        "held": newest.filter(status="pending")[0].pk,
        "skills": Endpoint.objects.get(name="Department for Skills").pk,
        "index": OpportunityIndexPage.objects.get().pk,
        "page": page.pk,
        "reference": Lead.objects.filter(page=page).latest("pk").reference,
        "department": Department.objects.earliest("pk").pk,
    }
    BulkOrder.objects.create(action="resend", below=0, total=120, seen=40)
    speak_spanish()
    return {**ids, **_deliveries(business, page), **_endpoints(), **_leads(page)}


def emptied() -> None:
    """Accounts and pages, and nothing that anybody could be told."""
    speak_spanish()
    ConsentText.objects.all().delete()
    OpportunityPage.objects.update(department=None)
    OpportunityEndpoint.objects.all().delete()
    Endpoint.objects.all().delete()
    Department.objects.all().delete()


def speak_spanish() -> None:
    """For each account another one that does: webmaster-es, and so on."""
    for user in get_user_model().objects.all():
        groups = list(user.groups.all())
        user.pk, user.username = None, f"{user.username}-es"
        user.save()
        user.groups.set(groups)
        UserProfile.objects.create(user=user, preferred_language="es")


def _deliveries(endpoint: Endpoint, page: Any) -> dict[str, int]:
    now = timezone.now()
    sending = {"status": "sending", "lease_token": "x", "leased_until": now + timedelta(hours=9)}
    waiting = {"next_attempt_at": now + timedelta(hours=9)}
    old = {"body": "", "body_sha256": "5e" * 32, "body_size": 2345}
    cancelled = {"status": "cancelled", "finished_at": now}
    made = {
        "waiting": _delivery(endpoint, page, **waiting),
        "sending": _delivery(endpoint, page, **sending),
        "cancelled": _delivery(endpoint, page, reason="person", **cancelled),
        "pruned": _delivery(endpoint, page, old, status="succeeded", finished_at=now),
        "erased": _delivery(
            endpoint, page, {**old, "erased_at": now}, reason="erased", **cancelled
        ),
        "unsendable": _delivery(
            endpoint, page, {"body": "", "problem": "too_large"}, status="failed",
            reason="too_large",
        ),
        "binary": _delivery(endpoint, page, status="succeeded", finished_at=now),
    }  # fmt: skip
    bytes_ = gzip.compress(b"a form that is no text", mtime=0)
    made["binary"].content_type = "application/gzip"
    made["binary"].body_sha256, made["binary"].body_size = "ab" * 32, len(bytes_)
    made["binary"].save()
    DeliveryBody.objects.create(delivery=made["binary"], content=bytes_)
    _attempt(made["binary"], "ok", 200, took=30_000, answer="")
    _attempt(made["binary"], "http", 500, took=88, answer="\ufffd" * 40)
    _attempt(made["waiting"], "timeout", None, took=90_000)
    return {name: delivery.pk for name, delivery in made.items()}


def _delivery(
    endpoint: Endpoint, page: Any, about: dict[str, Any] | None = None, **values: Any
) -> Delivery:
    body = '{"type": "page.published", "data": {"page": {"title": "Zoë & co. \u202e"}}}'
    body = body.encode("ascii", "backslashreplace").decode().replace("\\xeb", "\\u00eb")
    message = Message.objects.create(
        event_type="page.published", page=page, **{"body": body, **(about or {})}
    )
    values = {"format": "standard", "content_type": "application/json", **values}
    return Delivery.objects.create(message=message, endpoint=endpoint, **values)


def _attempt(
    delivery: Delivery, outcome: str, code: int | None, took: int, answer: str | None = None
) -> None:
    attempt = Attempt.objects.create(
        delivery=delivery,
        started_at=timezone.now(),
        duration_ms=took,
        outcome=outcome,
        status_code=code,
        request_headers={"webhook-id": delivery.message_id, "webhook-signature": "v1," + "x" * 88},
        response_headers={"x-trace": "0123456789abcdef" * 8},
    )
    if answer is not None:
        AttemptBody.objects.create(attempt=attempt, text=answer)


def _endpoints() -> dict[str, int]:
    rich = Endpoint(name=LONG, url="https://hooks.example.org/" + "long/" * 20)
    rich.owner_email = "a-very-long-address-of-somebody@interdepartmental.example.org"
    rich.extra_signatures = ["ed25519"]
    rich.only_answers, rich.only_page_fields = ["email"], ["title"]
    rich.set_credentials(
        [Credential("header", "X-Api-Key", "k" * 20), Credential("bearer", "", "t")]
    )
    rich.save()
    rich.rotate()
    rich.share_contract()
    rich.subscriptions.create(
        event_type="page.*", scope="subtree", page=OpportunityIndexPage.objects.get()
    )
    rich.subscriptions.create(event_type="lead.submitted")
    made = {"rich": rich}
    for name in ("failing", "archived", "paused", "new"):
        made[name] = Endpoint.objects.create(
            name=f"One that is {name}", url=f"https://{name}.test/"
        )
    made["archived"].archive()
    since = timezone.now() - timedelta(days=2)
    EndpointState.objects.filter(pk=made["failing"].pk).update(failing_since=since, failures=4)
    EndpointState.objects.filter(pk=made["paused"].pk).update(hold="paused", held_at=since)
    return {name: endpoint.pk for name, endpoint in made.items()}


def _leads(page: OpportunityPage) -> dict[str, int]:
    """Some that are for another department as well."""
    mine = Referral.objects.filter(page_id=page.pk).order_by("-pk")
    for referral in mine[:4]:
        referral.pk, referral.page_id = None, page.pk + 1000
        referral.department_id, referral.department_name = None, LONG
        referral.save()
    text = "<p>I agree that my details are passed on. <a href='/'>More</a></p>"
    return {"consent": ConsentText.objects.create(text=text, language="en-gb").pk}


def for_citizens() -> None:
    """Opportunities in every state, in two languages."""
    spanish = Locale.objects.create(language_code="es")
    ConsentText.objects.create(text="<p>I agree to <a href='/'>this</a>.</p>", language="es")
    ConsentText.objects.create(text="<p>I agree to this.</p>", language="en-gb")
    index = OpportunityIndexPage.objects.get()
    past, future = (timezone.now() + timedelta(days=days) for days in (-9, 9))
    _opportunity(index, "open", "Typewriting for all", closes_at=future)
    _opportunity(index, "closed", f"{LONG} of the past", closes_at=past)
    _opportunity(index, "upcoming", "Something to wait for", opens_at=future)
    for number in range(12):
        _opportunity(index, f"programme-{number}", f"Programme {number}", amount="Up to £900")
    index.add_child(instance=OpportunityIndexPage(title="Nothing", slug="none"))
    over = give_form(index.add_child(instance=OpportunityIndexPage(title="Over", slug="over")))
    _opportunity(over, "last", "The last one", closes_at=past)
    index.copy_for_translation(spanish, copy_parents=True)
    for page in index.get_descendants().specific():
        page.copy_for_translation(spanish)
    for page in Page.objects.filter(locale=spanish, alias_of=None).specific():
        page.save_revision().publish()


def _opportunity(index: Any, slug: str, title: str, **values: Any) -> None:
    page = OpportunityPage(
        title=title,
        slug=slug,
        kind="training",
        summary="A summary of what this is about, in a sentence that is neither short nor long.",
        body="<h2>Who it is for</h2><p>For all. <a href='/'>More</a></p><ul><li>One</li></ul>",
        department=Department.objects.earliest("pk"),
        contact_email="a-very-long-address-of-somebody@interdepartmental.example.org",
        thank_you_text="<p>We will write to you.</p>",
        **values,
    )
    page.form_fields = [
        OpportunityFormField(sort_order=order, label=label, field_type=kind, **more)
        for order, (label, kind, more) in enumerate(_FIELDS)
    ]
    index.add_child(instance=page)
    page.save_revision().publish()


_FIELDS: list[tuple[str, str, dict[str, Any]]] = [
    ("Name", "singleline", {"help_text": "As it stands in your passport."}),
    ("E-mail address", "email", {}),
    ("Region", "dropdown", {"choices": "North\nSouth"}),
    ("Size", "radio", {"choices": "Small\nLarge", "help_text": "Roughly is enough."}),
    ("Purposes", "checkboxes", {"choices": "Roof\nWalls"}),
    ("Number", "number", {"required": False}),
    ("Website", "url", {"required": False}),
    ("Start", "date", {"required": False}),
    ("Meeting", "datetime", {"required": False}),
    ("I am looking for work", "checkbox", {"required": False}),
    ("Message", "multiline", {}),
]
