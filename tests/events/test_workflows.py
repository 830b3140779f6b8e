from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from wagtail.models import Page, Workflow

from tests.conftest import make_endpoint
from tests.foreign_snippets.models import Notice
from wagtail_webhooks import signal_handlers
from wagtail_webhooks.models import Delivery, Endpoint, Message

from .conftest import draft, events, forget, live, the_only


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subscriber")]


@pytest.fixture
def workflow() -> Workflow:
    return Workflow.objects.get(name="Moderators approval")


def test_a_page_is_submitted_rejected_and_approved(
    home: Page, workflow: Workflow, admin_user: User
) -> None:
    page = live(home)
    revision = page.save_revision()

    state = workflow.start(page, admin_user)
    task = state.current_task_state.task
    assert the_only("workflow.submitted") == {
        "workflow": {"id": workflow.pk, "name": "Moderators approval"},
        "task": {"id": task.pk, "name": task.name},
        "revision": revision.pk,
        "page": Message.objects.get().data["page"],
        "snippet": None,
    }
    assert Message.objects.get().data["page"]["title"] == "Grant"
    assert Message.objects.get().page_id == page.pk

    forget()
    state.current_task_state.reject(user=admin_user, comment="Not so.")
    assert the_only("workflow.rejected")["task"]["id"] == task.pk
    assert "Not so." not in Message.objects.get().body

    forget()
    state.refresh_from_db()
    state.resume(user=admin_user)
    state.current_task_state.approve(user=admin_user)
    assert events() == ["page.published", "workflow.approved"]


def test_a_page_is_public_when_its_first_approval_is_told(
    home: Page, workflow: Workflow, admin_user: User
) -> None:
    page = draft(home)
    page.save_revision()
    workflow.start(page, admin_user).current_task_state.approve(user=admin_user)

    submitted = Message.objects.get(event_type="workflow.submitted").data["page"]
    approved = Message.objects.get(event_type="workflow.approved").data["page"]
    assert (submitted["title"], submitted["url"]) == (None, None)
    assert (approved["title"], approved["url"]) == ("Grant", "http://localhost/grant/")


def test_the_editor_submits_and_approves(
    home: Page, workflow: Workflow, admin_client: Client
) -> None:
    page = draft(home)
    page.save_revision()
    edit = reverse("wagtailadmin_pages:edit", args=[page.pk])
    fields = {"title": "Grant", "slug": "grant"}
    fields |= {"comments-TOTAL_FORMS": "0", "comments-INITIAL_FORMS": "0"}
    assert admin_client.post(edit, {**fields, "action-submit": "1"}).status_code == 302
    assert events() == ["workflow.submitted"]

    state = page.current_workflow_state.current_task_state
    approve = reverse("wagtailadmin_pages:workflow_action", args=[page.pk, "approve", state.pk])
    assert admin_client.post(approve, {"comment": ""}).status_code == 302
    assert events() == ["workflow.submitted", "page.published", "workflow.approved"]


def test_a_snippet_passes_a_workflow(workflow: Workflow, admin_user: User) -> None:
    notice = Notice.objects.create(headline="Closed on Monday", live=False)
    notice.save_revision()

    workflow.start(notice, admin_user).current_task_state.approve(user=admin_user)

    assert events() == ["workflow.submitted", "snippet.published", "workflow.approved"]
    approved = Message.objects.get(event_type="workflow.approved")
    assert approved.data["page"] is None
    assert approved.data["snippet"]["title"] == "Closed on Monday"
    assert approved.page is None


def test_a_subscription_to_a_part_of_the_site_is_told_of_its_pages_only(
    home: Page, workflow: Workflow, admin_user: User
) -> None:
    section, other = live(home, "section"), live(home, "other")
    Endpoint.objects.all().delete()
    endpoint = make_endpoint("https://hooks.example.org/", "lead.*")
    endpoint.subscriptions.create(event_type="workflow.*", scope="subtree", page=section)
    for page in (section, other):
        page.save_revision()
        workflow.start(page, admin_user)

    assert Delivery.objects.get().message.page_id == section.pk


def test_a_cancelled_workflow_is_not_told(home: Page, workflow: Workflow, admin_user: User) -> None:
    page = live(home)
    page.save_revision()
    state = workflow.start(page, admin_user)
    forget()

    state.cancel(user=admin_user)

    assert events() == []


def test_a_rolled_back_submission_is_none(home: Page, workflow: Workflow, admin_user: User) -> None:
    page = live(home)
    page.save_revision()
    with pytest.raises(RuntimeError), transaction.atomic():
        workflow.start(page, admin_user)
        assert events() == ["workflow.submitted"]
        raise RuntimeError

    assert events() == []


def test_an_error_of_ours_does_not_reach_the_editor(
    home: Page, workflow: Workflow, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(signal_handlers, "mention", fail)
    page = draft(home)
    page.save_revision()

    workflow.start(page, admin_user).current_task_state.approve(user=admin_user)

    assert Page.objects.get(pk=page.pk).live
    assert events() == ["page.published"]
