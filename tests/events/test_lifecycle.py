"""Each row of the papers' table of what Wagtail does is watched by tests: here is by which."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.test_readme import ROOT

from . import (
    test_drafts,
    test_pages,
    test_relocations,
    test_snippets,
    test_ways_off_the_site,
    test_ways_to_publish,
)


ROWS: dict[str, list[Callable[..., None]]] = {
    "published by an editor": [test_ways_to_publish.test_the_editor_publishes],
    "published in bulk": [test_ways_to_publish.test_several_are_published_in_bulk],
    "approved by a workflow": [test_ways_to_publish.test_a_workflow_is_approved],
    "created or edited and published by the API": [
        test_ways_to_publish.test_the_api_publishes,
        test_ways_to_publish.test_the_api_creates_and_publishes,
    ],
    "published by the scheduler": [
        test_ways_to_publish.test_the_scheduler_publishes,
        test_ways_to_publish.test_the_scheduler_publishes_a_new_version,
    ],
    "scheduled": [test_ways_off_the_site.test_a_schedule_is_told_when_it_is_made],
    "expired by the scheduler": [
        test_ways_off_the_site.test_a_page_that_expires_is_told_once_and_not_as_unpublished
    ],
    "published, and it has aliases": [test_ways_to_publish.test_an_alias_is_never_told],
    "made an alias, or a translation that is one": [
        test_ways_to_publish.test_an_alias_is_never_told,
        test_ways_to_publish.test_a_translation_that_mirrors_the_original_is_an_alias,
    ],
    "copied and kept live": [
        test_ways_to_publish.test_a_copy_that_stays_live_is_a_publication_of_its_own,
        test_ways_to_publish.test_a_copied_subtree_is_told_page_by_page,
    ],
    "copied as a draft": [test_ways_to_publish.test_a_copy_that_is_a_draft_is_not_told],
    "created live by code": [
        test_ways_to_publish.test_a_page_of_code_that_is_live_at_once_is_not_told
    ],
    "unpublished": [
        test_ways_off_the_site.test_unpublishing_in_the_editor,
        test_ways_off_the_site.test_several_are_unpublished_in_bulk_with_what_is_below,
    ],
    "deleted": [
        test_ways_off_the_site.test_a_deleted_page_is_told_once_and_not_as_unpublished,
        test_ways_off_the_site.test_a_deleted_subtree_is_told_for_each_live_page,
    ],
    "given another slug": [
        test_relocations.test_a_new_slug_changes_the_url_of_the_page_and_of_all_live_pages_below
    ],
    "moved": [test_relocations.test_a_move_is_told_once_and_the_urls_one_by_one],
    "translated as a draft": [test_ways_to_publish.test_a_translation_is_told_when_it_goes_live],
    "snippet published or taken off": [
        test_snippets.test_the_editor_publishes_and_unpublishes,
        test_snippets.test_the_scheduler_publishes_and_ends_them,
    ],
    "form for a new page opened": [
        test_ways_to_publish.test_opening_the_form_for_a_new_page_is_no_event
    ],
    "document served": [test_ways_to_publish.test_a_document_that_is_read_is_no_event],
    "draft saved or previewed": [
        test_pages.test_saving_a_draft_sends_nothing,
        test_pages.test_previewing_sends_nothing,
        test_drafts.test_a_page_that_was_never_public,
    ],
}


def test_each_row_of_the_papers_has_its_tests() -> None:
    papers = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    table = papers.partition("### What Wagtail does, and what is told")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    assert rows[1:] == list(ROWS)
    assert all(ROWS.values())
