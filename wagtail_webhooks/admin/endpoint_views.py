"""List, create, edit, delete and inspect endpoints."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column, Table
from wagtail.admin.views import generic

from wagtail_webhooks import public_keys
from wagtail_webhooks.credentials import KINDS, Credential
from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.signatures import EXTRA_SCHEMES

from . import figures, notices
from .badges import endpoint_badge, endpoint_status, hold_of
from .explain import Explanation, explain
from .filters import EndpointFilterSet
from .permissions import (
    CHANGE_ENDPOINT,
    DELETE_ENDPOINT,
    REVEAL_SECRET,
    SEND_TEST,
    VIEW_DELIVERY,
    VIEW_ENDPOINT,
    deliveries_for,
)
from .secrecy import never_in_reports
from .subscriptions import pattern_meaning
from .tables import (
    EndpointBadgeColumn,
    SortableColumn,
    SortableTitleColumn,
    WaitingColumn,
    listed,
    recent_table,
    waiting_url,
)
from .usage import is_deletable, users_of


RECENT = 10

_BY_LETTER = {
    "ascending_title_text": gettext_lazy("Show from A to Z"),
    "descending_title_text": gettext_lazy("Show from Z to A"),
}


class EndpointIndexView(generic.IndexView):
    filterset_class = EndpointFilterSet
    search_fields = ["name", "host"]

    @cached_property
    def columns(self) -> list[Any]:
        return [
            self._get_title_column_class(SortableTitleColumn)(
                "name",
                label=_("Name"),
                sort_key="name",
                **_BY_LETTER,
                classname="webhooks-cell-text",
                get_url=self.get_inspect_url,
            ),
            SortableColumn("host", label=_("Host"), sort_key="host", **_BY_LETTER),
            EndpointBadgeColumn("status", label=_("Status")),
            WaitingColumn("waiting_count", label=_("Waiting")),
            Column("events", label=_("Event types"), accessor=_subscribed_to),
        ]

    def get_base_queryset(self) -> QuerySet[Any]:
        queryset = super().get_base_queryset()
        if self.request.GET.get("status") != "archived":
            queryset = queryset.filter(archived_at=None)
        queryset = queryset.annotate(waiting_count=Coalesce(Subquery(_waiting()), 0))
        return queryset.without_secrets().select_related("state").prefetch_related("subscriptions")

    def get_list_more_buttons(self, instance: Endpoint) -> list[Any]:
        # An endpoint with a log is archived, not deleted: both are offered on its own page.
        delete_url = self.get_delete_url(instance)
        buttons = super().get_list_more_buttons(instance)
        return [button for button in buttons if not delete_url or button.url != delete_url]


class _LeadsToInspect:
    """After saving, an endpoint's page shows how it is doing."""

    object: Endpoint

    def get_success_url(self) -> str:
        return reverse("wagtail_webhooks_endpoints:inspect", args=(quote(self.object.pk),))


@never_in_reports
class EndpointCreateView(_LeadsToInspect, generic.CreateView):
    template_name = "wagtail_webhooks/admin/endpoint_form.html"

    def save_instance(self) -> Endpoint:
        endpoint: Endpoint = super().save_instance()
        notices.endpoint_created(endpoint, self.request.user)
        return endpoint


@never_in_reports
class EndpointEditView(_LeadsToInspect, generic.EditView):
    template_name = "wagtail_webhooks/admin/endpoint_form.html"

    @cached_property
    def can_delete(self) -> bool:
        may = self.user_has_permission_for_instance("delete", self.object)
        return may and is_deletable(self.object)

    def save_instance(self) -> Endpoint:
        old_host = self.form.instance.host
        endpoint: Endpoint = super().save_instance()
        notices.endpoint_changed(
            endpoint,
            self.request.user,
            fields=self.form.changed_data,
            old_host=old_host,
            old_owner=self.form.initial["owner_email"],
        )
        return endpoint


class EndpointDeleteView(generic.DeleteView):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._refusal() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._refusal() or super().post(request, *args, **kwargs)

    def _refusal(self) -> HttpResponseBase | None:
        if is_deletable(self.object):
            return None
        messages.error(
            self.request,
            _("“%(endpoint)s” has deliveries or is in use. Archive it instead.")
            % {"endpoint": self.object},
        )
        return redirect("wagtail_webhooks_endpoints:inspect", quote(self.object.pk))


