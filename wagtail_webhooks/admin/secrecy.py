"""For views that have a secret in their hands."""

from __future__ import annotations

from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from wagtail_webhooks.scrub import without_variables


#: Whatever breaks down in such a view, a report of it holds neither what was posted nor variables.
never_in_reports = method_decorator(
    [sensitive_post_parameters(), without_variables()], name="dispatch"
)
