"""Submissions of any Wagtail form become ``form.submitted``, without code in the site.

Wagtail has no signal for a submission, and many sites override how it is saved; what all of them
do is to save a row of the form's submission class. So does wagtailstreamforms, whose forms are no
pages but stand on any.
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
    for model in apps.get_models():
        if _is_of_a_page(model) or _is_of_streamforms(model):
            yield model


def _is_of_a_page(model: type[Model]) -> bool:
    # Importing these models without the app would register them under a wrong label.
    if not apps.is_installed("wagtail.contrib.forms"):
        return False
    from wagtail.contrib.forms.models import AbstractFormSubmission

    return issubclass(model, AbstractFormSubmission)


def _is_of_streamforms(model: type[Model]) -> bool:
    if not apps.is_installed("wagtailstreamforms"):
        return False
    return issubclass(model, apps.get_model("wagtailstreamforms", "FormSubmission"))


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


def submission_data(submission: Any, form: Any) -> dict[str, Any]:
    answers = submission.get_data()
    answers.pop("submit_time", None)
    return {
        "form": {
            "id": form.pk,
            "type": form._meta.label_lower,
            "title": form.title,
            "url": getattr(form, "full_url", None),
        },
        "submission": {"id": submission.pk, "submitted_at": submission.submit_time},
        "answers": [
            {"name": name, "label": label, "value": answers[name]}
            for name, label in form.get_data_fields()
            if name in answers
        ],
    }


def submission_key(submission: Any) -> str:
    return f"{submission._meta.label_lower}:{submission.pk}"


def emit_missing_submissions() -> None:
    """Report submissions of the last day that have no message: the process died in between."""
    for model in submission_classes():
        if not getattr(model, "emits_own_event", False):
            _emit_missing(model)


def _emit_missing(model: type[Model]) -> None:
    path = "page__path" if _is_of_a_page(model) else None
    covered = Subscription.objects.coverage(SUBMITTED, time="submit_time", path=path)
    if covered is None:
        return
    now = timezone.now()
    recent = model._default_manager.filter(
        covered, submit_time__gt=now - LOOK_BACK, submit_time__lt=now - GRACE
    )
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
    page = submission.page.specific if _is_of_a_page(type(submission)) else None
    # A draft of a form in several steps is stored under another class than the real thing.
    if page is not None and page.get_submission_class() is not type(submission):
        return
    outbox.record(
        Occurrence(
            SUBMITTED,
            submission_data(submission, page or submission.form),
            page,
            submission,
            key=submission_key(submission),
            late_since=late_since,
        )
    )
