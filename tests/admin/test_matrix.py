"""Who gets in where: every URL of ours in the admin, for every kind of person, GET and POST.

The URLs are found in the resolver, so a new one fails here until it has its line in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core import serializers
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, resolve, reverse
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.models import ModelLogEntry

from tests.factories import make_department
from wagtail_webhooks.admin import trial_views
from wagtail_webhooks.models import BulkOrder, Endpoint
from wagtail_webhooks.opportunities.models import ConsentText

from .conftest import MakeDelivery


OUR_APPS = ("wagtail_webhooks", "webhooks_opportunities")

OV = "wagtail_webhooks_overview"
T = "wagtail_webhooks_event_types"
E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"
C = "wagtail_webhooks_endpoint_chooser"
L = "webhooks_opportunities_counts"
S = "wagtailsnippets_webhooks_opportunities_department"
SC = "wagtailsnippetchoosers_webhooks_opportunities_department"
CT = "wagtailsnippets_webhooks_opportunities_consenttext"
CC = "wagtailsnippetchoosers_webhooks_opportunities_consenttext"

#: What each kind of person may do, besides entering the admin.
ROLES: dict[str, tuple[str, ...]] = {
    "editor": (),
    "log viewer": ("view_delivery",),
    "payload viewer": ("view_delivery", "view_payload"),
    "resender": ("view_delivery", "resend_delivery"),
    "blind resender": ("resend_delivery",),
    "tester": ("send_test",),
    "revealer": ("reveal_secret",),
    "creator": ("add_endpoint",),
    "manager": ("view_endpoint", "add_endpoint", "change_endpoint"),
    "department editor": (
        "view_department", "add_department", "change_department", "delete_department",
    ),
    "consent editor": ("view_consenttext", "add_consenttext"),
}  # fmt: skip
LOG = "log viewer, payload viewer, resender"
EVERYBODY = ", ".join(ROLES)
#: Those who see that there are endpoints; the viewset lets in whoever may do anything with them.
ENDPOINTS = "creator, manager"


class Line(NamedTuple):
    """Who is let in besides the superuser, and what GET and POST then answer.

    Whoever is not let in is sent away, by either method, and changes nothing.
    """

    who: str
    get: int
    post: int


#: Not even the superuser: what nobody may do, though Wagtail has a URL for it.
NOBODY = Line("nobody", 302, 302)


TABLE = {
    f"{OV}:index":              Line(LOG, 200, 405),
    f"{T}:index":              Line(f"{LOG}, {ENDPOINTS}", 200, 405),
    f"{E}:index":              Line(ENDPOINTS, 200, 405),
    f"{E}:index_results":      Line(ENDPOINTS, 200, 405),
    f"{E}:add":                Line("creator, manager", 200, 200),
    f"{E}:edit":               Line("manager", 200, 200),
    f"{E}:delete":             Line("", 200, 302),
    f"{E}:inspect":            Line(ENDPOINTS, 200, 405),
    f"{E}:history":            Line(ENDPOINTS, 200, 405),
    f"{E}:history_results":    Line(ENDPOINTS, 200, 405),
    f"{E}:reveal_secret":      Line("revealer", 405, 200),
    f"{E}:rotate_secret":      Line("manager", 200, 200),
    f"{E}:pause":              Line("manager", 200, 302),
    f"{E}:resume":             Line("manager", 200, 302),
    f"{E}:archive":            Line("manager", 200, 302),
    f"{E}:restore":            Line("manager", 200, 302),
    f"{E}:send_test":          Line("tester", 200, 302),
    f"{E}:contract":           Line("manager", 200, 405),
    f"{E}:openapi":            Line("manager", 200, 405),
    f"{E}:site_openapi":       Line("manager", 200, 405),
    f"{E}:share_contract":     Line("manager", 200, 302),
    f"{E}:unshare_contract":   Line("manager", 200, 302),
    f"{D}:index":              Line(LOG, 200, 405),
    f"{D}:index_results":      Line(LOG, 200, 405),
    f"{D}:rows":               Line(LOG, 200, 405),
    f"{D}:inspect":            Line(LOG, 200, 405),
    f"{D}:now":                Line(LOG, 200, 405),
    f"{D}:body":               Line("payload viewer", 200, 405),
    f"{D}:resend":             Line("resender", 200, 302),
    f"{D}:cancel":             Line("resender", 200, 302),
    f"{D}:stop_order":         Line("resender", 200, 302),
    f"{C}:choose":             Line("manager", 200, 405),
    f"{C}:choose_results":     Line("manager", 200, 405),
    f"{C}:chosen":             Line("manager", 200, 405),
    f"{C}:chosen_multiple":    Line("manager", 200, 405),
    f"{C}:create":             Line("manager", 200, 200),
    f"{S}:list":               Line("department editor", 200, 405),
    f"{S}:list_results":       Line("department editor", 200, 405),
    f"{S}:add":                Line("department editor", 200, 200),
    f"{S}:edit":               Line("department editor", 200, 200),
    f"{S}:delete":             Line("department editor", 200, 302),
    f"{S}:usage":              Line("department editor", 200, 405),
    f"{S}:history":            Line("department editor", 200, 405),
    f"{S}:history_results":    Line("department editor", 200, 405),
    f"{L}:index":              Line(LOG, 200, 405),
    f"{L}:index_results":      Line(LOG, 200, 405),
    # Wagtail lets every editor choose a department for a page, and shows no more than its name.
    f"{SC}:choose":            Line(EVERYBODY, 200, 405),
    f"{SC}:choose_results":    Line(EVERYBODY, 200, 405),
    f"{SC}:chosen":            Line(EVERYBODY, 200, 405),
    f"{SC}:chosen_multiple":   Line(EVERYBODY, 200, 405),
    # Wagtail has the URL even where there is no form behind it, and trips over that.
    f"{SC}:create":            Line("department editor", 200, 500),
    f"{CT}:list":              Line("consent editor", 200, 405),
    f"{CT}:list_results":      Line("consent editor", 200, 405),
    f"{CT}:add":               Line("consent editor", 200, 200),
    f"{CT}:copy":              Line("consent editor", 200, 200),
    f"{CT}:inspect":           Line("consent editor", 200, 405),
    # What somebody may have agreed to stays as it is.
    f"{CT}:edit":              NOBODY,
    f"{CT}:delete":            NOBODY,
    f"{CT}:usage":             NOBODY,
    f"{CT}:history":           Line("consent editor", 200, 405),
    f"{CT}:history_results":   Line("consent editor", 200, 405),
    f"{CC}:choose":            Line(EVERYBODY, 200, 405),
    f"{CC}:choose_results":    Line(EVERYBODY, 200, 405),
    f"{CC}:chosen":            Line(EVERYBODY, 200, 405),
    f"{CC}:chosen_multiple":   Line(EVERYBODY, 200, 405),
    f"{CC}:create":            Line("consent editor", 200, 500),
    "bulk:wagtail_webhooks/delivery/resend":           Line("resender", 200, 302),
    "bulk:wagtail_webhooks/delivery/cancel":           Line("resender", 200, 302),
    # Wagtail's own: it answers everybody, and deletes for those who may.
    "bulk:webhooks_opportunities/department/delete":   Line(EVERYBODY, 200, 302),
    "bulk:webhooks_opportunities/consenttext/delete":  Line(EVERYBODY, 200, 302),
}  # fmt: skip

#: Open to the whole net, and tested as such: tests/signatures/test_public_keys.py and
#: tests/contract/test_pages.py.
PUBLIC = {
    "wagtail_webhooks:public_keys",
    "wagtail_webhooks:contract",
    "wagtail_webhooks:contract_openapi",
}

#: Looking at content is on record: the one GET that writes, an entry in the audit log.
WRITES_ON_GET = {f"{D}:inspect", f"{D}:now", f"{D}:body"}
#: Everybody is answered, and this role alone is obeyed.
OBEYED: dict[str, set[str]] = {
    "bulk:webhooks_opportunities/department/delete": {"department editor", "superuser"},
    "bulk:webhooks_opportunities/consenttext/delete": set(),
}


def our_urls() -> Iterator[str]:
    """All that have a name in a namespace of ours, and the bulk actions on our models."""
    for pattern in get_resolver().url_patterns:
        yield from _named(pattern, "")
    for app in OUR_APPS:
        for model in apps.get_app_config(app).get_models():
            name = model._meta.model_name
            for action in bulk_action_registry.get_bulk_actions_for_model(app, name):
                yield f"bulk:{app}/{name}/{action.action_type}"


def _named(pattern: Any, namespace: str) -> Iterator[str]:
    if not hasattr(pattern, "url_patterns"):
        if pattern.name and _is_ours(namespace):
            yield f"{namespace}:{pattern.name}"
        return
    inner = ":".join(filter(None, (namespace, pattern.namespace)))
    for each in pattern.url_patterns:
        yield from _named(each, inner)


def _is_ours(namespace: str) -> bool:
    return any(app in namespace for app in OUR_APPS)


@pytest.fixture
def targets(db: None, make_delivery: MakeDelivery) -> dict[str, int]:
    """By namespace, the id of an object that each of its actions can be tried on."""
    unused = Endpoint.objects.create(name="Unused", url="https://hooks.example.org/a")
    delivery = make_delivery("pending")
    sent = make_delivery(content_type="application/json")
    department = make_department()
    consent = ConsentText.objects.create(text="I agree.", language="en-gb")
    return {
        E: unused.pk, C: unused.pk, D: delivery.pk, S: department.pk, SC: department.pk,
        CT: consent.pk, CC: consent.pk, f"{D}:body": sent.pk,
        f"{D}:stop_order": BulkOrder.objects.create(action="resend", below=0, total=1).pk,
        "bulk:wagtail_webhooks/delivery/resend": delivery.pk,
        "bulk:wagtail_webhooks/delivery/cancel": delivery.pk,
        "bulk:webhooks_opportunities/department/delete": department.pk,
        "bulk:webhooks_opportunities/consenttext/delete": consent.pk,
    }  # fmt: skip


@pytest.fixture
def people(superuser: Any) -> dict[str, Any]:
    """The users, without anonymous ones."""
    permissions = {
        permission.codename: permission
        for permission in Permission.objects.filter(
            content_type__app_label__in=["wagtailadmin", *OUR_APPS]
        )
    }
    people = {}
    for role, codenames in ROLES.items():
        user = type(superuser).objects.create_user(role, "", "x")
        user.user_permissions.set([permissions[name] for name in ("access_admin", *codenames)])
        people[role] = user
    return {**people, "superuser": superuser}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker answers a test here."""
    monkeypatch.setattr(trial_views, "PATIENCE", 0)


