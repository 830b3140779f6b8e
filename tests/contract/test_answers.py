"""The schema of a form's answers, against what its page really sends."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from django import forms
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wagtail.contrib.forms.models import FORM_FIELD_CHOICES
from wagtail.models import Page, Site
from wagtailstreamforms.models import Form

from tests.conftest import make_endpoint
from tests.contract.schemas import complaints, validator_of
from tests.factories import make_opportunity
from tests.foreign_forms.models import PlainFormField, PlainFormPage
from wagtail_webhooks.contract import EventContract, contract_of
from wagtail_webhooks.contract.answers import answers_of, schema_of
from wagtail_webhooks.events import Event
from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.opportunities.models import OpportunityFormField, OpportunityPage
from wagtail_webhooks.payloads.standard import StandardJSON


CHOICES = "Red, Green\nBlue"

#: For each of Wagtail's kinds of field: what a browser sends, and what it says when it is empty.
FILLED: dict[str, Any] = {
    "singleline": "Ana Ríos",
    "multiline": "One\nTwo",
    "email": "ana@example.org",
    "number": "12.50",
    "url": "https://example.org/a?b=c",
    "checkbox": "on",
    "checkboxes": ["Red, Green", "Blue"],
    "dropdown": "Blue",
    "multiselect": ["Blue"],
    "radio": "Red, Green",
    "date": "2026-11-24",
    "datetime": "2026-11-24T09:30",
    "hidden": "campaign-7",
}
TYPES: dict[str, Any] = {
    "singleline": {"type": "string", "minLength": 1, "maxLength": 255},
    "multiline": {"type": "string", "minLength": 1},
    "email": {"type": "string", "minLength": 1, "format": "idn-email"},
    "number": {"type": "string"},
    "url": {"type": "string", "minLength": 1, "format": "iri"},
    "checkbox": {"const": True},
    "checkboxes": {"type": "array", "minItems": 1},
    "dropdown": {"type": "string", "enum": ["Red, Green", "Blue"]},
    "multiselect": {"type": "array", "minItems": 1},
    "radio": {"type": "string", "enum": ["Red, Green", "Blue"]},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "hidden": {"type": "string", "minLength": 1},
}
#: Nobody can fill in what they do not see: opportunities require none.
NEVER_REQUIRED = {(OpportunityPage, "hidden")}
KINDS = [name for name, _label in FORM_FIELD_CHOICES]


def fields_for(model: Any, required: bool) -> list[Any]:
    return [
        model(label=kind, field_type=kind, required=required, choices=CHOICES, sort_order=number)
        for number, kind in enumerate(KINDS)
    ]


def make_page(model: Any, field: Any, required: bool, title: str = "All kinds") -> Any:
    page = model(title=title, slug=f"all-kinds-{required}")
    page.form_fields = fields_for(field, required)
    Site.objects.get(is_default_site=True).root_page.add_child(instance=page)
    return page


PAGES = [(OpportunityPage, OpportunityFormField), (PlainFormPage, PlainFormField)]


@pytest.fixture
def everything(db: None) -> Endpoint:
    return make_endpoint("https://hooks.example.org/x")


def contract_for(endpoint: Endpoint, name: str) -> EventContract:
    return {each.type.name: each for each in contract_of(endpoint).events}[name]


def send(page: Page, data: dict[str, Any]) -> Message:
    Message.objects.all().delete()
    response = Client().post(page.url, data)
    assert response.status_code in (200, 302)
    return Message.objects.get()


def test_the_table_knows_every_kind_that_wagtail_has() -> None:
    assert set(FILLED) == set(TYPES) == set(KINDS)


@pytest.mark.parametrize("model, field", PAGES)
@pytest.mark.parametrize("required", [True, False])
def test_what_every_kind_of_field_sends_is_what_its_schema_says(
    everything: Endpoint, model: Any, field: Any, required: bool
) -> None:
    page = make_page(model, field, required)
    for data in (FILLED, *([{}] if not required else [])):
        message = send(page, data)
        contract = contract_for(everything, message.event_type)
        assert complaints(json.loads(message.body), contract.envelope) == []
        assert len(message.data["answers"]) == len(KINDS)


@pytest.mark.parametrize("model, field", PAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_another_kind_is_no_answer(
    everything: Endpoint, model: Any, field: Any, kind: str
) -> None:
    """Else the schema would be one that anything fits."""
    body = json.loads(send(make_page(model, field, True), FILLED).body)
    contract = contract_for(everything, body["type"])
    schema = validator_of(contract.envelope)
    (answer,) = [each for each in body["data"]["answers"] if each["name"] == kind]
    may_be_empty = (model, kind) in NEVER_REQUIRED
    for wrong in (None, 7, {}, [], [7], [""], False, *([] if may_be_empty else [""])):
        answer["value"] = wrong
        assert complaints(body, schema), f"{wrong!r} is accepted"
    answer["value"] = ""
    assert bool(complaints(body, schema)) is not may_be_empty
    if not may_be_empty:
        body["data"]["answers"].remove(answer)
        assert complaints(body, schema), "it may be missing"


@pytest.mark.parametrize("model, field", PAGES)
def test_each_kind_has_the_type_that_the_table_says(db: None, model: Any, field: Any) -> None:
    form = make_page(model, field, True).get_form()
    for kind in KINDS:
        schema, wanted = schema_of(form.fields[kind]), dict(TYPES[kind])
        if (model, kind) in NEVER_REQUIRED:
            assert wanted.pop("minLength") and "minLength" not in schema
        assert {key: schema[key] for key in wanted} == wanted


@pytest.mark.parametrize("model, field", PAGES)
@pytest.mark.parametrize("required", [True, False])
def test_the_example_has_the_names_of_the_form_and_fits_its_schema(
    everything: Endpoint, model: Any, field: Any, required: bool
) -> None:
    page = make_page(model, field, required)
    name = send(page, FILLED).event_type
    contract = contract_for(everything, name)
    example = json.loads(contract.example().body)
    assert [answer["name"] for answer in example["data"]["answers"]] == KINDS
    assert complaints(example, contract.envelope) == []


def test_another_form_of_the_same_type_is_not_bound_to_these_answers(
    everything: Endpoint,
) -> None:
    page = make_opportunity(title="Known")
    other = make_opportunity(title="Another", live=False)
    contract = contract_for(everything, "lead.submitted")
    data = page.get_lead_data(_Lead())
    assert complaints(_body(data), contract.envelope) != []  # its required answers are missing
    assert complaints(_body(other.get_lead_data(_Lead())), contract.envelope) == []


class _Lead:
    reference, submit_time, language, form_data = "R", "2026-11-24T09:30:00Z", "en", {"a": 1}
    consent_text = None


def _body(data: Any) -> Any:
    moment = datetime.fromisoformat("2026-11-24T09:30:00+00:00")
    event = Event("msg_01K9Z3T5Q8R7M2X4V6B0C1D2E3", "lead.submitted", moment, data)
    return json.loads(StandardJSON().render(event).body)


# -- Any input ---------------------------------------------------------------------------------

inputs = {
    "singleline": st.text(max_size=40),
    "multiline": st.text(max_size=80),
    "email": st.emails() | st.just("") | st.just("ana@bücher.example"),
    "number": st.decimals(allow_nan=True).map(str)
    | st.sampled_from(["1_000", ".5", "１２", "1E+3"]),
    "url": st.sampled_from(["example.org", "https://bücher.example/ñ?q=á", "ftp://x.example/", ""]),
    "checkbox": st.sampled_from(["on", "", "false"]),
    "checkboxes": st.lists(st.sampled_from(["Red, Green", "Blue", "Black"])),
    "dropdown": st.sampled_from(["Blue", "", "Black"]),
    "multiselect": st.lists(st.sampled_from(["Blue", "Blue", "Red, Green"])),
    "radio": st.sampled_from(["Red, Green", ""]),
    # In years before time zones were agreed on, offsets have seconds, which RFC 3339 has not.
    "date": st.dates(min_value=date(1, 1, 1)).map(str) | st.just(""),
    "datetime": st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(9000, 1, 1)).map(
        lambda value: value.isoformat(timespec="seconds")
    ),
    "hidden": st.text(max_size=10),
}


@pytest.mark.parametrize("required", [True, False])
def test_whatever_the_form_accepts_its_schema_accepts(everything: Endpoint, required: bool) -> None:
    page = make_page(OpportunityPage, OpportunityFormField, required)
    schema = validator_of(contract_for(everything, "lead.submitted").envelope)

    @hypothesis_settings(
        max_examples=40,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.fixed_dictionaries(inputs))
    def check(data: dict[str, Any]) -> None:
        answers = {**FILLED, **data} if required else data
        form = page.get_form(answers, page=page, user=None)
        if not form.is_valid():  # what is refused is not sent; the rest may still be
            answers = {**answers, **{name: FILLED[name] for name in form.errors}}
            form = page.get_form(answers, page=page, user=None)
            assert form.is_valid(), form.errors
        lead = _Lead()
        lead.form_data = form.cleaned_data
        assert complaints(_body(page.get_lead_data(lead)), schema) == []

    check()


# -- Fields that a site adds -------------------------------------------------------------------


class _Shouting(forms.CharField):
    def clean(self, value: Any) -> Any:
        return {"loud": super().clean(value).upper()}


class _Changed(forms.Form):
    plain = forms.CharField()

    def clean_plain(self) -> int:
        return len(self.cleaned_data["plain"])


@pytest.mark.parametrize(
    "field, filled",
    [
        (forms.IntegerField(required=False), "7"),
        (forms.IntegerField(required=False), ""),
        (forms.FloatField(), "1.5"),
        (forms.NullBooleanField(), "unknown"),
        (forms.TimeField(), "09:30"),
        (forms.DurationField(), "3 days"),
        (forms.UUIDField(), "5f0c1f6e-2f5b-4a55-9d36-0a5a4f1f9d1c"),
        (forms.UUIDField(required=False), ""),
        (forms.JSONField(), '{"a": [1]}'),
        (forms.GenericIPAddressField(), "::1"),
        (forms.SlugField(min_length=30, max_length=60), "s" * 30),
        (forms.CharField(required=False, empty_value=None), ""),
        (forms.ChoiceField(choices=[("Group", [("a", "A"), ("b", "B")]), ("c", "C")]), "b"),
        (forms.TypedChoiceField(choices=[("1", "One")], coerce=int), "1"),
        (forms.TypedMultipleChoiceField(choices=[("1", "One")], coerce=int), ["1"]),
        (_Shouting(), "hello"),
    ],
)  # fmt: skip
def test_a_sites_own_field_is_described_rightly_or_not_at_all(field: Any, filled: Any) -> None:
    form_class = type("Form", (forms.Form,), {"extra": field})
    (answer,) = answers_of(form_class(), [("extra", "Extra")])
    form = form_class({"extra": filled})
    assert form.is_valid(), form.errors
    value = json.loads(StandardJSON().render(_event(form.cleaned_data["extra"])).body)["data"]
    assert complaints(value, answer.schema) == []
    assert complaints(answer.example, answer.schema) == []


def _event(data: Any) -> Event:
    return Event(
        "msg_1", "form.submitted", datetime.fromisoformat("2026-11-24T09:30:00+00:00"), data
    )


def test_of_what_a_form_changes_itself_nothing_is_promised() -> None:
    (answer,) = answers_of(_Changed(), [("plain", "Plain")])
    assert answer.schema == {}


def test_a_form_that_cannot_be_drawn_up_is_described_without_answers(
    everything: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = make_opportunity()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a citizen's words")

    monkeypatch.setattr(OpportunityPage, "get_form", fail)

    contract = contract_for(everything, "lead.submitted")

    assert [shape.answers for shape in contract.forms] == [()]
    assert complaints(_body(page.get_lead_data(_Lead())), contract.envelope) == []
    assert f"page {page.pk} was not described (ValueError)" in caplog.text
    assert "citizen" not in caplog.text


# -- wagtailstreamforms ------------------------------------------------------------------------


def test_forms_that_stand_on_any_page_belong_to_the_whole_site(
    everything: Endpoint,
) -> None:
    form = Form.objects.create(
        title="Contact",
        slug="contact",
        template_name="streamforms/form_block.html",
        fields=[{"type": "singleline", "value": {"label": "Your name", "required": True}}],
    )
    part = Endpoint.objects.create(name="Part", url="https://hooks.example.org/y")
    home = Site.objects.get(is_default_site=True).root_page
    part.subscriptions.create(event_type="form.submitted", scope="subtree", page=home)

    (shape,) = contract_for(everything, "form.submitted").forms

    assert shape.identity == {"id": form.pk, "type": "wagtailstreamforms.form"}
    assert [(each.name, each.label) for each in shape.answers] == [("your-name", "Your name")]
    example = json.loads(contract_for(everything, "form.submitted").example().body)
    assert complaints(example, contract_for(everything, "form.submitted").envelope) == []
    assert contract_for(part, "form.submitted").forms == ()
