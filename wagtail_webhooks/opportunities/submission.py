"""From a citizen's POST to a stored lead and its event."""

from __future__ import annotations

import logging
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from django.apps import apps
from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from wagtail_webhooks.conf import conf
from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.scrub import without_variables
from wagtail_webhooks.throttles import take

from . import receipts
from .forms import LeadFormBuilder
from .listing import State
from .mixins import AbstractLead
from .references import new_reference
from .referrals import label_of, refer
from .visitors import address_of


logger = logging.getLogger(__name__)

LEAD_SUBMITTED = "lead.submitted"
#: For reloading the confirmation and for coming back to it; not a receipt to keep.
CONFIRMATION_SECONDS = 3600
_REFERENCE_TRIES = 3
#: A part at random, so that some that can never be told do not stand before the others.
_UNTOLD_BATCH = 100


def _fingerprint(form: Any) -> str:
    """A site's own form class may know nothing of tokens: then no two submissions are the same."""
    return form.fingerprint() if hasattr(form, "fingerprint") else uuid4().hex


class LeadCaptureMixin(models.Model):
    """Before OpportunityMixin and FormMixin in the list of bases.

    The citizen is told a reference, and only when the lead is stored. Whether it can be sent on
    is no concern of theirs: neither the form nor the confirmation depends on an endpoint.
    """

    form_builder = LeadFormBuilder

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What the other bases have."""

    class Meta:
        abstract = True

    # -- Storing ---------------------------------------------------------------------------

    def process_form_submission(self, form: Any) -> Any:
        """The lead of this form: a new one, or the one that the same form made already."""
        fingerprint = _fingerprint(form)
        for tries_left in reversed(range(_REFERENCE_TRIES)):
            try:
                # One transaction: there is no lead without its event, and no event without it.
                with transaction.atomic():
                    lead = self._create_lead(form, fingerprint)
                    self.tell_endpoints(lead)
                return lead
            except IntegrityError:
                if twin := self._find_lead(fingerprint):
                    return twin
                # Else the reference was taken, which one more try cures.
                if not tries_left:
                    raise
        raise AssertionError("unreachable")

    def _create_lead(self, form: Any, fingerprint: str) -> Any:
        return self.get_submission_class().objects.create(
            form_data=form.cleaned_data,
            page=self,
            reference=new_reference(),
            language=self.locale.language_code,
            fingerprint=fingerprint,
            consent_text=getattr(form, "consent_text", None),
            **receipts.asked_for(form),
        )

    def _find_lead(self, fingerprint: str) -> Any:
        leads = self.get_submission_class().objects
        return leads.filter(fingerprint=fingerprint, page_id=self.pk).first()

    @transaction.atomic
    def tell_endpoints(self, lead: Any) -> None:
        """emit() itself does not fail; what a site overrides may. The lead comes first."""
        message, is_untold = None, True
        try:
            with transaction.atomic():
                message, is_untold = self._emit(lead)
        except Exception as error:  # noqa: BLE001  its text may quote the citizen
            logger.error(
                "No event could be made for lead %s (%s).", lead.reference, type(error).__name__
            )
        if lead.is_untold != is_untold:
            lead.is_untold = is_untold
            lead.save(update_fields=["is_untold"])
        refer(lead, [self], self.department, message, is_untold=is_untold)

    def _emit(self, lead: Any) -> tuple[Message | None, bool]:
        """The lead's message, and whether the sweep must try again."""
        endpoints = self.get_lead_endpoints()
        message = emit(
            LEAD_SUBMITTED,
            self.get_lead_data(lead),
            page=self,
            source=lead,
            endpoints=endpoints,
            deadline=self.closes_at,
            key=lead.reference,
        )
        # It may have been told before.
        message = message or Message.objects.about(label_of(lead), [str(lead.pk)]).first()
        wanted = endpoints or Endpoint.objects.subscribed_to(LEAD_SUBMITTED, self).exists()
        return message, message is None and bool(wanted)

    def get_lead_endpoints(self) -> list[Endpoint] | None:
        """The page's own, else its department's; None: whoever is subscribed."""
        if own := list(self.webhook_endpoints()):
            return own
        department = self.department
        default = department and department.default_endpoint
        return [default] if default and default.archived_at is None else None

    def get_lead_data(self, lead: Any) -> dict[str, Any]:
        """What the endpoints are told. Names are a contract with receivers; labels may change."""
        opportunity = self.get_opportunity_facts()
        labels = {field.clean_name: field.label for field in self.get_form_fields()}
        return {
            "reference": lead.reference,
            "submitted_at": lead.submit_time,
            "language": lead.language,
            "opportunity": opportunity,
            "opportunities": [opportunity],
            "form": self.get_form_facts(),
            "consent": lead.consent_text and lead.consent_text.get_facts(),
            "answers": [
                {"name": name, "label": labels.get(name, name), "value": value}
                for name, value in lead.form_data.items()
            ],
        }

    def get_opportunity_facts(self) -> dict[str, Any]:
        return {
            "id": self.pk,
            "title": self.title,
            "url": self.full_url,
            "department": self.department.name if self.department else None,
            "kind": self.kind,
        }

    def get_form_facts(self) -> dict[str, Any]:
        return {
            "id": self.pk,
            "type": self._meta.label_lower,
            "title": self.title,
            "url": self.full_url,
        }

    # -- Showing ---------------------------------------------------------------------------

    @method_decorator(sensitive_post_parameters())
    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            response = self._answer_submission(request)
        elif reference := self._confirmed_reference(request):
            response = self._render_confirmation(request, reference)
        else:
            response = self._render_form(request, self.get_form(page=self, user=request.user))
        # The form carries a token and the confirmation a reference: neither is for a cache.
        add_never_cache_headers(response)
        return response

    @without_variables()
    def _answer_submission(self, request: HttpRequest) -> HttpResponse:
        form = self.get_form(request.POST, request.FILES, page=self, user=request.user)
        is_valid = form.is_valid()
        fingerprint = _fingerprint(form) if is_valid else ""
        # Before all that may refuse it: a double click across the closing time is stored already.
        if is_valid and (lead := self._find_lead(fingerprint)):
            return self._redirect_to_confirmation(request, lead)
        if self.state != State.OPEN:
            # 409, not 200: nothing was stored, and whoever counts answers should see that too.
            return self._render_form(request, form, status=409)
        if not is_valid:
            return self._render_form(request, form)
        if doubt := form.doubt() if hasattr(form, "doubt") else "":
            form.add_error(None, doubt)
            return self._render_form(request, form)
        if wait := self._seconds_to_wait(request, fingerprint):
            return self._render_too_many(request, form, wait)
        return self._redirect_to_confirmation(request, self.process_form_submission(form))

    def _seconds_to_wait(self, request: HttpRequest, fingerprint: str) -> float:
        """0: it may be stored.

        Only what would be stored is counted: a citizen who mistypes five times has sent nothing
        yet, and a flood of what is refused anyway costs no row and no request to a receiver.
        """
        address = address_of(request)
        if address is None:
            return 0.0
        name = f"lead {self.pk} {address}"
        return take(name, conf.leads_per_address, conf.leads_period, once=fingerprint)

    def _render_too_many(self, request: HttpRequest, form: Any, wait: float) -> HttpResponse:
        minutes = ceil(wait / 60)
        sentence = ngettext(
            "Very many answers have come from your connection, so we could not take these. "
            "Nothing was stored: please send them again in %(minutes)d minute.",
            "Very many answers have come from your connection, so we could not take these. "
            "Nothing was stored: please send them again in %(minutes)d minutes.",
            minutes,
        )
        form.add_error(None, sentence % {"minutes": minutes})
        response = self._render_form(request, form, status=429)
        response["Retry-After"] = str(ceil(wait))
        return response

    def _render_form(self, request: HttpRequest, form: Any, status: int = 200) -> HttpResponse:
        context = {**self.get_context(request), "form": form}
        response = TemplateResponse(request, self.get_template(request), context, status=status)
        # Drawn here and not after serve(): a form that cannot be drawn holds what was typed.
        return response.render() if form.is_bound else response

    def _redirect_to_confirmation(self, request: HttpRequest, lead: Any) -> HttpResponse:
        query = urlencode({"sent": self._signer().sign(lead.reference)})
        return HttpResponseRedirect(f"{request.path}?{query}")

    def _confirmed_reference(self, request: HttpRequest) -> str | None:
        try:
            token = request.GET.get("sent", "")
            return self._signer().unsign(token, max_age=CONFIRMATION_SECONDS)
        except BadSignature:
            return None

    def _signer(self) -> TimestampSigner:
        return TimestampSigner(salt=f"webhooks_opportunities.confirmation.{self.pk}")

    def _render_confirmation(self, request: HttpRequest, reference: str) -> HttpResponse:
        context = {**self.get_context(request), "reference": reference}
        return TemplateResponse(request, self.get_landing_page_template(request), context)

    def render_landing_page(
        self, request: HttpRequest, form_submission: Any = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Wagtail's preview of the confirmation, which has no lead to show."""
        reference = form_submission.reference if form_submission else "K7PM-2XQ9"
        return self._render_confirmation(request, reference)

    # -- The list of leads in the admin ----------------------------------------------------

    def get_data_fields(self) -> list[tuple[str, Any]]:
        submitted, *answers = super().get_data_fields()  # type: ignore[misc]
        own = [("lead-reference", _("Reference")), ("lead-consent", _("Consent"))]
        return [submitted, *own, ("lead-receipt", _("Receipt")), *answers]

    def get_submissions_list_view_class(self) -> Any:
        from .views import LeadListView

        return LeadListView


def tell_untold_leads() -> None:
    """For the sweep: leads for which no event could be made when they came."""
    for model in apps.get_models():
        if issubclass(model, AbstractLead):
            for lead in model.objects.filter(is_untold=True).order_by("?")[:_UNTOLD_BATCH]:
                try:
                    lead.page.specific.tell_endpoints(lead)
                except Exception as error:  # noqa: BLE001  the next one may be sound
                    logger.error("Lead %s was not told (%s).", lead.reference, type(error).__name__)
