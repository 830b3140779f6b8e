"""A form whose submissions are leads: showing it, and storing what a citizen sent."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.compat import HTTPMethod

from wagtail_webhooks.conf import conf
from wagtail_webhooks.scrub import without_variables
from wagtail_webhooks.throttles import take

from . import receipts
from .forms import LeadFormBuilder
from .references import new_reference
from .visitors import address_of


#: For reloading the confirmation and for coming back to it; not a receipt to keep.
CONFIRMATION_SECONDS = 3600
_REFERENCE_TRIES = 3


def _fingerprint(form: Any) -> str:
    """A site's own form class may know nothing of tokens: then no two submissions are the same."""
    return form.fingerprint() if hasattr(form, "fingerprint") else uuid4().hex


class LeadFormMixin(models.Model):
    """What all forms of leads have in common. Before FormMixin in the list of bases.

    The citizen is told a reference, and only when the lead is stored. Whether it can be sent on
    is no concern of theirs: neither the form nor the confirmation depends on an endpoint.
    """

    form_builder = LeadFormBuilder
    #: Whether one lead may be for several opportunities.
    is_about_several = False
    allowed_http_methods = [
        HTTPMethod.GET,
        HTTPMethod.HEAD,
        HTTPMethod.OPTIONS,
        HTTPMethod.POST,
    ]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What the other bases have."""

    class Meta:
        abstract = True

    @property
    def takes_leads(self) -> bool:
        """Whether it is open at this moment."""
        raise NotImplementedError

    def tell_endpoints(self, lead: Any) -> None:
        """Make the events of a lead, in the transaction in which it is stored.

        Never fails for what a site has overridden: the lead comes first, and the sweep calls this
        again for what is marked as untold.
        """
        raise NotImplementedError

    def keep_choice(self, lead: Any, form: Any) -> None:
        """Note for what the lead is, where the page alone does not say it."""

    def get_form_facts(self) -> dict[str, Any]:
        """What receivers are told of the form."""
        return {
            "id": self.pk,
            "type": self._meta.label_lower,
            "title": self.title,
            "url": self.full_url,
        }

    # -- Storing ---------------------------------------------------------------------------

    def process_form_submission(self, form: Any) -> Any:
        """The lead of this form: a new one, or the one that the same form made already."""
        fingerprint = _fingerprint(form)
        for tries_left in reversed(range(_REFERENCE_TRIES)):
            try:
                # One transaction: there is no lead without its event, and no event without it.
                with transaction.atomic():
                    lead = self._create_lead(form, fingerprint)
                    self.keep_choice(lead, form)
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

    # -- Showing ---------------------------------------------------------------------------

    @method_decorator(sensitive_post_parameters())
    def serve_form(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            response = self._answer_submission(request)
        elif reference := self._confirmed_reference(request):
            response = self._render_confirmation(request, reference)
        else:
            initial = self.get_form_initial(request)
            form = self.get_form(page=self, user=request.user, initial=initial)
            response = self._render_form(request, form)
        # The form carries a token and the confirmation a reference: neither is for a cache.
        add_never_cache_headers(response)
        return response

    @without_variables()
    def _answer_submission(self, request: HttpRequest) -> HttpResponse:
        form = self.get_form(request.POST, request.FILES, page=self, user=request.user)
        is_valid = form.is_valid()
        fingerprint = _fingerprint(form)
        # Before all that may refuse it: a double click across the closing time is stored already.
        if lead := self._find_lead(fingerprint):
            return self._redirect_to_confirmation(request, lead)
        if not self.takes_leads:
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
        response = TemplateResponse(
            request, self.get_form_template(request), context, status=status
        )
        # Drawn here and not after serve(): a form that cannot be drawn holds what was typed.
        return response.render() if form.is_bound else response

    def get_form_initial(self, request: HttpRequest) -> dict[str, Any]:
        """What is filled in already."""
        return {}

    def get_form_template(self, request: HttpRequest) -> Any:
        return self.get_template(request)

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

    def _render_confirmation(
        self, request: HttpRequest, reference: str, **context: Any
    ) -> HttpResponse:
        facts = {"reference": reference, "receipt": self._receipt_state(reference)}
        context = {**self.get_context(request), **facts, **context}
        return TemplateResponse(request, self.get_landing_page_template(request), context)

    def _receipt_state(self, reference: str) -> str:
        """Not in the address, and so as it is by now. Empty: nobody asked for one."""
        leads = self.get_submission_class().objects.filter(reference=reference, page_id=self.pk)
        return leads.values_list("receipt", flat=True).first() or ""

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
