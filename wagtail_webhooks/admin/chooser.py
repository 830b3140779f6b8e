"""Choose an endpoint, or make one without leaving the page editor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic import chooser as views
from wagtail.admin.viewsets.chooser import ChooserViewSet
from wagtail.admin.widgets import BaseChooser
from wagtail.log_actions import log

from wagtail_webhooks.models import Endpoint

from . import notices
from .filters import ids_among
from .forms import NewEndpointForm
from .permissions import NAME_ENDPOINTS
from .secrecy import never_in_reports
from .tables import EndpointBadgeColumn, StyledMixin


class EndpointFilterForm(BaseFilterForm):
    q = forms.CharField(
        label=_("Search term"),
        widget=forms.TextInput(attrs={"placeholder": _("Name or host")}),
        required=False,
    )

    def filter(self, objects: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        objects = super().filter(objects)
        sought = self.cleaned_data.get("q")
        if sought:
            self.is_searching, self.search_query = True, sought
            objects = objects.filter(Q(name__icontains=sought) | Q(host__icontains=sought))
        return objects


class _ForChoosers:
    """Wagtail checks no permission before it shows what can be chosen."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(NAME_ENDPOINTS):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class _Listing(_ForChoosers):
    filter_form_class = EndpointFilterForm

    @property
    def columns(self) -> list[Any]:
        host = Column("host", label=_("Host"))
        return [*super().columns, host, EndpointBadgeColumn("status", label=_("Status"))]  # type: ignore[misc]


class _NewEndpoint:
    def get_creation_form_kwargs(self) -> dict[str, Any]:
        # Its labels must not point to fields of the page that is being edited behind the dialogue.
        kwargs: dict[str, Any] = super().get_creation_form_kwargs()  # type: ignore[misc]
        return {**kwargs, "auto_id": "new-endpoint-%s"}


class EndpointChooseView(_Listing, _NewEndpoint, views.ChooseView):
    pass


class EndpointChooseResultsView(_Listing, views.ChooseResultsView):
    pass


class EndpointChosenView(_ForChoosers, views.ChosenView):
    def get_object(self, pk: str) -> Endpoint:
        return Endpoint.objects.active().get(pk__in=ids_among([pk]))


class EndpointChosenMultipleView(_ForChoosers, views.ChosenMultipleView):
    def get_objects(self, pks: list[str]) -> QuerySet[Endpoint]:
        return Endpoint.objects.active().filter(pk__in=ids_among(pks))


@never_in_reports
class EndpointCreateInChooserView(_ForChoosers, _NewEndpoint, views.CreateView):
    def save_form(self, form: NewEndpointForm) -> Endpoint:
        endpoint: Endpoint = form.save()
        log(endpoint, "wagtail.create", user=self.request.user)
        notices.endpoint_created(endpoint, self.request.user)
        return endpoint


class _StyledChooser(BaseChooser):
    @property
    def media(self) -> forms.Media:
        # The dialogue shows badges, also to those who get no form that brings the style sheet.
        return super().media + StyledMixin().media


class EndpointChooserViewSet(ChooserViewSet):
    model = Endpoint
    base_widget_class = _StyledChooser
    icon = "webhook"
    url_prefix = "webhooks/choose-endpoint"
    choose_one_text = _("Choose an endpoint")
    choose_another_text = _("Choose another endpoint")
    edit_item_text = _("Edit this endpoint")
    create_action_label = _("Create")
    creation_tab_label = _("New endpoint")
    creation_form_class = NewEndpointForm
    choose_view_class = EndpointChooseView
    choose_results_view_class = EndpointChooseResultsView
    chosen_view_class = EndpointChosenView
    chosen_multiple_view_class = EndpointChosenMultipleView
    create_view_class = EndpointCreateInChooserView

    def get_object_list(self) -> QuerySet[Endpoint]:
        return Endpoint.objects.active().select_related("state")


endpoint_chooser = EndpointChooserViewSet("wagtail_webhooks_endpoint_chooser")
EndpointChooserWidget = endpoint_chooser.widget_class
