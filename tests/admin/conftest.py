from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone
from wagtail.models import GroupPagePermission, Page

from wagtail_webhooks import outbox
from wagtail_webhooks.events import Event
from wagtail_webhooks.models import Attempt, AttemptBody, Delivery, Endpoint, Message
from wagtail_webhooks.opportunities.models import OpportunityPage
from wagtail_webhooks.payloads.standard import StandardJSON


SECRET_PATH = "path-that-is-secret"
SECRET_QUERY = "query-that-is-secret"
URL = f"https://hooks.example.org/{SECRET_PATH}?key={SECRET_QUERY}"

#: What a lead’s message says of its source.
SUBMISSION = ("webhooks_opportunities.lead", "1")

Clients = Callable[..., Client]
MakeDelivery = Callable[..., Delivery]


@pytest.fixture
def home(db: None) -> Page:
    return Page.objects.get(depth=2)


@pytest.fixture
def form_page(home: Page) -> OpportunityPage:
    return home.add_child(instance=OpportunityPage(title="A grant", slug="a-grant"))


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(name="Economic Development", url=URL)


@pytest.fixture
def user_with(db: None) -> Callable[..., Any]:
    """A user of the admin who may do just this."""

    def make(*codenames: str, name: str = "somebody") -> Any:
        user = get_user_model().objects.create_user(name, f"{name}@example.org", "x")
        wanted = ["access_admin", *codenames]
        permissions = Permission.objects.filter(
            codename__in=wanted, content_type__app_label__in=["wagtailadmin", "wagtail_webhooks"]
        )
        assert permissions.count() == len(wanted)
        user.user_permissions.set(permissions)
        return user

    return make


@pytest.fixture
def client_with(user_with: Callable[..., Any]) -> Clients:
    """A browser in which such a user is logged in."""

    def make(*codenames: str, name: str = "somebody") -> Client:
        browser = Client()
        browser.force_login(user_with(*codenames, name=name))
        return browser

    return make


@pytest.fixture
def superuser(db: None) -> Any:
    return get_user_model().objects.create_superuser("root", "root@example.org", "x")


@pytest.fixture
def root(superuser: Any) -> Client:
    browser = Client()
    browser.force_login(superuser)
    return browser


@pytest.fixture
def make_delivery(endpoint: Endpoint) -> MakeDelivery:
    def make(
        status: str = "succeeded",
        *,
        to: Endpoint | None = None,
        event_type: str = "page.published",
        data: Any = None,
        page: Page | None = None,
        source: tuple[str, str] = ("", ""),
        **values: Any,
    ) -> Delivery:
        message = Message(event_type=event_type, page=page, occurred_at=timezone.now())
        message.source_label, message.source_pk = source
        event = Event(message.id, event_type, message.occurred_at, data or {"name": "Ana"})
        payload = StandardJSON().render(event)
        message.body = payload.body.decode()
        message.body_sha256, message.body_size = payload.sha256, len(payload.body)
        message.save()
        return Delivery.objects.create(
            message=message, endpoint=to or endpoint, status=status, **values
        )

    return make


def add_attempt(delivery: Delivery, outcome: str, code: int | None, answer: str = "") -> Attempt:
    attempt = Attempt.objects.create(
        delivery=delivery,
        started_at=timezone.now() - timedelta(minutes=1),
        duration_ms=120,
        outcome=outcome,
        status_code=code,
        request_headers={"webhook-id": delivery.message_id},
        response_headers={"x-answer": "<b>header</b>"},
    )
    if answer:
        AttemptBody.objects.create(attempt=attempt, text=answer)
    return attempt


def text_of(response: Any) -> str:
    return str(response.content.decode())


def make_editor_of(page: Page, user: Any) -> None:
    """Give them the right to change this page, and with it to read what comes in there."""
    group = Group.objects.create(name=f"Editors of {page.title}")
    change = Permission.objects.get(codename="change_page")
    GroupPagePermission.objects.create(group=group, page=page, permission=change)
    user.groups.add(group)


def erase(delivery: Delivery) -> None:
    """As when the submission that it tells of is deleted."""
    source = Group.objects.create(name=f"stands for the source of {delivery.pk}")
    Message.objects.filter(pk=delivery.message_id).update(
        source_label=source._meta.label_lower, source_pk=str(source.pk)
    )
    outbox.erase(source)
