from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wagtail_webhooks.contract import contract_of
from wagtail_webhooks.contract.openapi import document
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.management.common import active_endpoint


class Command(BaseCommand):
    help = (
        "Write an OpenAPI 3.1 document of what the site sends, or of what one endpoint gets, for "
        "the developers of receivers. Nothing secret is in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--endpoint", type=int, metavar="ID", help="of this endpoint alone")

    def handle(self, *args: Any, **options: Any) -> None:
        pk = options["endpoint"]
        try:
            contract = contract_of(None if pk is None else active_endpoint(pk))
        except PayloadError as error:
            raise CommandError(f"The endpoint’s format is no longer there: {error}.") from None
        self.stdout.write(json.dumps(document(contract), indent=2, ensure_ascii=False))
