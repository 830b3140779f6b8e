from __future__ import annotations

from .consent import ConsentText
from .departments import Department
from .leads import Lead
from .pages import (
    OpportunityEndpoint,
    OpportunityFormField,
    OpportunityIndexFormField,
    OpportunityIndexPage,
    OpportunityPage,
)
from .referrals import Referral
from .warnings import ClosingWarning


__all__ = [
    "ClosingWarning",
    "ConsentText",
    "Department",
    "Lead",
    "OpportunityEndpoint",
    "OpportunityFormField",
    "OpportunityIndexFormField",
    "OpportunityIndexPage",
    "OpportunityPage",
    "Referral",
]
