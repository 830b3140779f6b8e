"""Words for the finder, where saving has not written them."""

from __future__ import annotations

from .dates import opportunity_models


def fill_search_words() -> None:
    """For the sweep: after the column was added, and after loaddata, update() and SQL."""
    for model in opportunity_models():
        for page in model.objects.filter(search_words="").iterator(chunk_size=100):
            # Under its condition again: what was saved in between is newer.
            lacking = model.objects.filter(pk=page.pk, search_words="")
            lacking.update(search_words=page.make_search_words())
