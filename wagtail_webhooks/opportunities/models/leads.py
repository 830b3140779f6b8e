from __future__ import annotations

from wagtail_webhooks.opportunities.mixins import AbstractLead


class Lead(AbstractLead):
    class Meta(AbstractLead.Meta):
        abstract = False
