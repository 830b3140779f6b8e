"""What a site may publish for receivers: path("webhooks/", include("wagtail_webhooks.urls"))."""

from __future__ import annotations

from django.urls import path

from . import public_contract, public_keys


app_name = "wagtail_webhooks"

urlpatterns = [
    path("<slug:public_id>/keys.json", public_keys.view, name="public_keys"),
    path("contract/<slug:token>/", public_contract.page, name="contract"),
    path("contract/<slug:token>/openapi.json", public_contract.openapi, name="contract_openapi"),
]
