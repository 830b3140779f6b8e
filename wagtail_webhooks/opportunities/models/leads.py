from __future__ import annotations

from ..mixins import AbstractLead


class Lead(AbstractLead):
    class Meta(AbstractLead.Meta):
        abstract = False
