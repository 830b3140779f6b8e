"""An opportunity's own form: from a citizen's POST to a stored lead and its event."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from wagtail_webhooks.models import Endpoint, Message

from .lead_forms import LeadFormMixin
from .listing import State
from .recipients import NamesReceivers, Recipient, recipients_of
from .referrals import label_of, refer
from .telling import LEAD_SUBMITTED, emit_lead, lead_data, log_untold, mark_untold


class LeadCaptureMixin(NamesReceivers, LeadFormMixin):
    """Before OpportunityMixin and FormMixin in the list of bases."""

    class Meta:
        abstract = True

    def with_content_json(self, content: dict[str, Any]) -> Any:
        """As a revision has it; of the present department, if that one has been deleted since.

        Else whoever edits, compares or publishes that revision gets an error.
        """
        named, field = content.get("department"), self._meta.get_field("department")
        departments: Any = field.related_model
        if named is not None and not departments._base_manager.filter(pk=named).exists():
            content = {**content, "department": self.department_id}
        return super().with_content_json(content)  # type: ignore[misc]

    @property
    def takes_leads(self) -> bool:
        return bool(self.state == State.OPEN)

    def get_recipients(self) -> list[Recipient]:
        """What citizens are told of where their answers go."""
        questions = [(field.clean_name, field.label) for field in self.get_form_fields()]
        return recipients_of([self], questions)

    @property
    def shared_form_url(self) -> str:
        """Of the form for this and other opportunities; empty: there is none."""
        above = self.get_parent().specific
        if not getattr(above, "is_about_several", False) or not above.takes_leads:
            return ""
        return f"{above.get_form_url()}?opportunity={self.pk}"

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.serve_form(request)

    @transaction.atomic
    def tell_endpoints(self, lead: Any) -> None:
        message, is_untold = None, True
        try:
            with transaction.atomic():
                message, is_untold = self._emit(lead)
        except Exception as error:  # noqa: BLE001  emit() itself does not fail
            log_untold(lead, error)
        mark_untold(lead, is_untold)
        refer(lead, [self], self.department, message, is_untold=is_untold)

    def _emit(self, lead: Any) -> tuple[Message | None, bool]:
        """The lead's message, and whether the sweep must try again."""
        endpoints = self.get_lead_endpoints()
        message = emit_lead(
            self,
            lead,
            self.get_lead_data(lead),
            endpoints=endpoints,
            deadline=self.closes_at,
            key=lead.reference,
        )
        # It may have been told before.
        message = message or Message.objects.about(label_of(lead), [str(lead.pk)]).first()
        wanted = endpoints or Endpoint.objects.subscribed_to(LEAD_SUBMITTED, self).exists()
        return message, message is None and bool(wanted)

    def get_lead_data(self, lead: Any) -> dict[str, Any]:
        """What the endpoints are told."""
        return lead_data(self, lead, [self.get_opportunity_facts()])

    def get_opportunity_facts(self) -> dict[str, Any]:
        return {
            "id": self.pk,
            "title": self.title,
            "url": self.full_url,
            "department": self.department.name if self.department else None,
            "kind": self.kind,
        }
