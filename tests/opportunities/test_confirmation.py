"""What the confirmation says of the receipt."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import answers
from wagtail_webhooks.opportunities.forms import RECEIPT_NAME
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage
from wagtail_webhooks.opportunities.receipts import Receipt


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (Receipt.DUE, "A receipt is on its way to the e-mail address that you gave."),
        (Receipt.SENT, "A receipt has been sent to the e-mail address that you gave."),
        (Receipt.GIVEN_UP, "We could not send a receipt to the e-mail address that you gave."),
    ],
)
def test_the_confirmation_says_what_became_of_the_receipt_and_not_to_whom(
    client: Client, opportunity: OpportunityPage, state: str, sentence: str
) -> None:
    response = client.post(opportunity.url, answers(**{RECEIPT_NAME: "on"}))
    Lead.objects.update(receipt=state)
    page = client.get(response.url).content.decode()
    assert sentence in page
    address = answers()["e_mail_address"]
    assert address not in page
    assert address.partition("@")[0] not in response.url


def test_the_confirmation_says_nothing_of_a_receipt_that_nobody_asked_for(
    client: Client, opportunity: OpportunityPage
) -> None:
    response = client.post(opportunity.url, answers())
    assert "receipt" not in client.get(response.url).content.decode()
