"""The short number that a citizen is given for a lead."""

from __future__ import annotations

from django.utils.crypto import get_random_string


#: Read out on the telephone and copied by hand: no 0 and O, 1, I and L; no vowels, so no words.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"


def new_reference() -> str:
    """Such as ``K7PM-2XQ9``: one of 280 thousand million."""
    letters = get_random_string(8, ALPHABET)
    return f"{letters[:4]}-{letters[4:]}"
