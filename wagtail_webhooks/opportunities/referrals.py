"""Keeping track of which department each lead is for, and of what became of it there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps
from django.db.models import Case, F, Q, Value, When

from wagtail_webhooks.models import Message

from .mixins import AbstractDepartment, AbstractLead


MODEL = "webhooks_opportunities.Referral"


def refer(
    lead: AbstractLead,
    pages: Iterable[Any],
    department: AbstractDepartment | None,
    message: Message | None,
    *,
    is_untold: bool = False,
) -> None:
    """Note that a lead is for a department because of these opportunities, told by this message.

    Call it in the transaction of the lead and its message, once for each message. Without a
    message nobody is to be told; or nobody could be told yet, with ``is_untold``: then the same
    call with the message follows later.
    """
    model = _model()
    has_no_receiver = message is None and not is_untold
    told = {
        "message_id": message and message.pk,
        "settled": model.State.UNADDRESSED if has_no_receiver else "",
    }
    label, unique = label_of(lead), {page.pk: page for page in pages}
    # Two messages of a lead may be about the same opportunity, to different endpoints.
    same = Q(message=None) | Q(message_id=told["message_id"])
    there = model.objects.about(label, [lead.pk]).filter(same, page_id__in=unique)
    whose = {
        "department_id": department and department.pk,
        "department_name": department.name if department else "",
    }
    if known := set(there.values_list("page_id", flat=True)):
        # Before the message, as MySQL would look at the new one.
        moved = {name: _unless_told(name, value) for name, value in whose.items()}
        there.exclude(settled=model.State.ERASED).update(**moved, **told)
    rows = [
        model(
            lead_label=label,
            lead_pk=str(lead.pk),
            page_id=page.pk,
            page_title=page.title,
            **whose,
            **told,
        )
        for page in unique.values()
        if page.pk not in known
    ]
    model.objects.bulk_create(rows, ignore_conflicts=True)


def _unless_told(name: str, value: Any) -> Case:
    """The opportunity may have moved to another department before anybody could be told."""
    column = _model()._meta.get_field(name)
    untold = When(message=None, settled="", then=Value(value, output_field=column))
    return Case(untold, default=F(name), output_field=column)


def referrals_of(lead_label: str, lead_pks: Iterable[Any]) -> Any:
    """Of these leads."""
    return _model().objects.about(lead_label, lead_pks)


def untold(lead: AbstractLead) -> set[int]:
    """The opportunities of which nobody could be told yet."""
    waiting = _model().objects.about(label_of(lead), [lead.pk]).filter(message=None, settled="")
    return set(waiting.values_list("page_id", flat=True))


def give_up(lead: AbstractLead, page_ids: Collection[int]) -> None:
    """Of these nobody can be told any more: the opportunities are gone."""
    model = _model()
    lost = model.objects.about(label_of(lead), [lead.pk]).filter(page_id__in=page_ids)
    lost.filter(message=None, settled="").update(settled=model.State.UNADDRESSED)


def settle(message_ids: Collection[str]) -> None:
    """Before these messages are deleted."""
    _model().objects.filter(message__in=message_ids).settle()


def forget(sender: Any, instance: AbstractLead, **kwargs: Any) -> None:
    """After a lead was deleted: its number stays, to be counted as erased."""
    model = _model()
    model.objects.about(label_of(instance), [instance.pk]).update(settled=model.State.ERASED)


def label_of(lead: AbstractLead | type[AbstractLead]) -> str:
    """A proxy's rows are those of its model."""
    return (lead._meta.concrete_model or lead)._meta.label_lower


def _model() -> Any:
    # Not imported: pages, ours or a site's, are made of what imports this.
    return apps.get_model(MODEL)
