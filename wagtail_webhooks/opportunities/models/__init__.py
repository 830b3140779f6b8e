from __future__ import annotations

from .departments import Department
from .leads import Lead
from .pages import OpportunityEndpoint, OpportunityFormField, OpportunityIndexPage, OpportunityPage


__all__ = [
    "Department",
    "Lead",
    "OpportunityEndpoint",
    "OpportunityFormField",
    "OpportunityIndexPage",
    "OpportunityPage",
]
