from __future__ import annotations

from django.conf import settings


#: SQLite locks the whole database, and knows no race for a row.
LOCKS_ROWS = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")

collect_ignore = [] if LOCKS_ROWS else ["test_races.py"]