def url_of(name: str, targets: dict[str, int]) -> str:
    namespace, _, action = name.partition(":")
    target = targets.get(name, targets.get(namespace))
    if namespace == "bulk":
        return f"{reverse('wagtail_bulk_action', args=action.split('/'))}?id={target}"
    if action == "chosen_multiple":
        return f"{reverse(name)}?id={target}"
    try:
        return reverse(name)
    except Exception:
        return reverse(name, args=[target])


def answer(response: Any) -> int | str:
    """The status; in words for the two ways of being sent away."""
    if response.status_code == 302 and response.url.startswith(reverse("wagtailadmin_login")):
        return "login"
    if response.status_code == 302 and response.url == reverse("wagtailadmin_home"):
        return "sent away"
    return int(response.status_code)


def ask(method: str, url: str, user: Any = None) -> tuple[int | str, str, str]:
    """What is answered, and all our rows before and after; whatever it did is undone."""
    browser = Client(raise_request_exception=False)
    if user is not None:
        browser.force_login(user)
    before = dump()
    with transaction.atomic():
        said = answer(getattr(browser, method)(url))
        after = dump()
        transaction.set_rollback(True)
    return said, before, after


def dump() -> str:
    models = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    rows = [row for model in [*models, ModelLogEntry] for row in model.objects.order_by("pk")]
    return serializers.serialize("json", rows)


