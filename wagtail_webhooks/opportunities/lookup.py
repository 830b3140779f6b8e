"""Finding a lead again by its reference, whatever it is about."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.utils import get_forms_for_user

from wagtail_webhooks.admin.searches import Search
from wagtail_webhooks.models import Message

from .mixins import AbstractLead
from .references import HINT, LENGTH, as_reference
from .referrals import label_of


class ReferenceSearch(Search):
    """Of the log, whatever the lead is about."""

    label = _("reference")
    hint = HINT

    def find(self, text: str) -> list[str] | None:
        lead = _lead(text)
        if lead is None:
            return None
        messages = Message.objects.about(label_of(lead), [str(lead.pk)])
        return list(messages.values_list("pk", flat=True))

    def describe(self, text: str, user: Any) -> str:
        """Also of a lead that nobody was sent: it is in no delivery."""
        lead: Any = _lead(text)
        if lead is None or not get_forms_for_user(user).filter(pk=lead.page_id).exists():
            return ""
        query = urlencode({"reference": lead.reference})
        url = f"{reverse('wagtailforms:list_submissions', args=[lead.page_id])}?{query}"
        page = format_html('<a href="{}">{}</a>', url, lead.page.get_admin_display_title())
        sentence = gettext("{reference} is a lead of {page}.")
        return format_html(sentence, reference=lead.reference, page=page)


reference_search = ReferenceSearch()


def _lead(text: str) -> AbstractLead | None:
    reference = as_reference(text)
    if len(reference) != LENGTH:
        return None
    for model in apps.get_models():
        if issubclass(model, AbstractLead):
            found = model.objects.filter(reference=reference).first()
            if found is not None:
                return found
    return None
