"""Submissions of any Wagtail form page become ``form.submitted``, without code in the site.

Wagtail has no signal for a submission, and many sites override how it is saved; what all of them
do is to save a row of the page's submission class.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from . import outbox
from .models import Subscription
from .outbox import Occurrence


SUBMITTED = "form.submitted"

#: How far back the sweep looks for submissions without a message, and from what age on.
LOOK_BACK = timedelta(days=1)
GRACE = timedelta(seconds=30)


def connect() -> None:
    """Listen to every submission class of the site; call it when all models are loaded."""
    for model in submission_classes():
        uid = f"wagtail_webhooks.{model._meta.label_lower}"
        pre_delete.connect(on_submission_deleted, sender=model, dispatch_uid=f"{uid}.deleted")
        # One that tells of itself, in its own transaction, must not be told of twice.
        if not getattr(model, "emits_own_event", False):
            post_save.connect(on_submission_saved, sender=model, dispatch_uid=f"{uid}.saved")
    if emit_missing_submissions not in outbox.reconcilers:
        outbox.reconcilers.append(emit_missing_submissions)


def submission_classes() -> Iterator[type[Model]]:
    # Importing these models without the app would register them under a wrong label.
    if not apps.is_installed("wagtail.contrib.forms"):
        return
    from wagtail.contrib.forms.models import AbstractFormSubmission

    for model in apps.get_models():
        if issubclass(model, AbstractFormSubmission):
            yield model


def on_submission_saved(
    sender: type[Model], *, instance: Any, created: bool, raw: bool = False, **kwargs: Any
) -> None:
    if not created or raw:
        return
    with outbox.harmless("Submission %s was not told", submission_key(instance)):
        _emit(instance)


def on_submission_deleted(sender: type[Model], *, instance: Any, **kwargs: Any) -> None:
    """Deleting a submission erases its data here, in the same transaction where there is one.

    An error is not caught: a deletion that left copies behind would be a lie.
    """
    outbox.erase(instance)


def submission_data(submission: Any, page: Any) -> dict[str, Any]:
    answers = submission.get_data()
    answers.pop("submit_time", None)
    return {
        "form": {"id": page.pk, "title": page.title, "url": page.full_url},
        "submission": {"id": submission.pk, "submitted_at": submission.submit_time},
        "answers": [
            {"name": name, "label": label, "value": answers[name]}
            for name, label in page.get_data_fields()
            if name in answers
        ],
    }


def submission_key(submission: Any) -> str:
    return f"{submission._meta.label_lower}:{submission.pk}"


def emit_missing_submissions() -> None:
    """Report submissions of the last day that have no message: the process died in between."""
    covered = Subscription.objects.coverage(SUBMITTED, time="submit_time", path="page__path")
    if covered is None:
        return
    now = timezone.now()
    for model in submission_classes():
        if getattr(model, "emits_own_event", False):
            continue
        recent = model._default_manager.filter(
            covered, submit_time__gt=now - LOOK_BACK, submit_time__lt=now - GRACE
        ).select_related("page")
        submissions = {submission_key(submission): submission for submission in recent}
        for key in outbox.unseen(SUBMITTED, submissions):
            # One by one: the next may be sound.
            with outbox.harmless("Submission %s was not told", key):
                _emit_late(submissions[key])


def _emit_late(submission: Any) -> None:
    # Locked and read once more: one that was deleted meanwhile is to be forgotten.
    there = type(submission)._default_manager.select_for_update().filter(pk=submission.pk).first()
    if there is not None:
        _emit(there, late_since=submission.submit_time)


def _emit(submission: Any, late_since: datetime | None = None) -> None:
    page = submission.page.specific
    # A draft of a form in several steps is stored under another class than the real thing.
    if page.get_submission_class() is type(submission):
        outbox.record(
            Occurrence(
                SUBMITTED,
                submission_data(submission, page),
                page,
                submission,
                key=submission_key(submission),
                late_since=late_since,
            )
        )
