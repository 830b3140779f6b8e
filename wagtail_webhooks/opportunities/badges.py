"""How the states of referrals look in the admin: as those of deliveries do."""

from __future__ import annotations

from wagtail_webhooks.admin.badges import DELIVERY_BADGES, HELD, Badge
from wagtail_webhooks.models.deliveries import Status

from .models.referrals import ReferralState


REFERRAL_BADGES = {
    ReferralState.DELIVERED: DELIVERY_BADGES[Status.SUCCEEDED],
    ReferralState.WAITING: DELIVERY_BADGES[Status.PENDING],
    ReferralState.HELD: DELIVERY_BADGES[HELD],
    ReferralState.FAILED: DELIVERY_BADGES[Status.FAILED],
    ReferralState.CANCELLED: DELIVERY_BADGES[Status.CANCELLED],
    ReferralState.ERASED: Badge(ReferralState.ERASED.label, "bin"),
    ReferralState.UNADDRESSED: Badge(ReferralState.UNADDRESSED.label, "warning", "critical"),
}
