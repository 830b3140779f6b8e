"""What Slack's incoming webhooks answer, in an editor's words, and who must act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from wagtail_webhooks.payloads.slack import SlackMessage

from .texts import ASK_WEBMASTER


if TYPE_CHECKING:
    from .texts import Text


FORMAT = SlackMessage.name

_ASK_ADMIN = gettext_lazy("Ask whoever manages your Slack workspace.")
_ASK_FOR_URL = gettext_lazy(
    "Ask whoever manages your Slack workspace for a new webhook URL and enter it here."
)
_UNARCHIVE = gettext_lazy(
    "Have the channel unarchived in Slack and resume the endpoint, or enter the webhook URL of "
    "another channel."
)

_NOT_READ = (gettext_lazy("Slack could not read the message."), ASK_WEBMASTER)
_CHANNEL_GONE = (gettext_lazy("The Slack channel is gone."), _ASK_FOR_URL)
_WEBHOOK_GONE = (gettext_lazy("The Slack webhook was removed or switched off."), _ASK_FOR_URL)
_WORKSPACE_GONE = (
    gettext_lazy("The Slack workspace is gone or was switched off."),
    _ASK_ADMIN,
)

#: By its words. (docs.slack.dev, “Sending messages using incoming webhooks”, and the changelog of
#: 17 May 2016)
ERRORS: dict[str, tuple[Text, Text]] = {
    "invalid_payload": _NOT_READ,
    "invalid_blocks": _NOT_READ,
    "invalid_blocks_format": _NOT_READ,
    "no_text": _NOT_READ,
    "too_many_attachments": _NOT_READ,
    "user_not_found": (
        gettext_lazy("The person to whom this Slack webhook writes is not there."),
        _ASK_FOR_URL,
    ),
    "action_prohibited": (
        gettext_lazy("A rule of the Slack workspace does not let this webhook post."),
        _ASK_ADMIN,
    ),
    "posting_to_general_channel_denied": (
        gettext_lazy("This Slack webhook may not post to the general channel."),
        gettext_lazy(
            "Ask whoever manages your Slack workspace to allow it, or for the webhook URL of "
            "another channel and enter it here."
        ),
    ),
    "invalid_token": (
        gettext_lazy("Slack does not know this webhook URL: it is wrong or was replaced."),
        _ASK_FOR_URL,
    ),
    "channel_not_found": _CHANNEL_GONE,
    "no_service": _WEBHOOK_GONE,
    "no_service_id": _WEBHOOK_GONE,
    "no_active_hooks": _WEBHOOK_GONE,
    "no_team": _WORKSPACE_GONE,
    "team_disabled": _WORKSPACE_GONE,
}

#: And by its status, where it has no word, or one that is not known here.
ANSWERS: dict[int, tuple[Text, Text]] = {
    400: (gettext_lazy("Slack did not take the message."), ASK_WEBMASTER),
    403: (gettext_lazy("Slack does not let this webhook post."), _ASK_ADMIN),
    404: (
        gettext_lazy("Slack no longer has this webhook, or its channel is gone."),
        _ASK_FOR_URL,
    ),
    410: (gettext_lazy("The Slack channel is archived and takes no more messages."), _UNARCHIVE),
    429: (
        gettext_lazy("Slack takes about one message a second for a channel, and got more."),
        gettext_lazy("Nobody must act: it is sent when Slack takes it."),
    ),
    500: (
        gettext_lazy("Slack had a fault of its own."),
        gettext_lazy("Nobody must act, unless this goes on: then look at Slack’s status page."),
    ),
}

#: What an endpoint is held for when a channel is archived.
HELD: tuple[Text, Text] = (
    gettext_lazy("Held: the Slack channel is archived and takes no more messages."),
    _UNARCHIVE,
)
