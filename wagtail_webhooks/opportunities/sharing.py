"""A list of opportunities with one form for several of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.models import FormMixin
from wagtail.url_routing import RouteResult

from wagtail_webhooks.models import Endpoint, Message

from .dates import next_of
from .lead_forms import LeadFormMixin
from .listing import State, by_department, in_reading_order, in_state
from .mixins import AfterSendingMixin
from .recipients import Recipient, receivers_of, recipients_of
from .referrals import give_up, label_of, refer, referrals_of, untold
from .shared_form import OPPORTUNITIES_NAME, SharedLeadFormBuilder
from .telling import emit_lead, lead_data, log_untold, mark_untold


class NotStored(Exception):
    """No event could be made, although somebody is to be told."""


class SharedFormMixin(AfterSendingMixin, LeadFormMixin):
    """Before OpportunityIndexMixin and FormMixin in the list of bases.

    Without form fields there is no form, and the list is as it would be without this. The
    opportunities are made of LeadCaptureMixin.
    """

    form_builder = SharedLeadFormBuilder
    form_template = "webhooks_opportunities/shared_form.html"
    landing_page_template = "webhooks_opportunities/shared_form_landing.html"
    #: Below the page. Two steps, so that an opportunity may have any slug.
    form_path = ("apply", "several")
    #: Of one lead: each may cost a message, and all must fit into one.
    most_opportunities = 20
    is_about_several = True

    class Meta:
        abstract = True

    # -- What there is to choose -------------------------------------------------------------

    @property
    def has_form(self) -> bool:
        return bool(self.get_form_fields())

    @property
    def takes_leads(self) -> bool:
        return self.has_form and self._is_any_open

    @cached_property
    def _is_any_open(self) -> bool:
        """Asked by the page of each opportunity too, which need not read them all."""
        return bool(self._open().exists())

    @cached_property
    def open_opportunities(self) -> list[Any]:
        return list(self._open())

    def _open(self) -> Any:
        return self.get_opportunities().filter(in_state(State.OPEN, timezone.now()))

    def get_recipients(self) -> list[Recipient]:
        questions = [(field.clean_name, field.label) for field in self.get_form_fields()]
        return recipients_of(self.open_opportunities, questions)

    # -- Telling -----------------------------------------------------------------------------

    def keep_choice(self, lead: Any, form: Any) -> None:
        for department, pages in by_department(form.opportunities).items():
            refer(lead, pages, department, None, is_untold=True)

    @transaction.atomic
    def tell_endpoints(self, lead: Any) -> None:
        """Once for each department: what it has been told already is not told again."""
        wanted = untold(lead)
        model: Any = apps.get_model(self.opportunity_model)
        pages = model.objects.filter(pk__in=wanted).select_related("department")
        found = list(in_reading_order(pages, timezone.now()))
        give_up(lead, wanted - {page.pk for page in found})
        told = [
            self._tell_department(lead, department, theirs)
            for department, theirs in by_department(found).items()
        ]
        mark_untold(lead, not all(told))

    def _tell_department(self, lead: Any, department: Any, pages: list[Any]) -> bool:
        """Whether that could be done."""
        try:
            with transaction.atomic():
                told = [
                    (part, self._emit(lead, part, endpoints))
                    for part, endpoints in _parts(pages, receivers_of(pages))
                ]
        except Exception as error:  # noqa: BLE001  emit() itself does not fail
            log_untold(lead, error)
            return False
        for part, message in told:
            refer(lead, part, department, message)
        return True

    def _emit(self, lead: Any, pages: list[Any], endpoints: list[Endpoint]) -> Message | None:
        """Raises NotStored, so that a department is told all or nothing."""
        message = emit_lead(
            self,
            lead,
            self.get_lead_data(lead, pages),
            endpoints=endpoints,
            deadline=next_of((page.closes_at for page in pages), timezone.now()),
            key=" ".join([lead.reference, *(str(page.pk) for page in pages)]),
        )
        if message is None and endpoints:
            raise NotStored
        return message

    def get_lead_data(self, lead: Any, pages: Sequence[Any]) -> dict[str, Any]:
        """What the endpoints of these opportunities are told."""
        return lead_data(self, lead, [page.get_opportunity_facts() for page in pages])

    # -- Showing -----------------------------------------------------------------------------

    def get_form_url(self, request: HttpRequest | None = None) -> str:
        return f"{self.get_url(request) or ''}{'/'.join(self.form_path)}/"

    def route(self, request: HttpRequest, path_components: list[str]) -> Any:
        if (*path_components,) == self.form_path and self.live and self.has_form:
            return RouteResult(self, kwargs={"is_form": True})
        return super().route(request, path_components)  # type: ignore[misc]

    def serve(
        self, request: HttpRequest, *args: Any, is_form: bool = False, **kwargs: Any
    ) -> HttpResponse:
        if is_form:
            return self.serve_form(request)
        page: Any = self
        # Not FormMixin's, which would take what is posted to the list for a form.
        above: Any = super(FormMixin, page)  # type: ignore[misc]
        response: HttpResponse = above.serve(request, *args, **kwargs)
        return response

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)  # type: ignore[misc]
        if self.has_form:
            context["shared_form_url"] = self.get_form_url(request)
        return context

    def get_form_template(self, request: HttpRequest) -> Any:
        return self.form_template

    def get_form_initial(self, request: HttpRequest) -> dict[str, Any]:
        """Who comes from the page of an opportunity has ticked that."""
        return {OPPORTUNITIES_NAME: request.GET.getlist("opportunity")}

    def _render_confirmation(
        self, request: HttpRequest, reference: str, **context: Any
    ) -> HttpResponse:
        model = self.get_submission_class()
        mine = model.objects.filter(reference=reference, page_id=self.pk)
        referrals = referrals_of(label_of(model), mine.values_list("pk", flat=True))
        # With the number of the page: two may have the same title.
        rows = referrals.values_list("department_name", "page_title", "page_id").distinct()
        chosen = [row[:2] for row in rows.order_by("department_name", "page_title")]
        return super()._render_confirmation(request, reference, chosen=chosen, **context)

    preview_modes = [("", _("List")), ("form", _("Form")), ("landing", _("Landing page"))]

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> Any:
        if mode_name == "form":
            return self.get_form_template(request)
        return super().get_preview_template(request, mode_name)  # type: ignore[misc]


def _parts(
    pages: Sequence[Any], receivers: dict[int, list[Endpoint]]
) -> list[tuple[list[Any], list[Endpoint]]]:
    """What is one message: each endpoint is in one of these, with all that names it.

    As a rule a department has one endpoint, and this is all of its pages.
    """
    endpoints = {each.pk: each for page in pages for each in receivers[page.pk]}
    parts: dict[tuple[int, ...], list[Endpoint]] = {}
    for endpoint in endpoints.values():
        naming = tuple(page.pk for page in pages if endpoint in receivers[page.pk])
        parts.setdefault(naming, []).append(endpoint)
    if nobody := tuple(page.pk for page in pages if not receivers[page.pk]):
        parts[nobody] = []
    by_pk = {page.pk: page for page in pages}
    return [([by_pk[pk] for pk in pks], found) for pks, found in parts.items()]
