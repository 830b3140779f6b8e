"""Mail. A server that fails or hangs costs whoever sends it a few seconds at most."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from django.core.mail import send_mass_mail


logger = logging.getLogger(__name__)

#: Subject, text, sender (None: the site's own), addresses.
Letter = tuple[str, str, None, list[str]]


def send(letters: Iterable[Letter], patience: float, *, about: str) -> bool:
    """Whether the server has taken them within so many seconds.

    If it takes longer it may go on with them by itself. Trouble is logged with what it was
    ``about``, and raised never.
    """
    taken = threading.Event()
    thread = threading.Thread(
        target=_try, args=(list(letters), about, taken), name="webhooks-mail", daemon=True
    )
    thread.start()
    thread.join(patience)
    return taken.is_set()


def _try(letters: list[Letter], about: str, taken: threading.Event) -> None:
    try:
        send_mass_mail(letters)
    except Exception as error:  # noqa: BLE001  its text may name servers and people
        logger.error("%s was not sent (%s).", about, type(error).__name__)
    else:
        taken.set()
