"""The forms of opportunities, as the receivers of their leads know them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Q

from wagtail_webhooks.contract.forms import FormShape, answers_on, covered, latest
from wagtail_webhooks.models import Endpoint

from .recipients import receivers_of
from .sharing import SharedFormMixin
from .submission import LeadCaptureMixin
from .telling import LEAD_SUBMITTED


#: Of several for which a lead may be, so many are shown.
_EXAMPLES = 2


def opportunity_forms(endpoint: Endpoint | None, drafts: bool) -> Iterator[FormShape]:
    """Those whose leads go to this endpoint: by its page, its department, or a subscription."""
    for model in apps.get_models():
        if issubclass(model, LeadCaptureMixin) and not model._meta.proxy:
            for page in latest(_candidates(model, endpoint), drafts):
                if endpoint is None or _tells(page, endpoint):
                    yield _shape(page, [page])
        elif issubclass(model, SharedFormMixin) and not model._meta.proxy:
            for page in latest(_with_forms(model), drafts):
                if told := _told_by(page, endpoint):
                    yield _shape(page, told)


def _with_forms(model: Any) -> Any:
    return model.objects.filter(form_fields__isnull=False).distinct()


def _shape(form_page: Any, opportunities: Sequence[Any]) -> FormShape:
    facts = [page.get_opportunity_facts() for page in opportunities[:_EXAMPLES]]
    known = {"opportunity": facts[0], "opportunities": facts}
    answers = answers_on(form_page, _names)
    return FormShape(LEAD_SUBMITTED, "form", form_page.get_form_facts(), answers, known)


def _told_by(form_page: Any, endpoint: Endpoint | None) -> list[Any]:
    """The opportunities of a shared form of which the endpoint would be told."""
    pages = list(form_page.get_opportunities())
    if endpoint is None:
        return pages
    receivers = receivers_of(pages)
    return [page for page in pages if endpoint in receivers[page.pk]]


def _candidates(model: Any, endpoint: Endpoint | None) -> Any:
    pages = model.objects.select_related("department")
    is_overridden = model.get_lead_endpoints is not LeadCaptureMixin.get_lead_endpoints
    if endpoint is None or is_overridden:
        return pages
    naming = Q(endpoint_links__endpoint=endpoint) | Q(department__default_endpoint=endpoint)
    subscribed = covered(endpoint, LEAD_SUBMITTED)
    return pages.filter(naming if subscribed is None else naming | subscribed).distinct()


def _tells(page: Any, endpoint: Endpoint) -> bool:
    """As when a lead comes: subscriptions count only where the page names no endpoint."""
    named = page.get_lead_endpoints()
    if named is not None:
        return endpoint in named
    subscribed = covered(endpoint, LEAD_SUBMITTED)
    return subscribed is not None and type(page).objects.filter(subscribed, pk=page.pk).exists()


def _names(form: Any) -> Iterable[tuple[str, str]]:
    own = getattr(form, "own_names", ())
    return [(name, field.label) for name, field in form.fields.items() if name not in own]
