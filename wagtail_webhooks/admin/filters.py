"""What the listings can be narrowed to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
import swapper
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.widgets import AdminPageChooser

from wagtail_webhooks.events import event_types
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status

from .badges import DELIVERY_BADGES, ENDPOINT_BADGES, HELD


def _choices(badges: Any) -> list[tuple[str, Any]]:
    return [(str(status), badge.label) for status, badge in badges.items()]


def _event_type_choices() -> list[tuple[str, Any]]:
    return [(name, event_type.label) for name, event_type in event_types().items()]


def _pages(request: Any) -> QuerySet[Any]:
    return swapper.load_model("wagtailcore", "Page").objects.all()


#: Of a number with more digits than this a database complains.
_MAX_DIGITS = 18


def ids_among(values: Iterable[str]) -> list[int]:
    """What can be an id; a query may hold anything."""
    return [int(text) for text in values if text.isdecimal() and len(text) <= _MAX_DIGITS]


class _PageChooser(AdminPageChooser):
    def get_instance(self, value: Any) -> Any:
        try:
            return super().get_instance(value)
        except ValueError:
            return None


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
    endpoint = _EndpointsFilter(
        label=_("Endpoint"),
        queryset=lambda request: Endpoint.objects.all(),
        widget=forms.CheckboxSelectMultiple,
    )
    event_type = django_filters.MultipleChoiceFilter(
        label=_("Event type"),
        field_name="message__event_type",
        choices=_event_type_choices,
        widget=forms.CheckboxSelectMultiple,
    )
    page = django_filters.ModelChoiceFilter(
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
