"""The page for the receiver's developer behind an unguessable link, without an account.

The link is 256 random bits. Nothing secret is behind it, and no data of citizens; it is kept from
search engines, caches and other sites all the same.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from .contract import Contract, contract_of
from .contract.openapi import document
from .contract.pages import context_of
from .exceptions import PayloadError
from .models import Endpoint


#: Those of our catalogues.
LANGUAGES = {"en": "English", "es": "Español"}

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    contract = _contract(token)
    language = _language(request)
    with translation.override(language):
        shown = {"language": language.split("-")[0], "languages": LANGUAGES}
        context = {**context_of(contract), **shown}
        template = "wagtail_webhooks/contract/public.html"
        # Rendered here, where the language holds.
        return TemplateResponse(request, template, context, headers=HEADERS).render()


@require_safe
def openapi(request: HttpRequest, token: str) -> HttpResponse:
    contract = _contract(token)
    with translation.override(_language(request)):
        found = document(contract)
    return JsonResponse(found, headers=HEADERS, json_dumps_params={"indent": 2})


def path_of(endpoint: Endpoint) -> str | None:
    """Where the endpoint’s page is public; None: nowhere."""
    if not endpoint.contract_token or endpoint.archived_at or not is_installed():
        return None
    return reverse("wagtail_webhooks:contract", args=[endpoint.contract_token])


def is_installed() -> bool:
    """Whether the site has included our URLs."""
    try:
        reverse("wagtail_webhooks:contract", args=["x"])
    except NoReverseMatch:
        return False
    return True


def _contract(token: str) -> Contract:
    """Raises the same Http404 whatever is the matter with the link."""
    endpoint = Endpoint.objects.active().filter(contract_token=token).first()
    # MariaDB finds it in capitals too.
    if endpoint is None or endpoint.contract_token != token:
        raise Http404
    try:
        return contract_of(endpoint)
    except PayloadError:
        raise Http404 from None


def _language(request: HttpRequest) -> str:
    """Asked for in the address, else what the browser prefers of what we have."""
    asked = request.GET.get("language", "")
    if asked in LANGUAGES:
        return asked
    preferred = translation.get_language_from_request(request) or settings.LANGUAGE_CODE
    return preferred if preferred.split("-")[0] in LANGUAGES else "en"
