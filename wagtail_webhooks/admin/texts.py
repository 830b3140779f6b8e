"""What explanations have in common, whoever's answers they explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

ASK_WEBMASTER = gettext_lazy("Tell your webmaster.")
