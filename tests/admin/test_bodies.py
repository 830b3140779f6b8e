"""What was sent and answered, whatever it is: text of any format, pictures, compressed bytes."""

from __future__ import annotations

import gzip
import shlex
import subprocess
from hashlib import sha256
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry, Page

from wagtail_webhooks import scrub
from wagtail_webhooks.admin.curl import as_curl
from wagtail_webhooks.models import Delivery, DeliveryBody

from .conftest import SUBMISSION, Clients, MakeDelivery, add_attempt


PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR<script>" + bytes(range(256)) * 8


def sent(make_delivery: MakeDelivery, content: bytes, content_type: str) -> Delivery:
    """As a format wrote it that the site may have no longer."""
    delivery = make_delivery(
        format="of-old",
        content_type=content_type,
        body_sha256=sha256(content).hexdigest(),
        body_size=len(content),
    )
    DeliveryBody.objects.create(delivery=delivery, content=content)
    return delivery


def page_of(browser: Client, delivery: Delivery) -> BeautifulSoup:
    url = reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk])
    return BeautifulSoup(browser.get(url).content, "html.parser")


def shown(soup: BeautifulSoup) -> list[str]:
    return [pre.get_text() for pre in soup.select("#webhooks-contents pre")]


def body_of(browser: Client, delivery: Delivery) -> Any:
    return browser.get(reverse("wagtail_webhooks_deliveries:body", args=[delivery.pk]))


@pytest.mark.parametrize(
    ("content", "content_type", "texts"),
    [
        (b"<lead><name>Ana</name></lead>", "application/xml", ["<lead><name>Ana</name></lead>"]),
        ("name: Begoña".encode(), "", ["name: Begoña"]),
        ("Begoña".encode("latin-1"), "text/csv; charset=ISO-8859-1", ["Begoña"]),
        ("Begoña".encode("utf-16"), 'text/plain; charset="utf-16"', ["Begoña"]),
        (b'{"a":1}', "application/vnd.of-old+json", ['{\n  "a": 1\n}', '{"a":1}']),
        (b"a\xe2\x80\xaeb", "text/plain", ["a\\u202eb"]),
    ],
)
def test_text_of_any_format_is_shown_as_text(
    root: Client, make_delivery: MakeDelivery, content: bytes, content_type: str, texts: list[str]
) -> None:
    assert shown(page_of(root, sent(make_delivery, content, content_type))) == texts


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PICTURE, "image/png"),
        (gzip.compress(b"hello", mtime=0), "application/json"),
        ("Begoña".encode("latin-1"), "text/plain"),
        (b"a\x00b", "text/plain"),
        (b"hello", "text/plain; charset=of-old"),
    ],
)
def test_what_is_no_text_is_shown_as_numbers_with_its_size(
    root: Client, make_delivery: MakeDelivery, content: bytes, content_type: str
) -> None:
    soup = page_of(root, sent(make_delivery, content, content_type))
    (dump,) = shown(soup)
    lines = dump.splitlines()
    assert lines[0].startswith(f"0000  {content[:16].hex(' ')}")
    assert len(lines) == -(-min(len(content), 1024) // 16)
    assert all(line.isascii() and line.isprintable() for line in lines)
    text = soup.get_text()
    assert "It is no text." in text
    assert sha256(content).hexdigest() in text
    assert "Copy the body" not in text


def test_the_bytes_can_be_had_as_they_were_sent(root: Client, make_delivery: MakeDelivery) -> None:
    delivery = sent(make_delivery, PICTURE, "image/png")
    answer = body_of(root, delivery)
    assert answer.content == PICTURE
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="{delivery.message_id}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert ModelLogEntry.objects.get().action == "wagtail_webhooks.view_payload"


def test_nobody_has_the_bytes_who_may_not_see_them(
    client_with: Clients, make_delivery: MakeDelivery, form_page: Page
) -> None:
    event = sent(make_delivery, b"{}", "application/json")
    assert body_of(client_with("view_delivery"), event).status_code == 302
    lead = make_delivery(source=SUBMISSION, page=form_page)
    reader = client_with("view_delivery", "view_payload", name="reader")
    assert body_of(reader, lead).status_code == 404
    assert not ModelLogEntry.objects.exists()


def test_there_are_no_bytes_of_what_was_not_sent_or_is_no_longer_kept(
    root: Client, make_delivery: MakeDelivery
) -> None:
    assert body_of(root, make_delivery("pending")).status_code == 404
    pruned = make_delivery(body_sha256="ab", body_size=9)
    assert body_of(root, pruned).status_code == 404
    for delivery in Delivery.objects.all():
        assert "Download the bytes" not in page_of(root, delivery).get_text()


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [
        (PICTURE, False),
        (gzip.compress(b"thank you for the lead " * 9, mtime=0), False),
        ("El año próximo, señor".encode("latin-1"), True),
        (b"thank you", True),
    ],
)
def test_an_answer_that_is_no_text_is_not_shown_as_garbled_text(
    root: Client, make_delivery: MakeDelivery, answer: bytes, is_shown: bool
) -> None:
    delivery = make_delivery("failed", reason="exhausted")
    add_attempt(delivery, "http", 500, scrub.text(answer))
    soup = page_of(root, delivery)
    assert bool(soup.select("#webhooks-attempts pre")) == is_shown
    assert ("The answer is no text" in soup.get_text()) != is_shown


@pytest.mark.parametrize("content", [PICTURE, "a: Begoña\r\n\n".encode(), b"@/etc/passwd", b"it's"])
def test_a_request_of_any_bytes_can_be_tried_with_curl(
    make_delivery: MakeDelivery, content: bytes
) -> None:
    delivery = sent(make_delivery, content, "text/plain")
    command = as_curl(delivery, add_attempt(delivery, "ok", 200), content)
    before, pipe, request = command.rpartition(" | ")
    words = shlex.split(request)
    assert words[0] == "curl"
    if pipe:
        assert words[-2:] == ["--data-binary", "@-"]
        assert subprocess.run(["sh", "-c", before], capture_output=True).stdout == content
    else:
        assert words[-2:] == ["--data-raw", content.decode()]
