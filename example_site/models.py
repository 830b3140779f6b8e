from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page

from wagtail_webhooks.opportunities.listing import State
from wagtail_webhooks.opportunities.models import OpportunityIndexPage, OpportunityPage


class HomePage(Page):
    introduction = models.TextField(max_length=300, blank=True)
    body = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]

    class Meta:
        verbose_name = "home page"

    def get_context(self, request: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        below = OpportunityPage.objects.descendant_of(self).live().public()
        found = below.select_related("department").in_reading_order(timezone.now())
        context["opportunities"] = [page for page in found if page.state != State.CLOSED]
        context["index"] = OpportunityIndexPage.objects.descendant_of(self).live().first()
        return context
