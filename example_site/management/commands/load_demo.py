from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from wagtail.models import GroupPagePermission, Locale, Page, Site

from example_site.demo_data import CONSENT, OPPORTUNITIES, SHARED_QUESTIONS, Opportunity
from example_site.history import make_history
from example_site.models import HomePage
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import (
    ConsentText,
    Department,
    OpportunityEndpoint,
    OpportunityFormField,
    OpportunityIndexFormField,
    OpportunityIndexPage,
    OpportunityPage,
)


PASSWORD = "demo"  # noqa: S105
PAGE_PERMISSIONS = ("add_page", "change_page", "publish_page")
EDITOR_PERMISSIONS = (
    "wagtailadmin.access_admin",
    "wagtail_webhooks.add_endpoint",
    "wagtail_webhooks.change_endpoint",
    "wagtail_webhooks.view_endpoint",
    "wagtail_webhooks.send_test",
    "wagtail_webhooks.view_delivery",
    "wagtail_webhooks.view_payload",
    "wagtail_webhooks.resend_delivery",
    "webhooks_opportunities.add_department",
    "webhooks_opportunities.change_department",
    "webhooks_opportunities.view_department",
)
VIEWER_PERMISSIONS = ("wagtailadmin.access_admin", "wagtail_webhooks.view_delivery")


class Command(BaseCommand):
    help = (
        "Fill the site with opportunities, endpoints and accounts to try things with. "
        "Safe to run twice: what exists is kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--history", action="store_true", help="Make up a week of deliveries as well."
        )

    def handle(self, *args: Any, history: bool = False, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public: it is refused unless DEBUG is on.")
        port = _port("DEMO_PORT", 8000)
        with transaction.atomic():
            home = _home(port)
            index = _index(home)
            for opportunity in OPPORTUNITIES:
                _opportunity(index, opportunity)
            if not ConsentText.objects.exists():
                ConsentText.objects.create(text=CONSENT)
            _website_team()
            _accounts(home)
            if history:
                made = make_history()
                self.stdout.write(f"Deliveries of a made-up past: {made}")
        self._report(f"http://localhost:{port}", index)

    def _report(self, address: str, index: OpportunityIndexPage) -> None:
        pages = OpportunityPage.objects.child_of(index).live().order_by("path")
        lines = [("Home page", f"{address}/"), ("Opportunities", address + str(index.url))]
        lines += [(page.title, address + str(page.url)) for page in pages]
        lines += [
            ("Admin", f"{address}/admin/"),
            ("Accounts", f"webmaster, editor, viewer; the password of each is {PASSWORD}"),
        ]
        width = max(len(label) for label, _ in lines)
        self.stdout.write("\n".join(f"{label:<{width}}  {text}" for label, text in lines))


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise CommandError(f"{name} must be a port number, not {value!r}.")
    return int(value)


def _home(port: int) -> HomePage:
    """The home page of the default site, in the place of Wagtail's welcome page."""
    Locale.objects.get_or_create(language_code=settings.LANGUAGE_CODE)
    home = HomePage.objects.order_by("path").first()
    if home is None:
        home = HomePage(
            title=settings.WAGTAIL_SITE_NAME,
            slug="demo-home",
            introduction="Grants, loans and training for people and businesses, in one place.",
        )
        Page.get_first_root_node().add_child(instance=home)
        home.save_revision().publish()
    site = Site.objects.filter(is_default_site=True).first() or Site(is_default_site=True)
    site.hostname, site.port, site.root_page = "localhost", port, home
    site.site_name = site.site_name or settings.WAGTAIL_SITE_NAME
    site.save()
    Page.objects.filter(depth=2, slug="home", title__startswith="Welcome to your new").delete()
    return home


def _index(home: HomePage) -> OpportunityIndexPage:
    index = OpportunityIndexPage.objects.child_of(home).first()
    if index is None:
        index = OpportunityIndexPage(
            title="Opportunities",
            slug="opportunities",
            show_in_menus=True,
            introduction="<p>Choose one to read more and to tell us that you are interested.</p>",
        )
        index.form_fields = [
            OpportunityIndexFormField(sort_order=order, **vars(question))
            for order, question in enumerate(SHARED_QUESTIONS)
        ]
        home.add_child(instance=index)
        index.save_revision().publish()
    return index


def _opportunity(index: OpportunityIndexPage, data: Opportunity) -> None:
    endpoint = _endpoint(data.department, data.path, data.email, data.only)
    department, _created = Department.objects.get_or_create(
        name=data.department,
        defaults={"owner_emails": data.email, "default_endpoint": endpoint},
    )
    if OpportunityPage.objects.child_of(index).filter(slug=data.slug).exists():
        return
    page = OpportunityPage(
        title=data.title,
        slug=data.slug,
        summary=data.summary,
        body=data.body,
        kind=data.kind,
        amount=data.amount,
        department=department,
        contact_email=data.email,
        closes_at=_five_o_clock(data.closes_in) if data.closes_in else None,
        thank_you_text=data.thank_you,
    )
    page.form_fields = [
        OpportunityFormField(sort_order=order, **vars(question))
        for order, question in enumerate(data.questions)
    ]
    page.endpoint_links = [OpportunityEndpoint(endpoint=endpoint)]
    index.add_child(instance=page)
    page.save_revision().publish()


def _five_o_clock(days: timedelta) -> datetime:
    then = timezone.localtime() + days
    return then.replace(hour=17, minute=0, second=0, microsecond=0)


def _endpoint(
    name: str, path: str, owner_email: str, only: tuple[str, ...] | None = None
) -> Endpoint:
    url = f"http://127.0.0.1:{_port('DEMO_RECEIVER_PORT', 8900)}/{path}"
    endpoint = Endpoint.objects.filter(name=name).order_by("pk").first()
    if endpoint is None:
        return Endpoint.objects.create(
            name=name, url=url, owner_email=owner_email, only_answers=only and list(only)
        )
    old = urlsplit(endpoint.url.reveal())
    if (old.hostname, old.path) == ("127.0.0.1", f"/{path}") and old.geturl() != url:
        # The receiver moved to another port; what somebody has pointed elsewhere stays there.
        endpoint.url = url
        endpoint.save(update_fields=["url"])
    return endpoint


def _website_team() -> None:
    is_new = not Endpoint.objects.filter(name="Website team").exists()
    endpoint = _endpoint("Website team", "website", "website@example.org")
    if is_new:
        endpoint.subscriptions.create(event_type="page.*")


def _accounts(home: HomePage) -> None:
    editors = _group("Opportunity editors", EDITOR_PERMISSIONS)
    for permission in Permission.objects.filter(
        content_type__app_label="wagtailcore", codename__in=PAGE_PERMISSIONS
    ):
        GroupPagePermission.objects.get_or_create(group=editors, page=home, permission=permission)
    viewers = _group("Delivery viewers", VIEWER_PERMISSIONS)
    _user("webmaster", is_superuser=True, is_staff=True)
    _user("editor", editors)
    _user("viewer", viewers)


def _group(name: str, permissions: tuple[str, ...]) -> Group:
    group, _created = Group.objects.get_or_create(name=name)
    for permission in permissions:
        app_label, codename = permission.split(".")
        group.permissions.add(
            Permission.objects.get(content_type__app_label=app_label, codename=codename)
        )
    return group


def _user(username: str, group: Group | None = None, **extra: bool) -> None:
    User = get_user_model()
    if User.objects.filter(username=username).exists():
        return
    user = User.objects.create_user(username, f"{username}@example.org", PASSWORD, **extra)
    if group:
        user.groups.add(group)
