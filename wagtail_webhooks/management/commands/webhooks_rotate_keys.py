from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import models, transaction

from wagtail_webhooks.exceptions import SecretUnavailable
from wagtail_webhooks.management.common import NEEDS_A_PERSON
from wagtail_webhooks.models.fields import EncryptedField
from wagtail_webhooks.secrets import Secret


BATCH = 200


class Command(BaseCommand):
    help = (
        "Encrypt every stored URL and secret anew under the newest key: the first of "
        "WAGTAIL_WEBHOOKS['ENCRYPTION_KEYS'], or the one derived from SECRET_KEY. Run it after "
        "adding a key; after it the older keys can be taken out. Exit code 1: some values cannot "
        "be decrypted with any key; they are left as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only try to decrypt.")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        rotated, unreadable = 0, 0
        for model, names in _encrypted_models():
            for batch in _batches(model):
                fresh, lost = _rotate(model, names, batch, is_dry=is_dry)
                rotated += fresh
                unreadable += len(lost)
                for name in lost:
                    self.stderr.write(f"Cannot be decrypted: {name}.")
        done = "that would be encrypted" if is_dry else "encrypted"
        self.stdout.write(f"Values {done} under the newest key: {rotated}.")
        if unreadable:
            self.stdout.write(
                f"Values that no key decrypts: {unreadable}. Put the key they were encrypted with "
                "back into the settings, or enter them anew in the admin."
            )
            sys.exit(NEEDS_A_PERSON)
        if not is_dry:
            self.stdout.write("The older keys can be taken out of the settings.")


def _encrypted_models() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Also those of other apps: whoever uses the field uses these keys."""
    for model in apps.get_models():
        fields = model._meta.local_concrete_fields
        names = [field.name for field in fields if isinstance(field, EncryptedField)]
        if names and not model._meta.swapped:
            yield model, names


def _batches(model: type[models.Model]) -> Iterator[list[Any]]:
    rows = model._base_manager.order_by("pk").values_list("pk", flat=True)
    pks = list(rows[:BATCH])
    while pks:
        yield pks
        pks = list(rows.filter(pk__gt=pks[-1])[:BATCH])


def _rotate(
    model: type[models.Model], names: list[str], pks: list[Any], *, is_dry: bool
) -> tuple[int, list[str]]:
    """How many values were encrypted anew, and the names of those that cannot be decrypted."""
    count, lost = 0, []
    # Locked, so that what a person saves meanwhile is not overwritten with what was there before.
    with transaction.atomic():
        for row in model._base_manager.filter(pk__in=pks).select_for_update():
            fresh, unreadable = _reencrypted(row, names)
            lost += [f"“{name}” of {model._meta.label} {row.pk}" for name in unreadable]
            count += len(fresh)
            if fresh and not is_dry:
                model._base_manager.filter(pk=row.pk).update(**fresh)
    return count, lost


def _reencrypted(row: models.Model, names: list[str]) -> tuple[dict[str, Secret], list[str]]:
    """The values of a row under the newest key, and the names of those that are unreadable."""
    fresh, lost = {}, []
    for name in names:
        secret = getattr(row, name)
        if secret is None:
            continue
        try:
            fresh[name] = secret.reencrypted()
        except SecretUnavailable:
            lost.append(name)
    return fresh, lost
