from __future__ import annotations

from wagtail_webhooks.opportunities.mixins import AbstractDepartment


class Department(AbstractDepartment):
    pass
