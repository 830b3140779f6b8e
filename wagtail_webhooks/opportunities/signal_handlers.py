from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models.signals import post_delete
from django.utils import translation
from wagtail.signals import init_new_page

from wagtail_webhooks import outbox, retention, tasks
from wagtail_webhooks.admin.searches import searches
from wagtail_webhooks.contract import forms

from .backfill import fill_search_words
from .dates import follow_closing_dates
from .lookup import reference_search
from .mixins import AbstractLead, OpportunityMixin
from .receipts import send_beside
from .referrals import forget, settle
from .shapes import opportunity_forms
from .telling import tell_untold_leads
from .warnings import warn_owners


def add_default_form_fields(sender: Any, page: Any, parent: Any, **kwargs: Any) -> None:
    """Start a new opportunity with a form that needs no change, in the language of the page."""
    if isinstance(page, OpportunityMixin) and not page.get_form_fields():  # type: ignore[attr-defined]
        with translation.override(parent.locale.language_code):
            page.add_default_form_fields()


def register_signal_handlers() -> None:
    init_new_page.connect(add_default_form_fields, dispatch_uid="webhooks_opportunities.defaults")
    if opportunity_forms not in forms.sources:
        forms.sources.append(opportunity_forms)
    for step in (tell_untold_leads, follow_closing_dates, fill_search_words):
        if step not in outbox.reconcilers:
            outbox.reconcilers.append(step)
    if send_beside not in tasks.companions:
        tasks.companions.append(send_beside)
    if warn_owners not in tasks.tellers:
        tasks.tellers.append(warn_owners)
    if settle not in retention.before_deletion:
        retention.before_deletion.append(settle)
    if reference_search not in searches:
        searches.append(reference_search)
    for model in apps.get_models():
        if issubclass(model, AbstractLead):
            uid = f"webhooks_opportunities.{model._meta.label_lower}.forgotten"
            # Not pre_delete: as who prunes does, first the messages are locked, then these.
            post_delete.connect(forget, sender=model, dispatch_uid=uid)
