from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from wagtail.contrib.forms.models import FormSubmission
from wagtail.models import Page, Site

from tests.conftest import make_endpoint
from tests.foreign_forms.models import (
    NumberedFormField,
    NumberedFormPage,
    NumberedSubmission,
    PlainFormField,
    PlainFormPage,
    ProxyFormPage,
    ProxySubmission,
)
from wagtail_webhooks import forms
from wagtail_webhooks.models import Delivery, Message, Subscription
from wagtail_webhooks.testing import Received, Receiver, deliver_now


pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Page:
    return Site.objects.get(is_default_site=True).root_page


@pytest.fixture(params=[(PlainFormPage, PlainFormField), (NumberedFormPage, NumberedFormField)])
def form_page(request: Any, home: Page) -> Any:
    make_endpoint("https://hooks.example.org/", "form.submitted")
    page_class, field_class = request.param
    page = home.add_child(instance=page_class(title="Contact", slug="contact"))
    field_class.objects.create(page=page, label="Your name", field_type="singleline")
    field_class.objects.create(page=page, label="Born", field_type="date", required=False)
    return page


def submit(page: Any, name: str = "Zoë", **more: str) -> None:
    response = Client().post(page.url, {"your_name": name, "born": "2001-02-03", **more})
    assert response.status_code == 200


def test_any_form_page_sends_its_submissions_without_code_in_the_site(form_page: Any) -> None:
    submit(form_page)

    (message,) = Message.objects.all()
    submission = form_page.get_submission_class().objects.get()
    assert message.event_type == "form.submitted"
    assert message.page_id == form_page.pk
    assert message.source_label == submission._meta.label_lower
    assert message.source_pk == str(submission.pk)
    assert message.data["form"] == {
        "id": form_page.pk,
        "type": form_page._meta.label_lower,
        "title": "Contact",
        "url": form_page.full_url,
    }
    assert message.data["answers"] == [
        {"name": "your_name", "label": "Your name", "value": "Zoë"},
        {"name": "born", "label": "Born", "value": "2001-02-03"},
    ]
    assert message.data["submission"]["id"] == submission.pk


def test_a_form_that_nobody_subscribed_to_sends_nothing(form_page: Any) -> None:
    Subscription.objects.all().delete()

    submit(form_page)

    assert not Message.objects.exists()


def test_an_error_of_ours_does_not_reach_the_citizen(form_page: Any, monkeypatch: Any) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(forms, "submission_data", fail)

    submit(form_page)

    assert form_page.get_submission_class().objects.count() == 1


@pytest.mark.parametrize(
    "story",
    [
        "x" * 1_000_000,
        "\u202eevil\u2069 \U0001f388 مرحبا",
        "{{ 7*7 }} {% load x %} ${7*7} %(name)s {0.__class__}",
        '"},"type":"page.deleted","x":{"',
        "payload=1&token=forged",
    ],
)
def test_a_huge_or_odd_submission_is_stored_and_told_as_it_is(
    form_page: Any, receiver: Receiver, story: str
) -> None:
    """A9, A17: nothing in an answer is a template or a part of the envelope."""
    Subscription.objects.all().delete()
    fields = form_page.form_fields
    fields.model.objects.create(page=form_page, label="Story", field_type="multiline")
    for payload_format in ("standard", "form"):
        make_endpoint(receiver.url, "form.submitted", format=payload_format)
    submit(form_page, story=story)

    deliver_now()

    submission = form_page.get_submission_class().objects.get()
    assert submission.form_data["story"] == story
    message = Message.objects.get()
    if len(story) > 500_000:
        assert {delivery.reason for delivery in message.deliveries.all()} == {"too_large"}
        return
    sent = {_envelope(received) for received in receiver.received}
    assert sent == {message.body}
    assert json.loads(message.body)["data"]["answers"][2]["value"] == story
    assert json.loads(message.body)["type"] == "form.submitted"


def _envelope(received: Received) -> str:
    text = received.body.decode("ascii")
    return parse_qs(text)["payload"][0] if text.startswith("payload=") else text


