"""What the listings can be narrowed to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Length, Substr
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.text import capfirst, get_text_list
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.widgets import AdminPageChooser

from wagtail_webhooks.events import event_types
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.subjects import base_page

from .badges import DELIVERY_BADGES, ENDPOINT_BADGES, HELD
from .searches import searches


def _choices(badges: Any) -> list[tuple[str, Any]]:
    return [(str(status), badge.label) for status, badge in badges.items()]


def _event_type_choices() -> list[tuple[str, Any]]:
    return [(name, event_type.label) for name, event_type in event_types().items()]


def _pages(request: Any) -> QuerySet[Any]:
    pages = base_page().objects
    path = OuterRef("path")
    above = Substr(path, 1, Length(path) - pages.model.steplen)
    return pages.annotate(parent_id=Subquery(pages.filter(path=above).values("pk")[:1]))


#: Of a number with more digits than this a database complains.
_MAX_DIGITS = 18


def ids_among(values: Iterable[str]) -> list[int]:
    """What can be an id; a query may hold anything."""
    return [int(text) for text in values if text.isdecimal() and len(text) <= _MAX_DIGITS]


class _PageChooser(AdminPageChooser):
    """Shows the page that its field has found already, and asks the database nothing more."""

    chosen: Any = None

    def get_instance(self, value: Any) -> Any:
        return self.chosen

    def get_value_data_from_instance(self, instance: Any) -> dict[str, Any]:
        # Past AdminPageChooser, which would look for the parent.
        data = super(AdminPageChooser, self).get_value_data_from_instance(instance)
        return {**data, "parent_id": instance.parent_id}


class _PageField(django_filters.fields.ModelChoiceField):
    def to_python(self, value: Any) -> Any:
        self.widget.chosen = super().to_python(value)
        return self.widget.chosen


class _PageFilter(django_filters.ModelChoiceFilter):
    field_class = _PageField


class _EndpointsField(django_filters.fields.ModelMultipleChoiceField):
    def clean(self, value: Any) -> Any:
        if len(ids_among(value or ())) < len(value or ()):
            raise forms.ValidationError(self.error_messages["invalid_list"], code="invalid_list")
        return super().clean(value)


class _EndpointsFilter(django_filters.ModelMultipleChoiceFilter):
    field_class = _EndpointsField


class DeliveryFilterSet(WagtailFilterSet):
    status = django_filters.MultipleChoiceFilter(
        label=_("Status"),
        choices=lambda: _choices(DELIVERY_BADGES),
        method="filter_status",
        widget=forms.CheckboxSelectMultiple,
    )
    # DISTINCT would make the database sort all that is found before it shows the first page.
    endpoint = _EndpointsFilter(
        label=_("Endpoint"),
        queryset=lambda request: Endpoint.objects.only("name"),
        widget=forms.CheckboxSelectMultiple,
        distinct=False,
    )
    event_type = django_filters.MultipleChoiceFilter(
        label=_("Event type"),
        field_name="message__event_type",
        choices=_event_type_choices,
        widget=forms.CheckboxSelectMultiple,
        distinct=False,
    )
    page = _PageFilter(
        label=_("About"),
        field_name="message__page",
        queryset=_pages,
        widget=_PageChooser,
    )
    created_at = django_filters.DateFromToRangeFilter(
        label=_("Created"), widget=DateRangePickerWidget
    )

    class Meta:
        model = Delivery
        fields: list[str] = []

    def filter_status(
        self, queryset: QuerySet[Delivery], name: str, values: list[str]
    ) -> QuerySet[Delivery]:
        wanted = Q(status__in=set(values) - {HELD, Status.PENDING})
        waiting = Q(status=Status.PENDING)
        held = Q(endpoint__state__hold__gt="")
        if HELD in values:
            wanted |= waiting & held
        if Status.PENDING in values:
            wanted |= waiting & ~held
        return queryset.filter(wanted)


def search_label() -> str:
    """What may be typed into the search of the log."""
    labels = [*(str(search.label) for search in searches), str(_("message id"))]
    return str(capfirst(get_text_list(labels)))


def search_deliveries(deliveries: QuerySet[Delivery], text: str) -> QuerySet[Delivery]:
    """Those whose message id begins with the text; its "msg_" may be left out.

    The beginning only: an index helps to find that. Or those that another search finds.
    """
    for search in searches:
        ids = search.find(text)
        if ids is not None:
            return deliveries.filter(message__in=ids)
    text = "".join(text.split()).removeprefix("msg_").upper()
    # Not across the relation: Django would then look into the delivery's own column, for which
    # no index knows beginnings.
    found = Message.objects.filter(id__startswith=f"msg_{text}")
    return deliveries.filter(message__in=found.values("id"))


def narrowed(deliveries: QuerySet[Delivery], query: QueryDict) -> QuerySet[Delivery] | None:
    """What of them the log shows for a query; None: it makes no sense."""
    filters = DeliveryFilterSet(query, queryset=deliveries)
    sought = query.get("q", "")
    if not filters.is_valid() or "\0" in sought:  # which PostgreSQL refuses
        return None
    found: QuerySet[Delivery] = filters.qs
    return search_deliveries(found, sought) if sought.strip() else found


def described(query: QueryDict) -> list[tuple[Any, str]]:
    """The filters of a query as people read them: what is narrowed, and to what."""
    filters = DeliveryFilterSet(query, queryset=Delivery.objects.none())
    if not filters.is_valid():
        return []
    form = filters.form
    found = [
        (form.fields[name].label, _in_words(form.fields[name], form.cleaned_data[name]))
        for name in form.changed_data
    ]
    if sought := query.get("q", "").strip():
        found.append((search_label(), sought))
    return found


def _in_words(field: Any, value: Any) -> str:
    if isinstance(value, slice):
        ends = [moment and date_format(localtime(moment)) for moment in (value.start, value.stop)]
        return " – ".join(end or "…" for end in ends)
    if isinstance(value, list):
        labels = dict(field.choices)
        return ", ".join(str(labels.get(one, one)) for one in value)
    if isinstance(value, QuerySet):
        return ", ".join(map(str, value))
    return str(value)


class EndpointFilterSet(WagtailFilterSet):
    status = django_filters.ChoiceFilter(
        label=_("Status"),
        choices=lambda: _choices(ENDPOINT_BADGES),
        method="filter_status",
        widget=forms.RadioSelect,
        empty_label=_("All but archived"),
    )

    class Meta:
        model = Endpoint
        fields: list[str] = []

    def filter_status(
        self, queryset: QuerySet[Endpoint], name: str, value: str
    ) -> QuerySet[Endpoint]:
        if value == "archived":
            return queryset.exclude(archived_at=None)
        queryset = queryset.filter(archived_at=None)
        held = Q(state__hold__gt="")
        failing = Q(state__failing_since__isnull=False)
        conditions = {"held": held, "failing": ~held & failing, "active": ~held & ~failing}
        return queryset.filter(conditions[value])
