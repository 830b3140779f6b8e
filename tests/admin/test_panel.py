"""The panel in the page editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import RequestFactory
from django.utils import translation
from wagtail.models import Page

from wagtail_webhooks.admin.panels import WebhookDeliveriesPanel

from .conftest import MakeDelivery


def bound(page: Page, user: Any) -> Any:
    request = RequestFactory().get("/")
    request.user = user
    return WebhookDeliveriesPanel().bind_to_model(Page).get_bound_panel(page, request, form=None)


def test_it_shows_the_last_ten_deliveries_about_the_page(
    home: Page, user_with: Callable[..., Any], make_delivery: MakeDelivery
) -> None:
    made = [make_delivery("failed", page=home) for _ in range(12)]
    make_delivery()
    panel = bound(home, user_with("view_delivery"))
    assert panel.is_shown()
    assert panel.deliveries == list(reversed(made))[:10]
    html = panel.render_html()
    assert f"/admin/webhooks/deliveries/inspect/{made[-1].pk}/" in html
    assert f"/admin/webhooks/deliveries/?page={home.pk}" in html


def test_it_says_so_when_nothing_was_sent(home: Page, superuser: Any) -> None:
    assert "Nothing has been sent" in bound(home, superuser).render_html()


def test_its_heading_is_in_the_language_of_whoever_looks(home: Page, superuser: Any) -> None:
    panel = bound(home, superuser)
    assert panel.heading == "Webhook deliveries"
    with translation.override("es"):
        assert panel.heading == "Entregas de webhooks"


def test_it_is_hidden_from_those_who_may_not_see_the_log(
    home: Page, user_with: Callable[..., Any]
) -> None:
    assert not bound(home, user_with()).is_shown()


def test_it_is_hidden_while_the_page_is_new(superuser: Any, db: None) -> None:
    assert not bound(Page(title="New"), superuser).is_shown()


def test_it_asks_the_database_once(
    home: Page, superuser: Any, make_delivery: MakeDelivery, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        make_delivery(page=home)
    with django_assert_num_queries(1):
        bound(home, superuser).render_html()
