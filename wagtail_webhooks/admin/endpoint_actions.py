"""Reveal, rotate, pause, resume, archive and restore."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin import messages
from wagtail.log_actions import log

from wagtail_webhooks import audit, incidents, queue
from wagtail_webhooks.exceptions import SecretUnavailable
from wagtail_webhooks.models.deliveries import Reason
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.scrub import Unlogged

from . import orders
from .actions import ActionView
from .badges import hold_of
from .forms import SecretField
from .permissions import CHANGE_ENDPOINT, REVEAL_SECRET
from .secrecy import never_in_reports


class _ShowsSecret(ActionView):
    """Shows a secret in the answer to a POST: never by GET, in a redirect, or in a cookie."""

    secret_template_name = "wagtail_webhooks/admin/secret.html"  # noqa: S105

    def show(self, secret: str) -> HttpResponseBase:
        self.template_name = self.secret_template_name
        response = self.render_to_response(self.get_context_data(secret=Unlogged(secret)))
        response["Cache-Control"] = "no-store"
        return response


@never_in_reports
class RevealSecretView(_ShowsSecret):
    page_title = _("Signing secret")
    permissions = (REVEAL_SECRET,)
    log_action = "wagtail_webhooks.reveal_secret"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            secret = self.object.signing_secret.reveal()
        except SecretUnavailable:
            messages.error(
                request,
                _("The secret can no longer be decrypted. Rotate it, or tell your webmaster."),
            )
            return redirect(self.get_next_url())
        log(self.object, self.log_action, user=request.user)
        return self.show(secret)


class RotateForm(forms.Form):
    signing_secret = SecretField(
        label=_("New signing secret"),
        required=False,
        initial="",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Leave this empty to have one generated, which is then shown to you once."),
    )


@never_in_reports
class RotateSecretView(_ShowsSecret):
    page_title = _("Rotate secret")
    permissions = (CHANGE_ENDPOINT,)
    log_action = "wagtail_webhooks.rotate_secret"
    question = _("Replace the signing secret by a new one?")
    notes = (
        _("For 24 hours requests are signed with the old secret too, so that the receiver can "
          "change over without losing any."),
        _("Give the new secret to the receiver’s people within that time."),
    )  # fmt: skip
    button_label = _("Rotate the secret")
    key_note = _(
        "Its Ed25519 key pair is replaced as well. Receivers that fetch the public keys from this "
        "site need nothing; others need the new public key, which the endpoint’s page shows."
    )
    success_message = _("“%(object)s” has a new signing secret.")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = RotateForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        typed = form.cleaned_data["signing_secret"]
        self.object.rotate(typed or None)
        log(self.object, self.log_action, user=request.user)
        if hold_of(self.object) == HoldReason.SECRET:
            incidents.release(self.object.pk)
            queue.wake_on_commit()
        if not typed:
            return self.show(self.object.signing_secret.reveal())
        messages.success(request, self.success_message % {"object": self.object})
        return redirect(self.get_next_url())

    def get_notes(self) -> list[Any]:
        return [*self.notes, *([self.key_note] if self.object.private_key else [])]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", RotateForm())
        return super().get_context_data(is_rotated="secret" in kwargs, **kwargs)


class PauseView(ActionView):
    page_title = _("Pause")
    permissions = (CHANGE_ENDPOINT,)
    log_action = "wagtail_webhooks.pause"
    question = _("Send nothing to this endpoint until somebody resumes it?")
    notes = (_("Nothing is lost: what happens meanwhile waits and is sent afterwards."),)
    button_label = _("Pause the endpoint")
    success_message = _("“%(object)s” is paused. What happens meanwhile waits.")

    def perform(self) -> bool:
        incidents.release(self.object.pk)  # a pause replaces whatever it was held for
        incidents.hold(self.object.pk, HoldReason.PAUSED, timezone.now())
        return True


class ResumeView(ActionView):
    page_title = _("Resume")
    permissions = (CHANGE_ENDPOINT,)
    log_action = "wagtail_webhooks.resume"
    question = _("Send to this endpoint again?")
    notes = (_("What is waiting is sent at once."),)
    button_label = _("Resume the endpoint")
    success_message = _("“%(object)s” is sent to again.")

    def perform(self) -> bool:
        incidents.release(self.object.pk)
        queue.wake_on_commit()
        return True


class PendingForm(forms.Form):
    """What is to become of the deliveries that wait."""

    SEND, KEEP, CANCEL = "send", "keep", "cancel"

    pending = forms.ChoiceField(
        label=_("What is waiting"),
        choices=[
            (SEND, _("is still sent")),
            (KEEP, _("goes on waiting: it is sent once the endpoint is restored and resumed")),
            (CANCEL, _("is cancelled: the receiver will not get it")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what is to become of what is waiting.")},
    )


class ArchiveView(ActionView):
    page_title = _("Archive")
    permissions = (CHANGE_ENDPOINT,)
    form: PendingForm
    log_action = "wagtail_webhooks.archive"
    question = _("Archive this endpoint?")
    notes = (
        _("It gets no new deliveries, also from pages that name it. Its log stays, and it can be "
          "restored."),
    )  # fmt: skip
    button_label = _("Archive the endpoint")
    success_message = _("“%(object)s” is archived.")
    order_message = _(
        "“%(object)s” is archived. What waits there is cancelled batch by batch; the log shows how "
        "far. Until somebody restores and resumes the endpoint nothing is sent to it."
    )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.form = PendingForm(request.POST if self.waiting_count else None)
        if self.waiting_count and not self.form.is_valid():
            return self.render_to_response(self.get_context_data(form=self.form))
        return super().post(request, *args, **kwargs)

    def perform(self) -> bool:
        choice = self.form.cleaned_data["pending"] if self.form.is_bound else PendingForm.SEND
        self.object.archive()
        if choice == PendingForm.KEEP:
            incidents.hold(self.object.pk, HoldReason.PAUSED, timezone.now())
        elif choice == PendingForm.CANCEL:
            self._cancel()
        return True

    def _cancel(self) -> None:
        if self.waiting_count > orders.BATCH:
            # Held, or some would still be sent before the worker comes to them.
            incidents.hold(self.object.pk, HoldReason.PAUSED, timezone.now())
            query = QueryDict(f"endpoint={self.object.pk}")
            orders.place(orders.Action.ABANDON, query, self.request.user, self.waiting_count)
            self.success_message = self.order_message
            return
        count = self.object.deliveries.cancel(Reason.PERSON, timezone.now())
        audit.cancelled({self.object.pk: count}, self.request.user)

    @cached_property
    def waiting_count(self) -> int:
        return int(self.object.deliveries.open().count())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.waiting_count:
            kwargs.setdefault("form", PendingForm())
        return super().get_context_data(**kwargs)

    def get_notes(self) -> list[Any]:
        if not self.waiting_count:
            return super().get_notes()
        still = ngettext(
            "%(count)d delivery is waiting for it.",
            "%(count)d deliveries are waiting for it.",
            self.waiting_count,
        )
        return [*super().get_notes(), still % {"count": self.waiting_count}]


class RestoreView(ActionView):
    page_title = _("Restore")
    permissions = (CHANGE_ENDPOINT,)
    log_action = "wagtail_webhooks.restore"
    question = _("Take this endpoint back into use?")
    notes = (_("What happened while it was archived is not sent afterwards."),)
    button_label = _("Restore the endpoint")
    success_message = _("“%(object)s” is in use again.")

    def perform(self) -> bool:
        self.object.archived_at = None
        self.object.save(update_fields=["archived_at"])
        return True
