from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.commands.conftest import Run
from tests.conftest import make_endpoint
from wagtail_webhooks.management.commands import webhooks_rotate_keys
from wagtail_webhooks.models import Endpoint


pytestmark = pytest.mark.django_db

URL = "https://hooks.example.org/x?key=1"


@pytest.fixture
def keys(settings: Any) -> list[str]:
    """A new key and an old one, under which two endpoints, a rotated secret and a rotated key pair
    are encrypted."""
    new, old = (Fernet.generate_key().decode() for _ in range(2))
    use(settings, old)
    make_endpoint(URL)
    make_endpoint(URL, extra_signatures=["ed25519"]).rotate()
    use(settings, new, old)
    return [new, old]


def use(settings: Any, *keys: str) -> None:
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "ENCRYPTION_KEYS": list(keys)}


def secrets() -> list[str]:
    """All that is encrypted, in clear."""
    return [
        secret.reveal()
        for endpoint in Endpoint.objects.order_by("pk")
        for secret in (
            endpoint.url,
            endpoint.signing_secret,
            endpoint.previous_signing_secret,
            endpoint.private_key,
            endpoint.previous_private_key,
        )  # fmt: skip
        if secret is not None
    ]


def test_after_it_the_new_key_is_enough(run: Run, keys: list[str], settings: Any) -> None:
    before = secrets()

    outcome = run("webhooks_rotate_keys")

    assert outcome.code == 0
    assert "newest key: 7." in outcome.out
    use(settings, keys[0])
    assert secrets() == before
    assert before.count(URL) == 2


def test_many_rows_go_in_batches(
    run: Run, keys: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_rotate_keys, "BATCH", 1)
    assert "newest key: 7." in run("webhooks_rotate_keys").out
    use(settings, keys[0])
    assert len(secrets()) == 7


def test_a_dry_run_changes_nothing(run: Run, keys: list[str], settings: Any) -> None:
    outcome = run("webhooks_rotate_keys", "--dry-run")
    assert "would be encrypted under the newest key: 7." in outcome.out
    use(settings, keys[1])
    assert len(secrets()) == 7


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_what_no_key_decrypts_is_named_kept_and_needs_a_person(
    run: Run, keys: list[str], settings: Any, arguments: list[str]
) -> None:
    use(settings, keys[0])
    readable = make_endpoint(URL)

    outcome = run("webhooks_rotate_keys", *arguments)

    assert outcome.code == 1
    assert "no key decrypts: 7." in outcome.out
    assert outcome.err.count("Cannot be decrypted: “url” of wagtail_webhooks.Endpoint") == 2
    assert "key=1" not in outcome.out + outcome.err
    readable.refresh_from_db()
    assert readable.url.reveal() == URL
    use(settings, keys[0], keys[1])
    assert len(secrets()) == 9


def test_without_keys_the_derived_one_is_used(run: Run, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = []
    make_endpoint(URL)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new secret key"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert run("webhooks_rotate_keys").code == 0
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets()[0] == URL
