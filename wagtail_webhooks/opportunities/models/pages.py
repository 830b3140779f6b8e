"""The concrete pages. A site that wants others builds its own from the same mixins."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    InlinePanel,
    MultiFieldPanel,
    ObjectList,
    TabbedInterface,
)
from wagtail.contrib.forms.models import AbstractFormField, FormMixin
from wagtail.contrib.forms.panels import FormSubmissionsPanel
from wagtail.models import Orderable, Page, PageManager

from wagtail_webhooks.admin.panels import WebhookDeliveriesPanel
from wagtail_webhooks.models import Endpoint, WebhookEndpointsMixin
from wagtail_webhooks.opportunities.editing import OpportunityPageForm
from wagtail_webhooks.opportunities.listing import OpportunityQuerySet
from wagtail_webhooks.opportunities.mixins import OpportunityIndexMixin, OpportunityMixin
from wagtail_webhooks.opportunities.panels import (
    EndpointLinksPanel,
    LeadDeliveriesPanel,
    MomentPanel,
)
from wagtail_webhooks.opportunities.sharing import SharedFormMixin
from wagtail_webhooks.opportunities.submission import LeadCaptureMixin

from .departments import Department
from .leads import Lead


class OpportunityIndexPage(SharedFormMixin, OpportunityIndexMixin, FormMixin, Page):
    subpage_types = ["webhooks_opportunities.OpportunityPage"]

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    form_panels = [
        FormSubmissionsPanel(),
        InlinePanel(
            "form_fields",
            heading=_("Form for several opportunities"),
            label=_("Field"),
            help_text=_(
                "With this form citizens tell you once what you need to know, and tick all "
                "opportunities of this list that interest them. Each department gets a lead for "
                "its own. Without fields there is no such form."
            ),
        ),
        FieldPanel("thank_you_text"),
        FieldPanel("offers_receipt"),
    ]
    edit_handler = TabbedInterface(
        [
            ObjectList(content_panels, heading=_("Content")),
            ObjectList(form_panels, heading=_("Form")),
            ObjectList([WebhookDeliveriesPanel()], heading=_("Webhooks")),
            ObjectList(Page.promote_panels, heading=_("Promote")),
            ObjectList(Page.settings_panels, heading=_("Settings")),
        ]
    )

    class Meta:
        verbose_name = _("list of opportunities")
        verbose_name_plural = _("lists of opportunities")

    def get_submission_class(self) -> type[Lead]:
        return Lead


class OpportunityIndexFormField(AbstractFormField):
    page = ParentalKey(OpportunityIndexPage, on_delete=models.CASCADE, related_name="form_fields")


class OpportunityPage(LeadCaptureMixin, OpportunityMixin, WebhookEndpointsMixin, FormMixin, Page):
    # Protected: a department that vanished would send its leads elsewhere, unnoticed.
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="opportunities",
        verbose_name=_("department"),
    )

    objects = PageManager.from_queryset(OpportunityQuerySet)()
    base_form_class = OpportunityPageForm
    parent_page_types = ["webhooks_opportunities.OpportunityIndexPage"]
    subpage_types: list[str] = []

    content_panels = [
        *Page.content_panels,
        FieldPanel("summary"),
        FieldPanel("body"),
        MultiFieldPanel(
            [
                FieldRowPanel([FieldPanel("kind"), FieldPanel("amount")]),
                FieldRowPanel([FieldPanel("department"), FieldPanel("contact_email")]),
                FieldRowPanel([MomentPanel("opens_at"), MomentPanel("closes_at")]),
            ],
            heading=_("Facts"),
        ),
    ]
    form_panels = [
        FormSubmissionsPanel(),
        InlinePanel("form_fields", heading=_("Form"), label=_("Field")),
        FieldPanel("thank_you_text"),
        FieldPanel("offers_receipt"),
    ]
    webhook_panels = [
        EndpointLinksPanel(
            "endpoint_links",
            chooser_field_name="endpoint",
            heading=_("Endpoints"),
            label=_("endpoint"),
            help_text=_(
                "Each lead goes to all of these, once the page is published. "
                "If there are none, it goes to the endpoint of the department."
            ),
        ),
        LeadDeliveriesPanel(),
    ]
    edit_handler = TabbedInterface(
        [
            ObjectList(content_panels, heading=_("Content")),
            ObjectList(form_panels, heading=_("Form")),
            ObjectList(webhook_panels, heading=_("Webhooks")),
            ObjectList(Page.promote_panels, heading=_("Promote")),
            ObjectList(Page.settings_panels, heading=_("Settings")),
        ]
    )

    class Meta:
        verbose_name = _("opportunity")
        verbose_name_plural = _("opportunities")

    def get_submission_class(self) -> type[Lead]:
        return Lead


class OpportunityFormField(AbstractFormField):
    page = ParentalKey(OpportunityPage, on_delete=models.CASCADE, related_name="form_fields")


class OpportunityEndpoint(Orderable):
    """That the leads of a page go to an endpoint. A reference only: pages end up in revisions."""

    page = ParentalKey(OpportunityPage, on_delete=models.CASCADE, related_name="endpoint_links")
    endpoint = models.ForeignKey(
        Endpoint, models.PROTECT, related_name="+", verbose_name=_("endpoint")
    )

    panels = [FieldPanel("endpoint")]

    class Meta(Orderable.Meta):
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")

    def __str__(self) -> str:
        return str(self.endpoint)
