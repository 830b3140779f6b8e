"""What became of a delivery, for an editor who knows no HTTP, and who must act now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.models.states import HoldReason

from . import slack
from .texts import ASK_WEBMASTER


if TYPE_CHECKING:
    from .texts import Text


@dataclass(frozen=True)
class Explanation:
    sentence: str
    action: str


_ASK_RECEIVER = gettext_lazy("Ask the people who run the receiver.")
_ENTER_URL = gettext_lazy("Ask the receiver’s people for its present URL and enter it here.")

_ANSWERS: dict[int, tuple[Text, Text]] = {
    401: (
        gettext_lazy("The receiver refused the request: the secret may have been changed there."),
        gettext_lazy("Ask the people who run the receiver to check the secret."),
    ),
    404: (gettext_lazy("The receiver does not know this URL: it may have moved."), _ENTER_URL),
    410: (
        gettext_lazy("The receiver says that this URL is gone for good."),
        _ENTER_URL,
    ),
    413: (gettext_lazy("The receiver found the message too large."), _ASK_RECEIVER),
    429: (
        gettext_lazy("The receiver had more requests than it takes at a time."),
        gettext_lazy("Nobody must act, unless this goes on: then allow fewer requests at once."),
    ),
}
_ANSWERS[403] = _ANSWERS[401]

_OUTCOMES: dict[str, tuple[Text, Text]] = {
    Outcome.BLOCKED: (
        gettext_lazy("This site is not allowed to call the receiver’s address."),
        ASK_WEBMASTER,
    ),
    Outcome.DNS: (
        gettext_lazy("The receiver’s host name was not found."),
        gettext_lazy("Check the endpoint’s URL, or ask the people who run the receiver."),
    ),
    Outcome.CONNECT: (
        gettext_lazy("The receiver could not be reached: it may be switched off."),
        _ASK_RECEIVER,
    ),
    Outcome.TLS: (
        gettext_lazy(
            "No secure connection could be made: the receiver’s certificate may have expired."
        ),
        _ASK_RECEIVER,
    ),
    Outcome.TIMEOUT: (
        gettext_lazy("The receiver did not answer in time."),
        _ASK_RECEIVER,
    ),
    Outcome.RESET: (
        gettext_lazy("The receiver broke the connection off before it answered."),
        _ASK_RECEIVER,
    ),
    Outcome.PROTOCOL: (
        gettext_lazy("The receiver’s answer could not be understood."),
        _ASK_RECEIVER,
    ),
    Outcome.RENDER: (
        gettext_lazy("The message could not be written in the endpoint’s format."),
        ASK_WEBMASTER,
    ),
    Outcome.INTERNAL: (gettext_lazy("Something went wrong on this site."), ASK_WEBMASTER),
}

_HOLDS: dict[str, tuple[Text, Text]] = {
    HoldReason.FAILING: (
        gettext_lazy(
            "Held: the receiver has failed for a day. It is tried again at least once an hour, "
            "and everything that waits is sent once it works."
        ),
        _ASK_RECEIVER,
    ),
    HoldReason.GONE: (
        gettext_lazy("Held: the receiver says that this URL is gone for good."),
        _ENTER_URL,
    ),
    HoldReason.SECRET: (
        gettext_lazy("Held: the endpoint’s secret or URL can no longer be read."),
        gettext_lazy("Tell your webmaster, or enter the URL anew and rotate the secret."),
    ),
    HoldReason.URL: (
        gettext_lazy("Held: the endpoint’s URL is not allowed on this site."),
        gettext_lazy("Enter another URL, or ask your webmaster to allow this one."),
    ),
    HoldReason.PAUSED: (
        gettext_lazy("Held: somebody paused the endpoint. What waits is sent when it is resumed."),
        gettext_lazy("Resume the endpoint when its receiver is ready."),
    ),
}

_REASONS: dict[str, tuple[Text, Text]] = {
    Reason.LAPSED: (
        gettext_lazy("The program that sends stopped each time it tried this delivery."),
        ASK_WEBMASTER,
    ),
    Reason.UNENCODABLE: (
        gettext_lazy("Its data cannot be written as JSON, so nothing was sent."),
        ASK_WEBMASTER,
    ),
    Reason.TOO_LARGE: (
        gettext_lazy("Its data is larger than this site allows, so nothing was sent."),
        ASK_WEBMASTER,
    ),
    Reason.RENDER: (
        gettext_lazy("It cannot be written in the endpoint’s format, so nothing was sent."),
        ASK_WEBMASTER,
    ),
    Reason.PERSON: (
        gettext_lazy("Somebody cancelled it."),
        gettext_lazy("Resend it if it is to be delivered after all."),
    ),
    Reason.SUPERSEDED: (
        gettext_lazy("A newer event took its place before it was sent."),
        gettext_lazy("Nobody must act."),
    ),
    Reason.ERASED: (
        gettext_lazy("Its data was erased here, so it is not sent again."),
        gettext_lazy("What a receiver already has must be erased there."),
    ),
}


def explain(
    status: str,
    reason: str = "",
    outcome: str = "",
    code: int | None = None,
    hold: str = "",
    payload_format: str = "",
    error: str = "",
) -> Explanation:
    """One sentence on how things stand, and one on who must act.

    ``payload_format``: what was sent says who answers, and what its answers mean. ``error``: the
    word by which it said what is wrong, see PayloadFormat.error_in().
    """
    cause = cause_of(outcome, code, payload_format, error)
    if status == Status.SUCCEEDED:
        return Explanation(_("Delivered: the receiver accepted it."), _("Nobody must act."))
    if status == Status.SENDING:
        return Explanation(_("It is being sent right now."), _("Nobody must act."))
    if status == Status.PENDING:
        return _explain_waiting(cause, outcome, hold, payload_format)
    if reason in _REASONS:
        return _said(_REASONS[reason])
    return Explanation(
        _("%(cause)s Every try of the schedule failed.") % {"cause": cause.sentence},
        _("%(action)s Once it is mended, resend this delivery.") % {"action": cause.action},
    )


def cause_of(
    outcome: str, code: int | None, payload_format: str = "", error: str = ""
) -> Explanation:
    """Why one request did not succeed; with how it went when it did."""
    if outcome == Outcome.OK:
        return Explanation(_("The receiver accepted it."), _("Nobody must act."))
    if outcome == Outcome.HTTP and code:
        return _explain_answer(code, payload_format, error)
    if outcome in _OUTCOMES:
        return _said(_OUTCOMES[outcome])
    return Explanation(_("Nothing was sent."), str(ASK_WEBMASTER))


def _explain_waiting(
    cause: Explanation, outcome: str, hold: str, payload_format: str
) -> Explanation:
    if hold == HoldReason.GONE and payload_format == slack.FORMAT:
        return _said(slack.HELD)
    if hold in _HOLDS:
        return _said(_HOLDS[hold])
    if outcome in ("", Outcome.OK):
        return Explanation(_("It is waiting to be sent."), _("Nobody must act."))
    return Explanation(
        _("%(cause)s It will be tried again by itself.") % {"cause": cause.sentence},
        cause.action,
    )


def _explain_answer(code: int, payload_format: str, error: str) -> Explanation:
    by_slack = slack.ERRORS.get(error) or slack.ANSWERS.get(code)
    if payload_format == slack.FORMAT and by_slack:
        return _said(by_slack)
    if code in _ANSWERS:
        return _said(_ANSWERS[code])
    if 300 <= code < 400:
        sentence = _("The receiver pointed to another address (%(code)s), which is not followed.")
        action = str(_ENTER_URL)
    elif code >= 500:
        sentence = _("The receiver had a fault of its own (%(code)s).")
        action = str(_ASK_RECEIVER)
    else:
        sentence = _("The receiver did not accept the message (%(code)s).")
        action = _("Ask the people who run the receiver; they can see why in their own log.")
    return Explanation(sentence % {"code": code}, action)


def _said(texts: tuple[Text, Text]) -> Explanation:
    sentence, action = texts
    return Explanation(str(sentence), str(action))
