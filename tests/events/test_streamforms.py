"""Forms of wagtailstreamforms, which stand on any page: through its own views, without code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from wagtail.models import Page
from wagtailstreamforms.models import Form, FormSubmission

from tests.conftest import make_endpoint
from wagtail_webhooks import forms
from wagtail_webhooks.admin.permissions import deliveries_for
from wagtail_webhooks.models import Delivery, Message, Subscription

from .conftest import draft, events, publish, the_only


pytestmark = pytest.mark.django_db


@pytest.fixture
def page(home: Page) -> Page:
    return publish(draft(home, "contact"))


@pytest.fixture
def form(page: Page) -> Form:
    make_endpoint("https://hooks.example.org/", "form.submitted")
    fields = [
        ("singleline", {"label": "Your name", "required": True}),
        ("checkboxes", {"label": "Topics", "choices": ["Grants", "Training"]}),
        ("date", {"label": "Born"}),
    ]
    return Form.objects.create(
        title="Contact",
        slug="contact",
        template_name="streamforms/form_block.html",
        fields=[{"type": kind, "value": value} for kind, value in fields],
        process_form_submission_hooks=["save_form_submission_data"],
    )


def submit(form: Form, page: Page, name: str = "Zoë") -> None:
    answers = {"your-name": name, "topics": ["Grants", "Training"], "born": "2001-02-03"}
    response = Client().post(page.url, {"form_id": form.pk, "form_reference": "1", **answers})
    assert response.status_code == 302
    assert FormSubmission.objects.exists()


def test_a_submission_is_told_without_code_in_the_site(form: Form, page: Page) -> None:
    submit(form, page)

    submission = FormSubmission.objects.get()
    assert the_only("form.submitted") == {
        "form": {
            "id": form.pk,
            "type": "wagtailstreamforms.form",
            "title": "Contact",
            "url": None,
        },
        "submission": {
            "id": submission.pk,
            "submitted_at": Message.objects.get().data["submission"]["submitted_at"],
        },
        "answers": [
            {"name": "your-name", "label": "Your name", "value": "Zoë"},
            {"name": "topics", "label": "Topics", "value": ["Grants", "Training"]},
            {"name": "born", "label": "Born", "value": "2001-02-03"},
        ],
    }
    assert Message.objects.get().page is None


def test_an_answer_that_is_refused_is_not_told(form: Form, page: Page) -> None:
    data = {"form_id": form.pk, "form_reference": "1", "your-name": ""}

    assert Client().post(page.url, data).status_code == 200
    assert events() == []


def test_a_subscription_to_a_part_of_the_site_is_told_of_no_such_form(
    form: Form, page: Page
) -> None:
    """It stands on no page in particular, and nothing widens a subscription."""
    Subscription.objects.all().delete()
    endpoint = make_endpoint("https://other.example.org/", "lead.*")
    endpoint.subscriptions.create(event_type="form.submitted", scope="subtree", page=page)
    Subscription.objects.update(created_at=timezone.now() - timedelta(hours=2))

    submit(form, page)
    FormSubmission.objects.update(submit_time=timezone.now() - timedelta(minutes=5))
    forms.emit_missing_submissions()

    assert events() == []


@pytest.mark.parametrize("whole_form", [True, False])
def test_deleting_it_or_its_form_erases_its_data_here(
    form: Form, page: Page, whole_form: bool
) -> None:
    submit(form, page, "Zebedee Quill")
    assert "Zebedee" in Message.objects.get().body

    form.delete() if whole_form else FormSubmission.objects.get().delete()

    assert Message.objects.get().body == ""
    assert Delivery.objects.get().reason == "erased"


def test_one_without_a_message_is_found_by_the_sweep_once(form: Form, page: Page) -> None:
    Subscription.objects.update(created_at=timezone.now() - timedelta(hours=2))
    submit(form, page)
    Message.objects.all().delete()  # as if the process had died between the two writes
    FormSubmission.objects.update(submit_time=timezone.now() - timedelta(minutes=5))

    for _ in range(2):
        forms.emit_missing_submissions()

    assert the_only("form.submitted")["answers"][0]["value"] == "Zoë"


def test_an_error_of_ours_does_not_reach_the_citizen(
    form: Form, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(forms, "submission_data", fail)

    submit(form, page)

    assert events() == []


def test_only_superusers_see_them_in_the_log(
    form: Form, page: Page, django_user_model: Any, admin_user: Any
) -> None:
    """Wagtail's own rule is about pages, and these are on none."""
    submit(form, page)

    assert deliveries_for(admin_user).count() == 1
    assert not deliveries_for(django_user_model.objects.create_user("ada")).exists()


def test_without_the_forms_of_wagtail_nothing_is_imported_from_them(
    form: Form, page: Page, django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their models would be registered under a wrong label."""
    is_installed: Callable[[str], bool] = forms.apps.is_installed
    monkeypatch.setattr(
        forms.apps, "is_installed", lambda n: n != "wagtail.contrib.forms" and is_installed(n)
    )
    for module in ("models", "utils"):
        monkeypatch.setitem(sys.modules, f"wagtail.contrib.forms.{module}", None)

    assert list(forms.submission_classes()) == [FormSubmission]
    submit(form, page)
    assert events() == ["form.submitted"]
    assert not deliveries_for(django_user_model.objects.create_user("ada")).exists()
