"""Pages of a log that may have millions of rows."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.paginator import WagtailPaginator


#: How far rows are counted and paged through. Nobody leafs through fifty pages, and counting
#: a million rows would take longer than all the rest of the page.
COUNTED = 1_000


class CappedPaginator(WagtailPaginator):
    """For querysets that are ordered by a field that is never null, then by the id as well.

    Counts up to COUNTED, and says so where there are more. Where there are fewer it sorts them
    itself: asked for the first page of an order, a database may walk through all of the log to
    find the few that a filter leaves.
    """

    @cached_property
    def found(self) -> list[tuple[Any, int]]:
        """What they are ordered by, and their ids; at most one more than is counted."""
        rows: Any = self.object_list
        return list(rows.order_by().values_list(self._field, "pk")[: COUNTED + 1])

    @cached_property
    def count(self) -> int:
        return min(len(self.found), COUNTED)

    @cached_property
    def is_capped(self) -> bool:
        return len(self.found) > COUNTED

    @property
    def _field(self) -> str:
        return str(self.object_list.query.order_by[0]).lstrip("-")

    def page(self, number: Any) -> Any:
        if self.is_capped:
            return super().page(number)
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        is_descending = self.object_list.query.order_by[0].startswith("-")
        ordered = sorted(self.found, reverse=is_descending)
        shown = [pk for value, pk in ordered[start : start + self.per_page]]
        return self._get_page(self.object_list.filter(pk__in=shown), number, self)

    @cached_property
    def items_count_label(self) -> str:
        if self.is_capped:
            return _("more than %(count)s deliveries") % {"count": intcomma(COUNTED)}
        text = ngettext("%(count)d delivery", "%(count)d deliveries", self.count)
        return text % {"count": self.count}
