"""What a person can do to one row: GET asks and changes nothing, POST does it and is logged."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log


class ActionView(WagtailAdminTemplateMixin, TemplateView):
    """Subclasses give the texts, the permission, the log action, and ``perform``."""

    model: type[models.Model] | None = None
    index_url_name = ""
    inspect_url_name = ""
    template_name = "wagtail_webhooks/admin/confirm.html"

    #: All of these are needed.
    permissions: tuple[str, ...] = ()
    log_action = ""
    question: Any = ""
    #: One sentence each, under the question.
    notes: tuple[Any, ...] = ()
    button_label: Any = ""
    is_serious = False
    success_message: Any = ""
    refusal: Any = ""

    object: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not (self.permissions and request.user.has_perms(self.permissions)):
            raise PermissionDenied
        self.object = get_object_or_404(self.get_queryset(), pk=unquote(str(kwargs["pk"])))
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> models.QuerySet[Any]:
        assert self.model is not None  # noqa: S101  given by the viewset
        return self.model._default_manager.all()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            is_done = self.perform()
            if is_done:
                log(self.object, self.log_action, user=request.user, data=self.log_data())
        if is_done:
            messages.success(request, self.success_message % {"object": self.get_page_subtitle()})
        else:
            messages.error(request, self.refusal)
        return redirect(self.get_next_url())

    def perform(self) -> bool:
        """False: it could not be done."""
        raise NotImplementedError

    def log_data(self) -> dict[str, Any] | None:
        return None

    def get_notes(self) -> list[Any]:
        return list(self.notes)

    def get_page_subtitle(self) -> str:
        return str(self.object)

    def get_subject(self) -> str:
        """Which row it is, under the question: headers leave it out."""
        return self.get_page_subtitle()

    def get_inspect_url(self) -> str:
        return reverse(self.inspect_url_name, args=(quote(self.object.pk),))

    def get_next_url(self) -> str:
        return get_valid_next_url_from_request(self.request) or self.get_inspect_url()

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        index = {
            "url": reverse(self.index_url_name),
            "label": capfirst(self.object._meta.verbose_name_plural),
        }
        inspect = {"url": self.get_inspect_url(), "label": self.get_page_subtitle()}
        here = {"url": "", "label": self.get_page_title()}
        return [*self.breadcrumbs_items, index, inspect, here]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["object"] = self.object
        context["next_url"] = self.get_next_url()
        context["notes"] = self.get_notes()
        context["subject"] = self.get_subject()
        return context
