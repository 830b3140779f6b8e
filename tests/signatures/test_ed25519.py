from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
from django.utils import timezone

from tests.conftest import make_endpoint
from wagtail_webhooks.exceptions import InvalidSecret
from wagtail_webhooks.models import Endpoint, EndpointState
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.retention import prune
from wagtail_webhooks.signatures import Signable
from wagtail_webhooks.signatures.ed25519 import (
    Ed25519V1a,
    generate_private_key,
    is_signed_by,
    public_key_of,
)
from wagtail_webhooks.testing import Answer, Received, Receiver, deliver_now


#: The key pair and the signature that Svix publishes, whose form of a private key this is.
PRIVATE = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SIGNED = Signable("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
SIGNATURE = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)


def signatures(received: Received) -> list[str]:
    every = received.headers["webhook-signature"].split(" ")
    return [one for one in every if one.startswith("v1a,")]


def signable(received: Received) -> Signable:
    return Signable(received.id, int(received.headers["webhook-timestamp"]), received.body)


@pytest.fixture
def endpoint(endpoint: Endpoint) -> Endpoint:
    endpoint.extra_signatures = ["ed25519"]
    endpoint.save()
    return endpoint


def test_it_signs_as_svix_does() -> None:
    assert Ed25519V1a().headers(SIGNED, [PRIVATE]) == {"webhook-signature": SIGNATURE}
    assert public_key_of(PRIVATE) == PUBLIC
    assert is_signed_by(PUBLIC, SIGNED, SIGNATURE)


@pytest.mark.parametrize(
    "signature", [SIGNATURE[:-4] + "AAAA", "v1," + SIGNATURE[4:], "v1a,", "v1a,é", "v1a,AAAA", ""]
)
def test_another_signature_is_not_taken(signature: str) -> None:
    assert not is_signed_by(PUBLIC, SIGNED, signature)


@pytest.mark.parametrize(
    "key",
    [
        "", "whsk_", "whsk_!", PUBLIC, PRIVATE[5:], PRIVATE[:-8],
        # The public half is not that of the private one: whoever checks would refuse all of it.
        PRIVATE.replace("VfVKIDij2", "VfVKIDij3").replace("Mbf", "Mbg"),
    ],
)  # fmt: skip
def test_what_is_no_private_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidSecret) as caught:
        public_key_of(key)
    assert not key[5:] or key[5:] not in str(caught.value)


@pytest.mark.django_db
def test_a_delivery_is_signed_both_ways(endpoint: Endpoint, receiver: Receiver) -> None:
    emit("lead.submitted", {"name": "Zoë 🎈"})
    deliver_now()
    (received,) = receiver.received
    standardwebhooks.Webhook(endpoint.signing_secret.reveal()).verify(
        received.body, received.headers
    )
    (signature,) = signatures(received)
    public = public_key_of(endpoint.private_key.reveal())
    assert is_signed_by(public, signable(received), signature)
    assert endpoint.private_key.reveal() not in str(received.headers)


@pytest.mark.django_db
def test_the_old_key_signs_along_for_a_day(endpoint: Endpoint, receiver: Receiver) -> None:
    old = public_key_of(endpoint.private_key.reveal())
    endpoint.rotate()
    new = public_key_of(endpoint.private_key.reveal())
    emit("lead.submitted", {"n": 1})
    deliver_now()
    Endpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    emit("lead.submitted", {"n": 2})
    deliver_now()

    during, after = receiver.received
    by_new, by_old = signatures(during)
    assert is_signed_by(new, signable(during), by_new)
    assert is_signed_by(old, signable(during), by_old)
    (alone,) = signatures(after)
    assert is_signed_by(new, signable(after), alone)
    prune()
    endpoint.refresh_from_db()
    assert endpoint.previous_private_key is None


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [None, ["extra_signatures"]])
def test_choosing_it_makes_the_keys_and_choosing_it_again_keeps_them(fields: Any) -> None:
    endpoint = make_endpoint()
    assert (endpoint.private_key, endpoint.public_id) == (None, None)

    endpoint.extra_signatures = ["ed25519"]
    endpoint.save(update_fields=fields)
    made = Endpoint.objects.get()
    assert public_key_of(made.private_key.reveal()).startswith("whpk_")
    assert len(made.public_id) == 22

    for chosen in ([], ["ed25519", "github"]):
        made.extra_signatures = chosen
        made.save(update_fields=fields)
    again = Endpoint.objects.get()
    assert again.private_key.reveal() == made.private_key.reveal()
    assert again.public_id == made.public_id


@pytest.mark.django_db
def test_an_endpoint_that_does_not_sign_with_it_sends_no_v1a(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    endpoint.extra_signatures = []
    endpoint.save()
    emit("lead.submitted", {})
    deliver_now()
    assert signatures(receiver.received[0]) == []


@pytest.mark.django_db
def test_a_key_that_is_given_up_is_rotated_too(endpoint: Endpoint) -> None:
    """Whoever rotates because something leaked must not get the leaked key back later."""
    leaked = endpoint.private_key.reveal()
    endpoint.extra_signatures = []
    endpoint.save()
    endpoint.rotate()
    endpoint.extra_signatures = ["ed25519"]
    endpoint.save()
    assert Endpoint.objects.get().private_key.reveal() != leaked


@pytest.mark.django_db
def test_a_new_origin_keeps_the_keys_which_are_never_sent(endpoint: Endpoint) -> None:
    before = endpoint.private_key.reveal()
    endpoint.url = "https://other.example.org/x"
    endpoint.save()
    assert Endpoint.objects.get().private_key.reveal() == before


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [None, "encrypted:bm8ga2V5"], ids=["lost", "unreadable"])
def test_without_its_key_nothing_is_sent_and_the_endpoint_waits_for_a_person(
    endpoint: Endpoint, receiver: Receiver, stored: str | None
) -> None:
    Endpoint.objects.update(private_key=stored)
    emit("lead.submitted", {})
    deliver_now()
    assert receiver.received == []
    assert EndpointState.objects.get().hold == HoldReason.SECRET

    # What the page advises mends it.
    held = Endpoint.objects.get()
    held.rotate()
    EndpointState.objects.update(hold="", held_at=None)
    deliver_now()
    assert len(signatures(receiver.received[0])) == 1


@pytest.mark.django_db
def test_an_answer_that_repeats_the_key_is_stored_without_it(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    key = endpoint.private_key.reveal()
    receiver.answer = Answer(500, key.encode())
    emit("lead.submitted", {})
    deliver_now()
    attempt = endpoint.deliveries.get().attempts.get()
    assert attempt.answer.text == "[hidden]"


def test_no_two_keys_are_alike() -> None:
    assert len({generate_private_key() for _ in range(50)}) == 50
