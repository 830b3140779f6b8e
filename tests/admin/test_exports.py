"""A12: in a spreadsheet what others wrote is text, and what was sent is not in it at all."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from wagtail.models import Page

from wagtail_webhooks.admin.exports import DELIVERY_EXPORT, as_text, without_controls
from wagtail_webhooks.models import Endpoint

from .conftest import SECRET_PATH, SECRET_QUERY, MakeDelivery, add_attempt


LOG = "wagtail_webhooks_deliveries:index"

FORMULAS = [
    "=HYPERLINK(\"https://evil.example\",\"x\")", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1",
    " =1", "\u00a0=1", '"=1', "'=1", "'' \"=1", "＝1", "＋1", "－1", "＠x", "\ufeff=1",
    "\u200b=1", "\x01=1", "=cmd|' /C calc'!A0",
]  # fmt: skip
SIGNS = "=+-@＝＋－＠"


def rows_of_csv(browser: Client, **query: Any) -> list[dict[str, str]]:
    text = browser.get(reverse(LOG), {"export": "csv", **query}).getvalue().decode()
    return list(csv.DictReader(io.StringIO(text)))


def rows_of_xlsx(browser: Client, **query: Any) -> list[list[Any]]:
    content = browser.get(reverse(LOG), {"export": "xlsx", **query}).getvalue()
    return [list(row) for row in load_workbook(io.BytesIO(content)).active.rows]


def is_formula(text: str) -> bool:
    """For a program that passes over spaces and quotes, and knows the wide signs."""
    return text.lstrip(' \t\r\n\u00a0"')[:1] in (*SIGNS,) if text.strip() else False


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_in_both_kinds_of_file(
    root: Client, make_delivery: MakeDelivery, home: Page, endpoint: Endpoint, text: str
) -> None:
    Page.objects.filter(pk=home.pk).update(title=text, draft_title=text)
    Endpoint.objects.filter(pk=endpoint.pk).update(name=text, host=text)
    make_delivery(page=Page.objects.get(pk=home.pk), event_type=text)

    (row,) = rows_of_csv(root)
    for column in ("About", "Endpoint", "Host", "Event type"):
        assert row[column].startswith("'")
        assert text.replace("\x01", "").strip("\r\n\t") in row[column]
    assert not [value for value in row.values() if is_formula(value)]

    heading, cells = rows_of_xlsx(root)
    assert {cell.data_type for cell in (*heading, *cells)} <= {"s", "n", "d", "inlineStr"}
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_control_characters_are_replaced_and_the_files_can_be_read(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    name = "bell\x07 start\x01 escape\x1b[31m delete\x7f c1\x85 half\ufffe"
    Endpoint.objects.filter(pk=endpoint.pk).update(name=name)
    make_delivery()
    shown = without_controls(name)
    assert without_controls("null\x00") == "null\N{REPLACEMENT CHARACTER}"  # in no database
    assert shown.count("\N{REPLACEMENT CHARACTER}") == 6
    assert rows_of_csv(root)[0]["Endpoint"] == shown
    assert shown in [cell.value for cell in rows_of_xlsx(root)[1]]


def test_neither_file_holds_content_secrets_or_a_path(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"})
    add_attempt(delivery, "ok", 200, "thanks, Ana Rivera")
    text = str(rows_of_csv(root)) + str(
        [[cell.value for cell in row] for row in rows_of_xlsx(root)]
    )
    assert delivery.message_id in text
    secret = endpoint.signing_secret
    for forbidden in ("Ana Rivera", "thanks", SECRET_PATH, SECRET_QUERY, secret.reveal(),
                      secret.token, endpoint.url.token):  # fmt: skip
        assert forbidden not in text


def test_both_files_have_the_same_rows_and_headings(
    root: Client, make_delivery: MakeDelivery
) -> None:
    wanted = {make_delivery("failed").message_id for _ in range(3)}
    make_delivery("succeeded")
    rows = rows_of_csv(root, status="failed")
    heading, *cells = rows_of_xlsx(root, status="failed")
    assert list(rows[0]) == [cell.value for cell in heading]
    assert len(heading) == len(DELIVERY_EXPORT)
    assert {row["Message id"] for row in rows} == {row[0].value for row in cells} == wanted


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_takes_for_a_formula_is_neutralised(text: str) -> None:
    assert as_text(text).startswith("'")


@pytest.mark.parametrize("between", [";", "\t", "\n", '; "', ";\u00a0"])
def test_a_formula_cannot_begin_a_cell_where_another_character_divides(between: str) -> None:
    """Where the comma is for decimals, a file of commas is divided at semicolons."""
    assert as_text(f"harmless{between}=1").endswith("'=1")


@pytest.mark.parametrize(
    "text",
    [
        "Grants & loans (2027)",
        "a-b",
        "1 + 1 = 2",
        "name@example.org",
        "O’Neill; Ana",
        "'quoted'",
        "",
    ],
)
def test_other_text_is_exported_as_it_is(text: str) -> None:
    assert as_text(text) == text


def test_an_export_asks_the_database_as_often_for_many_as_for_one(
    root: Client, make_delivery: MakeDelivery, home: Page, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        make_delivery(page=home)
    with django_assert_max_num_queries(16):
        assert len(rows_of_csv(root)) == 30
