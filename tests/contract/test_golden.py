"""What receivers were promised stays as it is."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from tests.contract import golden
from tests.contract.schemas import complaints
from wagtail_webhooks.contract import VERSION
from wagtail_webhooks.contract.schemas import envelope_schema
from wagtail_webhooks.events import event_types


EXAMPLES = dict(golden.examples())


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_bytes_of_each_event_type_in_each_format_are_those_of_the_version(name: str) -> None:
    path = golden.folder() / name
    assert path.exists(), f"{name} is new: python -m tests.contract.golden writes it"
    assert EXAMPLES[name] == path.read_bytes(), golden.HELP.format(name=name, version=VERSION)


def test_no_event_type_and_no_format_has_left_the_version() -> None:
    kept = {path.name for path in golden.folder().iterdir()}
    assert kept == set(EXAMPLES), "receivers of what is gone are not told: that is a new version"


def test_a_receivers_bytes_do_not_depend_on_the_language_of_whoever_asks() -> None:
    with translation.override("es"):
        assert dict(golden.examples()) == EXAMPLES


@pytest.mark.parametrize("name", sorted(name for name in EXAMPLES if name.endswith(".standard")))
def test_each_example_fits_the_schema_of_its_type_with_nothing_besides(name: str) -> None:
    event_type = event_types()[name.removesuffix(".standard")]
    body = json.loads(EXAMPLES[name])
    assert event_type.schema is not None, "receivers are promised nothing of it"
    assert complaints(body, envelope_schema(event_type)) == []
    assert complaints(body["data"], event_type.schema) == []
    assert event_type.schema["additionalProperties"] is False, "what is not described would pass"


def test_a_loss_is_noticed_and_an_addition_is_none() -> None:
    old = {"a": 1, "b": {"c": "x"}, "d": [{"e": True}]}
    assert list(golden.losses(old, {**old, "new": 1})) == []
    assert list(golden.losses(old, {"a": "1", "b": {}, "d": [{"e": 1}]})) == [
        ".a was int and is str",
        ".b.c is gone",
        ".d[0].e was bool and is int",
    ]
