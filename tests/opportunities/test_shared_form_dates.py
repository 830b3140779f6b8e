"""To which closing date a lead for several opportunities keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.opportunities.sharing import (
    apply_to,
    make_endpoint_for,
    make_programme,
)
from wagtail_webhooks.models import Delivery
from wagtail_webhooks.opportunities.dates import follow_closing_dates
from wagtail_webhooks.opportunities.models import (
    OpportunityIndexPage,
    OpportunityPage,
)


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_of_programmes_the_first_to_close_is_the_deadline(index: OpportunityIndexPage) -> None:
    farms, skills = make_endpoint_for("Farms"), make_endpoint_for("Skills")
    soon, later = timezone.now() + HOUR, timezone.now() + 9 * HOUR
    make = make_programme
    pages = [
        make("Farms", farms, title="Later", closes_at=later),
        make("Farms", farms, title="Soon", closes_at=soon),
        make("Farms", farms, title="Never"),
        make("Skills", skills),
    ]
    apply_to(index, pages)
    deadlines = dict(Delivery.objects.values_list("endpoint__name", "message__deadline"))
    assert deadlines == {"Farms endpoint": soon, "Skills endpoint": None}


@pytest.mark.parametrize("hours", [1, 20, None])
def test_a_closing_date_that_is_moved_counts_for_what_waits(
    index: OpportunityIndexPage, hours: int | None
) -> None:
    now, farms = timezone.now(), make_endpoint_for("Farms")
    first = make_programme("Farms", farms, title="First", closes_at=now + 5 * HOUR)
    second = make_programme("Farms", farms, title="Second", closes_at=now + 9 * HOUR)
    skills = make_programme("Skills", make_endpoint_for("Skills"), closes_at=now + 7 * HOUR)
    apply_to(index, [first, second, skills])

    first.closes_at = now + hours * HOUR if hours else None
    first.save()
    follow_closing_dates()

    deadlines = dict(Delivery.objects.values_list("endpoint__name", "message__deadline"))
    assert deadlines == {
        "Farms endpoint": now + min(hours or 9, 9) * HOUR,
        "Skills endpoint": now + 7 * HOUR,
    }


@pytest.mark.parametrize(("left", "expected"), [(9, 9), (-1, -1), (None, -2)])
def test_when_one_has_closed_the_next_to_close_is_the_deadline(
    index: OpportunityIndexPage, left: int | None, expected: int
) -> None:
    now, farms = timezone.now(), make_endpoint_for("Farms")
    first = make_programme("Farms", farms, title="First", closes_at=now + HOUR)
    second = make_programme("Farms", farms, title="Second", closes_at=now + 2 * HOUR)
    apply_to(index, [first, second])
    OpportunityPage.objects.filter(pk=first.pk).update(closes_at=now - 2 * HOUR)
    OpportunityPage.objects.filter(pk=second.pk).update(closes_at=left and now + left * HOUR)
    follow_closing_dates()
    assert Delivery.objects.get().message.deadline == now + expected * HOUR
