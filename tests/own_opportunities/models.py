"""What a site builds from the mixins: departments, kinds, pages and leads of its own."""

from __future__ import annotations

from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import AbstractFormField, FormMixin
from wagtail.models import Orderable, Page

from wagtail_webhooks.models import Endpoint, WebhookEndpointsMixin
from wagtail_webhooks.opportunities.mixins import (
    AbstractDepartment,
    AbstractLead,
    OpportunityIndexMixin,
    OpportunityMixin,
)
from wagtail_webhooks.opportunities.sharing import SharedFormMixin
from wagtail_webhooks.opportunities.submission import LeadCaptureMixin


class Agency(AbstractDepartment):
    pass


class Enquiry(AbstractLead):
    pass


class ProgrammeIndexPage(SharedFormMixin, OpportunityIndexMixin, FormMixin, Page):
    opportunity_model = "own_opportunities.ProgrammePage"
    template = "webhooks_opportunities/opportunity_index_page.html"

    def get_submission_class(self) -> type[Enquiry]:
        return Enquiry


class ProgrammeIndexField(AbstractFormField):
    page = ParentalKey(ProgrammeIndexPage, on_delete=models.CASCADE, related_name="form_fields")


class ProgrammePage(LeadCaptureMixin, OpportunityMixin, WebhookEndpointsMixin, FormMixin, Page):
    department = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=20, choices=[("prize", "Prize"), ("visit", "Visit")])
    region = models.CharField(max_length=50, blank=True)

    template = "webhooks_opportunities/opportunity_page.html"
    landing_page_template = "webhooks_opportunities/opportunity_page_landing.html"

    def get_search_text(self) -> str:
        return f"{super().get_search_text()}\n{self.region}"

    def get_submission_class(self) -> type[Enquiry]:
        return Enquiry


class ProgrammeField(AbstractFormField):
    page = ParentalKey(ProgrammePage, on_delete=models.CASCADE, related_name="form_fields")


class ProgrammeEndpoint(Orderable):
    page = ParentalKey(ProgrammePage, on_delete=models.CASCADE, related_name="endpoint_links")
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="+")
