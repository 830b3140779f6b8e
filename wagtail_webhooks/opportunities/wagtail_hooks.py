from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.viewsets.base import ViewSet
from wagtail.snippets.models import register_snippet

from wagtail_webhooks.events import EventType

from .homepage import add_to_homepage
from .models import ConsentText, Department
from .reports import LeadCountMenuItem, LeadCountViewSet
from .schemas import LEAD
from .telling import LEAD_SUBMITTED
from .viewsets import (
    AppendOnlyPolicy,
    ConsentTextViewSet,
    DepartmentViewSet,
    OpportunityPageViewSet,
)


try:
    from wagtail.permissions import register_permission_policy
except ImportError:  # before Wagtail 8.0 the policy is the viewset's alone
    pass
else:
    register_permission_policy(ConsentText, AppendOnlyPolicy(ConsentText))


@hooks.register("register_webhook_event_types")
def register_event_types() -> list[EventType]:
    return [
        EventType(
            LEAD_SUBMITTED,
            _("Lead submitted"),
            _("Somebody sent the form of an opportunity."),
            LEAD.schema,
            LEAD.example,
        )
    ]


@hooks.register("register_admin_viewset")
def register_viewsets() -> list[ViewSet]:
    return [OpportunityPageViewSet("webhooks_opportunities_pages"), LeadCountViewSet()]


hooks.register("register_reports_menu_item", LeadCountMenuItem)


hooks.register("construct_homepage_panels", add_to_homepage)

register_snippet(Department, viewset=DepartmentViewSet)
register_snippet(ConsentText, viewset=ConsentTextViewSet)
