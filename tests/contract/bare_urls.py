"""A site that has not included our URLs."""

from __future__ import annotations

from django.urls import include, path
from wagtail.admin import urls as wagtailadmin_urls


urlpatterns = [path("admin/", include(wagtailadmin_urls))]
