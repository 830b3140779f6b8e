"""Which lead went to which department, and for which opportunity: what is counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Case, Min, Q, Value, When
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.models import Message
from wagtail_webhooks.models.deliveries import OPEN, Status
from wagtail_webhooks.models.messages import Problem
from wagtail_webhooks.sql import fetch


class ReferralState(models.TextChoices):
    """What became of a lead at a department: of several that apply, the first."""

    ERASED = "erased", _("erased")
    FAILED = "failed", _("failed")
    UNADDRESSED = "unaddressed", _("nobody to send it to")
    HELD = "held", _("held")
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    CANCELLED = "cancelled", _("cancelled")


_ORDER = list(ReferralState)


def _place_of_each() -> Case:
    """The place in that order of one delivery of a referral."""
    erased = Q(settled=ReferralState.ERASED) | Q(message__erased_at__isnull=False)
    is_open = Q(message__deliveries__status__in=OPEN)
    is_held = Q(message__deliveries__endpoint__state__hold__gt="")
    places = [
        (erased, ReferralState.ERASED),
        *((Q(settled=state), state) for state in ReferralState),
        (is_open & is_held, ReferralState.HELD),
        (is_open, ReferralState.WAITING),
        (Q(message__deliveries__status=Status.FAILED), ReferralState.FAILED),
        (Q(message__deliveries__status=Status.SUCCEEDED), ReferralState.DELIVERED),
        (Q(message__deliveries__status=Status.CANCELLED), ReferralState.CANCELLED),
        # There is no delivery yet; the sweep makes it.
        (Q(message=None) | Q(message__problem=Problem.UNPREPARED), ReferralState.WAITING),
    ]
    return Case(
        *(When(condition, then=Value(_ORDER.index(state))) for condition, state in places),
        default=Value(_ORDER.index(ReferralState.UNADDRESSED)),
    )


class ReferralQuerySet(models.QuerySet["Referral"]):
    def about(self, lead_label: str, lead_pks: Iterable[Any]) -> ReferralQuerySet:
        return self.filter(lead_label=lead_label, lead_pk__in=[str(pk) for pk in lead_pks])

    def states(self, *fields: str) -> dict[tuple[Any, ...], ReferralState]:
        """The state of those that have the same values in these fields, by the values."""
        return {(*values,): _ORDER[place] for *values, place in self._places(*fields)}

    def counts(self, *fields: str) -> dict[tuple[Any, ...], dict[ReferralState, int]]:
        """How many leads are in each state, by the values in these fields.

        A lead is one, however many of its referrals have the same values.
        """
        each_lead = self._places(*fields, "lead_label", "lead_pk")
        try:
            leads, parameters = each_lead.query.sql_with_params()
        except EmptyResultSet:  # by its own filters
            return {}
        columns = ", ".join([*map(connection.ops.quote_name, fields), "place"])
        statement = f"SELECT {columns}, COUNT(*) FROM ({leads}) leads GROUP BY {columns}"  # noqa: S608  names only
        found: dict[tuple[Any, ...], dict[ReferralState, int]] = {}
        for *values, place, count in fetch(statement, parameters):
            found.setdefault((*values,), {})[_ORDER[place]] = count
        return found

    def settle(self) -> None:
        """Write down what became of these, for when their messages are gone."""
        by_state: dict[str, list[int]] = {}
        for (pk,), state in self.filter(settled="").states("pk").items():
            by_state.setdefault(state, []).append(pk)
        for settled, pks in by_state.items():
            # Once more: a lead may have been erased meanwhile, and that stays.
            self.model.objects.filter(pk__in=pks, settled="").update(settled=settled)

    def _places(self, *fields: str) -> Any:
        return self.order_by().values_list(*fields).annotate(place=Min(_place_of_each()))


class Referral(models.Model):
    """That a lead was for a department, because of an opportunity, and which message told of it.

    It outlives all that it is about, so that it can be counted: numbers, names of then, and no
    word of the citizen. Of a lead that is for several opportunities of one department, each has
    a referral; they share a message, unless their endpoints differ.
    """

    wagtail_reference_index_ignore = True

    # As Message has its source: a site's own leads are of another model.
    lead_label = models.CharField(max_length=100)
    lead_pk = models.CharField(max_length=64)
    page_id = models.BigIntegerField()
    page_title = models.CharField(max_length=255)
    department_id = models.BigIntegerField(null=True)
    department_name = models.CharField(max_length=255, blank=True)
    #: The id stays when the message is pruned: under it the receiver knows the lead.
    message = models.ForeignKey(
        Message, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    #: Empty as long as the deliveries tell.
    settled = models.CharField(max_length=12, choices=ReferralState, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    State = ReferralState
    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["lead_label", "lead_pk", "page_id", "message"],
                name="webhooks_referral_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_label} {self.lead_pk} → {self.department_name or self.page_title}"
