"""The page for the receiver's developer, its OpenAPI document, and the public link to it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django.views.generic import View
from wagtail.admin import messages

from wagtail_webhooks import public_contract
from wagtail_webhooks.contract import contract_of
from wagtail_webhooks.contract.openapi import document
from wagtail_webhooks.contract.pages import context_of
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.models import Endpoint

from .actions import ActionView
from .permissions import CHANGE_ENDPOINT, VIEW_ENDPOINT


FORMAT_IS_GONE = gettext_lazy(
    "Its format is one that this site has no longer. Choose another, and this page is there again."
)


class _ReadingView(ActionView):
    """Looking changes nothing."""

    permissions = (VIEW_ENDPOINT,)
    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return self.show()
        except PayloadError:
            messages.error(request, FORMAT_IS_GONE)
            return redirect(self.get_inspect_url())

    def show(self) -> HttpResponse:
        raise NotImplementedError


class ContractView(_ReadingView):
    page_title = gettext_lazy("For the receiver’s developer")
    template_name = "wagtail_webhooks/admin/contract.html"

    def show(self) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        path = public_contract.path_of(self.object)
        may_change = self.request.user.has_perm(CHANGE_ENDPOINT)
        return {
            **super().get_context_data(**kwargs),
            **context_of(contract_of(self.object)),
            "can_share": may_change and not self.object.archived_at,
            "can_be_public": public_contract.is_installed(),
            "public_url": self.request.build_absolute_uri(path) if path else "",
        }


class OpenAPIView(_ReadingView):
    page_title = "OpenAPI"

    def show(self) -> HttpResponse:
        return _download(self.object)


class SiteOpenAPIView(View):
    """Of all that the site can send, whoever gets it."""

    http_method_names = ["get", "head", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(VIEW_ENDPOINT):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return _download(None)


def _download(endpoint: Endpoint | None) -> HttpResponse:
    name = slugify(str(endpoint)) if endpoint else "site"
    return JsonResponse(
        document(contract_of(endpoint)),
        json_dumps_params={"indent": 2},
        headers={"Content-Disposition": f'attachment; filename="webhooks-{name}.openapi.json"'},
    )


class _LinkView(ActionView):
    permissions = (CHANGE_ENDPOINT,)

    def get_queryset(self) -> QuerySet[Any]:
        return Endpoint.objects.active()

    def get_inspect_url(self) -> str:
        if not self.request.user.has_perm(VIEW_ENDPOINT):
            return super().get_inspect_url()
        return reverse("wagtail_webhooks_endpoints:contract", args=(self.object.pk,))


class ShareView(_LinkView):
    page_title = gettext_lazy("Public link")
    log_action = "wagtail_webhooks.share_contract"
    question = gettext_lazy("Make a public link to the page for the receiver’s developer?")
    notes = (
        gettext_lazy("Whoever has the link sees the page without an account: names of fields, "
                     "titles of forms and made-up examples, but no secret and nobody’s answers."),
        gettext_lazy("A link that was made before ends. The new one can be ended at any time."),
    )  # fmt: skip
    button_label = gettext_lazy("Make the link")
    success_message = gettext_lazy("“%(object)s” has a new public link.")

    def perform(self) -> bool:
        self.object.share_contract()
        return True


class UnshareView(_LinkView):
    page_title = gettext_lazy("End the public link")
    log_action = "wagtail_webhooks.unshare_contract"
    question = gettext_lazy("End the public link to the page for the receiver’s developer?")
    notes = (gettext_lazy("Whoever has the link finds nothing there any more."),)
    button_label = gettext_lazy("End the link")
    success_message = gettext_lazy("The public link of “%(object)s” has ended.")
    refusal = gettext_lazy("There is no public link.")

    def perform(self) -> bool:
        if not self.object.contract_token:
            return False
        self.object.unshare_contract()
        return True