class EndpointInspectView(generic.InspectView):
    template_name = "wagtail_webhooks/admin/endpoint_inspect.html"
    page_title = gettext_lazy("Endpoint")
    #: The template names what is shown: a list of all columns would hold the encrypted ones.
    fields = ["name"]

    def get_fields_context(self) -> list[dict[str, Any]]:
        return []

    def get_delete_url(self) -> str | None:
        return super().get_delete_url() if is_deletable(self.object) else None

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        index = {"url": reverse(self.index_url_name), "label": _("Endpoints")}
        return [*self.breadcrumbs_items, index, {"url": "", "label": str(self.object)}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        endpoint, user = self.object, self.request.user
        status = endpoint_status(endpoint)
        hold = hold_of(endpoint)
        return {
            **context,
            "badge": endpoint_badge(endpoint),
            "status": status,
            "hold": hold,
            "explanation": _explanation(endpoint, hold) if status == "held" else None,
            "waiting_count": endpoint.deliveries.open().count(),
            "waiting_url": waiting_url(endpoint=endpoint.pk),
            "credentials": _credentials(endpoint),
            "signatures": [_scheme(name) for name in endpoint.extra_signatures],
            "public_keys": _public_keys(endpoint),
            "public_keys_url": _public_keys_url(endpoint, self.request),
            "old_secret_until": _old_secret_until(endpoint),
            "subscriptions": _subscriptions(endpoint),
            "users": users_of(endpoint, user),
            "recent": _recent(endpoint, user) if user.has_perm(VIEW_DELIVERY) else None,
            "can_view": user.has_perm(VIEW_ENDPOINT),
            "sparkline": _sparkline(endpoint, user) if user.has_perm(VIEW_DELIVERY) else None,
            "can_change": user.has_perm(CHANGE_ENDPOINT),
            "can_test": user.has_perm(SEND_TEST),
            "can_reveal": user.has_perm(REVEAL_SECRET),
            "can_delete": user.has_perm(DELETE_ENDPOINT),
        }


def _explanation(endpoint: Endpoint, hold: str) -> Explanation:
    return explain(Status.PENDING, hold=hold, payload_format=endpoint.format)


def _waiting() -> QuerySet[Any]:
    waiting = Delivery.objects.open().filter(endpoint=OuterRef("pk")).order_by()
    return waiting.values("endpoint").annotate(count=Count("pk")).values("count")


def _recent(endpoint: Endpoint, viewer: Any) -> Table:
    deliveries = listed(deliveries_for(viewer).filter(endpoint=endpoint))[:RECENT]
    return recent_table(list(deliveries), with_endpoint=False)


def _sparkline(endpoint: Endpoint, viewer: Any) -> figures.Sparkline:
    deliveries = deliveries_for(viewer).filter(endpoint=endpoint)
    return figures.sparkline(figures.lately(deliveries, now() - timedelta(hours=24), now()))


def _old_secret_until(endpoint: Endpoint) -> datetime | None:
    until = endpoint.previous_secret_until
    return until if endpoint.previous_signing_secret and until and until > now() else None


def _public_keys(endpoint: Endpoint) -> list[str]:
    try:
        return public_keys.of(endpoint)
    except (SecretUnavailable, InvalidSecret):
        return []


def _public_keys_url(endpoint: Endpoint, request: HttpRequest) -> str:
    path = public_keys.path_of(endpoint)
    return request.build_absolute_uri(path) if path else ""


def _credentials(endpoint: Endpoint) -> list[str]:
    try:
        credentials = endpoint.get_credentials()
    except SecretUnavailable:
        return [_("cannot be decrypted")]
    return [_named(each) for each in credentials]


def _named(credential: Credential) -> str:
    kind = KINDS.get(credential.kind)
    label = str(kind.label) if kind else credential.kind
    return f"{label} “{credential.name}”" if credential.name else label


def _scheme(name: str) -> str:
    scheme = EXTRA_SCHEMES.get(name)
    return str(scheme.label) if scheme else name


def _subscriptions(endpoint: Endpoint) -> list[dict[str, Any]]:
    rows = endpoint.subscriptions.select_related("page").order_by("event_type", "pk")
    return [
        {"label": pattern_meaning(row.event_type)[0], "pattern": row.event_type, "page": row.page}
        for row in rows
    ]


def _subscribed_to(endpoint: Endpoint) -> str:
    patterns = sorted({subscription.event_type for subscription in endpoint.subscriptions.all()})
    return ", ".join(pattern_meaning(pattern)[0] for pattern in patterns) or _(
        "only what pages send"
    )
