"""The example site, as it would be without our addresses."""

from __future__ import annotations

from example_site import urls


urlpatterns = [
    pattern
    for pattern in urls.urlpatterns
    if getattr(pattern, "app_name", "") != "wagtail_webhooks"
]
