"""A project around the app `inbox`, which is what you would copy.

WEBHOOK_SECRETS="whsec_…" python manage.py migrate
WEBHOOK_SECRETS="whsec_…" python manage.py runserver 8902
WEBHOOK_SECRETS="whsec_…" python manage.py work_inbox
"""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    execute_from_command_line(sys.argv)
