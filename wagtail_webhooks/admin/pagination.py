"""Pages of a log that may have millions of rows."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.paginator import WagtailPaginator


#: How far rows are counted and paged through. Nobody leafs through more than 200 pages, and
#: counting a million rows would take longer than all the rest of the page.
COUNTED = 10_000


class CappedPaginator(WagtailPaginator):
    """Counts up to COUNTED, and says so where there are more."""

    @cached_property
    def found(self) -> int:
        """At most one more than is counted."""
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.found, COUNTED)

    @cached_property
    def is_capped(self) -> bool:
        return self.found > COUNTED

    @cached_property
    def items_count_label(self) -> str:
        if self.is_capped:
            return _("more than %(count)s deliveries") % {"count": f"{COUNTED:n}"}
        text = ngettext("%(count)d delivery", "%(count)d deliveries", self.count)
        return text % {"count": self.count}
