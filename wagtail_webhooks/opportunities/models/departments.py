from __future__ import annotations

from ..mixins import AbstractDepartment


class Department(AbstractDepartment):
    pass