def test_the_table_names_every_url_and_no_other() -> None:
    Client().get(reverse("wagtailadmin_home"))  # viewsets register as the admin's URLs are loaded
    assert set(our_urls()) == set(TABLE) | PUBLIC


@pytest.mark.parametrize("name", TABLE)
def test_a1_a2_each_url_checks_the_permission_itself_and_a_get_changes_nothing(
    name: str, targets: dict[str, int], people: dict[str, Any]
) -> None:
    line, url = TABLE[name], url_of(name, targets)
    let_in = {*filter(None, line.who.split(", ")), "superuser"} if line != NOBODY else set()
    expected = {role: {"get": "sent away", "post": "sent away"} for role in people}
    expected |= {role: {"get": line.get, "post": line.post} for role in let_in}
    answers: dict[str, dict[str, Any]] = {}
    for role, user in people.items():
        answers[role] = {}
        for method in ("get", "post"):
            said, before, after = ask(method, url, user)
            answers[role][method] = said
            is_obeyed = role in OBEYED.get(name, let_in)
            if not is_obeyed or (method == "get" and name not in WRITES_ON_GET):
                assert before == after, f"{role} changed something by {method}"
    assert answers == expected


@pytest.mark.parametrize("method", ["get", "post"])
def test_a2_without_a_login_every_url_leads_to_the_login(
    method: str, targets: dict[str, int]
) -> None:
    for name in TABLE:
        said, before, after = ask(method, url_of(name, targets))
        assert (name, said) == (name, "login")
        assert before == after


def test_a1_a_form_without_its_token_is_refused_everywhere(
    targets: dict[str, int], superuser: Any
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser)
    before = dump()
    for name, line in TABLE.items():
        if line.post != 405:
            response = browser.post(url_of(name, targets))
            assert (name, response.status_code) == (name, 403)
    assert dump() == before


def test_a19_nothing_of_it_is_kept_by_a_browser_or_shown_in_a_frame(
    targets: dict[str, int], superuser: Any
) -> None:
    browser = Client()
    browser.force_login(superuser)
    secret = browser.post(url_of(f"{E}:reveal_secret", targets))
    rotated = browser.post(url_of(f"{E}:rotate_secret", targets))
    for name, line in TABLE.items():
        pages = [browser.get(url_of(name, targets)), secret, rotated]
        for page in pages if line.get == 200 else ():
            assert "no-store" in page["Cache-Control"]
            assert page["X-Frame-Options"] in ("DENY", "SAMEORIGIN")


def test_a_test_is_not_part_of_the_requests_transaction(targets: dict[str, int]) -> None:
    """With ATOMIC_REQUESTS the worker would otherwise see it only when nobody waits any more."""
    view = resolve(url_of(f"{E}:send_test", targets)).func
    assert view._non_atomic_requests == {"default"}  # type: ignore[attr-defined]
