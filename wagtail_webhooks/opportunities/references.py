"""The short number that a citizen is given for a lead."""

from __future__ import annotations

import re

from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _


#: Read out on the telephone and copied by hand: no 0 and O, 1, I and L; no vowels, so no words.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
LENGTH = len("K7PM-2XQ9")
HINT = _(
    "A reference has eight letters and digits, such as K7PM-2XQ9: no 0, 1, L or Y, and no vowels."
)


def new_reference() -> str:
    """Such as ``K7PM-2XQ9``: one of 280 thousand million."""
    return _spelled(get_random_string(8, ALPHABET))


def as_reference(text: str) -> str:
    """A reference, or its beginning, as it is stored, however somebody typed it."""
    return _spelled(re.sub(r"[\W_]", "", text).upper())


def _spelled(letters: str) -> str:
    return "-".join(filter(None, [letters[:4], letters[4:]]))
