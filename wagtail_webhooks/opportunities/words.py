"""Words as the finder compares them: whatever their case, their accents and their width."""

from __future__ import annotations

import re
import unicodedata


def folded(text: str) -> str:
    """“ÉXITO”, “éxito” and “exito” are one: without marks, and without what cannot be seen."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in plain if unicodedata.category(char) not in ("Mn", "Cf"))


def words_of(text: str) -> list[str]:
    """Folded, each once."""
    return list(dict.fromkeys(re.findall(r"\w+", folded(text))))
