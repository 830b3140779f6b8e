"""Tell those who answer for the site that its data goes to a new place.

Whoever may manage endpoints could point one at a server of their own. The notice does not prevent
it, but it does not go unseen. It never fails the editor's request, and hardly delays it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from wagtail_webhooks import audit, mail
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.scrub import one_line


#: Seconds that an editor waits for a mail server; the mail goes on without them.
PATIENCE = 3.0


def endpoint_created(endpoint: Endpoint, user: Any) -> None:
    """Put the host on record, and tell the operators.

    Not the owner: that address is typed by the very person whom the notice is about.
    """
    audit.host_changed(endpoint, "", user)
    _tell(_operators(), endpoint, "", user)


def endpoint_changed(
    endpoint: Endpoint, user: Any, *, fields: Iterable[str], old_host: str, old_owner: str
) -> None:
    """Put on record what was changed; if it was the URL, tell the operators and the owners.

    Also for another path on the same host: at many services that is another customer.
    """
    names = list(fields)
    if names:
        audit.fields_changed(endpoint, names, user)
    if endpoint.host != old_host:
        audit.host_changed(endpoint, old_host, user)
    if endpoint.host != old_host or "url" in names:
        # The old owner too: both addresses may have been changed at once.
        owners = {old_owner, endpoint.owner_email} - {""}
        _tell(_operators() | owners, endpoint, old_host, user)


def _operators() -> set[str]:
    """The site's MANAGERS; where nobody is named, the superusers."""
    managers = {entry if isinstance(entry, str) else entry[1] for entry in settings.MANAGERS}
    if managers:
        return managers
    model: Any = get_user_model()
    users = model.objects.filter(is_active=True, is_superuser=True)
    return set(users.values_list(model.get_email_field_name(), flat=True)) - {""}


def _tell(addresses: set[str], endpoint: Endpoint, old_host: str, user: Any) -> None:
    # In the language of the site: nobody knows the editor's to be theirs.
    with translation.override(settings.LANGUAGE_CODE):
        subject, text = _letter(endpoint, old_host, user)
    letters: list[mail.Letter] = [(subject, text, None, [address]) for address in sorted(addresses)]
    if letters:
        about = "A notice about an endpoint"
        transaction.on_commit(lambda: mail.send(letters, PATIENCE, about=about), robust=True)


def _letter(endpoint: Endpoint, old_host: str, user: Any) -> tuple[str, str]:
    values = {
        "name": one_line(endpoint.name),
        "user": one_line(user.get_username()),
        "old": old_host,
        "new": endpoint.host,
        "url": getattr(settings, "WAGTAILADMIN_BASE_URL", "")
        + reverse("wagtail_webhooks_endpoints:inspect", args=(endpoint.pk,)),
    }
    if old_host == endpoint.host:
        subject = _("Webhooks of “%(name)s” have a new address on %(new)s")
        said = _("%(user)s changed where on %(new)s “%(name)s” is sent to.")
    elif old_host:
        subject = _("Webhooks of “%(name)s” now go to %(new)s")
        said = _("%(user)s changed where “%(name)s” is sent to: from %(old)s to %(new)s.")
    else:
        subject = _("Webhooks can now be sent to %(new)s")
        said = _("%(user)s added “%(name)s”, which is sent to at %(new)s.")
    advice = _("If you did not expect this, pause the endpoint and ask:")
    return subject % values, f"{said % values}\n\n{advice} {values['url']}\n"