def test_deleting_a_submission_erases_its_data_here(form_page: Any) -> None:
    submit(form_page, "Zebedee Quill")
    assert "Zebedee" in Message.objects.get().body

    form_page.get_submission_class().objects.get().delete()

    message = Message.objects.get()
    assert (message.body, message.erased_at is None) == ("", False)
    assert Delivery.objects.get().reason == "erased"


def test_a_submission_of_a_proxy_class_is_erased_with_its_page(home: Page) -> None:
    """The cascade deletes it under the name of its concrete class."""
    make_endpoint("https://hooks.example.org/", "form.submitted")
    page = home.add_child(instance=ProxyFormPage(title="Contact", slug="contact"))
    submission = ProxySubmission.objects.create(page=page, form_data={"name": "Zebedee Quill"})
    message = Message.objects.get()
    assert message.source_pk == str(submission.pk)

    page.delete()

    message.refresh_from_db()
    assert message.erased_at is not None
    assert Delivery.objects.get().reason == "erased"


def test_deleting_the_page_erases_its_submissions_data(form_page: Any) -> None:
    submit(form_page, "Zebedee Quill")

    form_page.delete()

    message = Message.objects.get()
    assert (message.body, message.page_id) == ("", None)


def test_a_submission_without_a_message_is_found_by_the_sweep_once(form_page: Any) -> None:
    Subscription.objects.update(created_at=timezone.now() - timedelta(hours=2))
    submit(form_page)
    Message.objects.all().delete()  # as if the process had died between the two writes
    submissions = form_page.get_submission_class().objects
    submissions.update(submit_time=timezone.now() - timedelta(minutes=5))

    for _ in range(2):
        forms.emit_missing_submissions()

    assert Message.objects.count() == 1
    assert Message.objects.get().data["answers"][0]["value"] == "Zoë"


def test_one_submission_that_cannot_be_told_does_not_keep_the_others_from_it(
    form_page: Any, monkeypatch: Any
) -> None:
    Subscription.objects.update(created_at=timezone.now() - timedelta(hours=2))
    for name in ("Ada", "Bea", "Cem"):
        submit(form_page, name)
    Message.objects.all().delete()
    submissions = form_page.get_submission_class().objects
    submissions.update(submit_time=timezone.now() - timedelta(minutes=5))
    sound = forms.submission_data

    def picky(submission: Any, page: Any) -> Any:
        if submission.form_data["your_name"] == "Ada":
            raise ValueError
        return sound(submission, page)

    monkeypatch.setattr(forms, "submission_data", picky)
    forms.emit_missing_submissions()

    told = {message.data["answers"][0]["value"] for message in Message.objects.all()}
    assert told == {"Bea", "Cem"}


def test_a_query_of_ours_that_fails_leaves_the_citizens_transaction_usable(
    form_page: Any, monkeypatch: Any
) -> None:
    def broken(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM a_table_that_is_not_there")

    monkeypatch.setattr(forms, "submission_data", broken)
    with transaction.atomic():
        submit(form_page)
        assert form_page.get_submission_class().objects.count() == 1


def test_the_sweep_does_not_report_submissions_from_before_the_subscription(
    form_page: Any,
) -> None:
    submit(form_page)
    Message.objects.all().delete()
    submissions = form_page.get_submission_class().objects
    submissions.update(submit_time=timezone.now() - timedelta(minutes=5))

    forms.emit_missing_submissions()

    assert not Message.objects.exists()


def test_a_fixture_that_is_loaded_sends_nothing(form_page: Any) -> None:
    model = form_page.get_submission_class()
    number = {"number": 1} if model is NumberedSubmission else {}
    row = model(page=form_page, form_data={}, submit_time=timezone.now(), **number)

    row.save_base(raw=True)

    assert not Message.objects.exists()
    assert model.objects.count() == 1
    assert {FormSubmission, NumberedSubmission} <= set(forms.submission_classes())
