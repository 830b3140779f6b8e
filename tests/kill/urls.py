"""A page that emits in a transaction, as a site's own views do."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from example_site.urls import urlpatterns as urls_of_the_site
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit


KEPT, WITHDRAWN = 201, 409


class Withdrawn(Exception):
    """Whatever makes a site roll back after it has emitted."""


@csrf_exempt
def submit(request: HttpRequest) -> HttpResponse:
    try:
        with transaction.atomic():
            emit(
                "lead.submitted",
                {"number": int(request.POST["number"])},
                endpoints=Endpoint.objects.all(),
            )
            if "withdraw" in request.POST:
                raise Withdrawn
    except Withdrawn:
        return HttpResponse(status=WITHDRAWN)
    return HttpResponse(status=KEPT)


urlpatterns = [path("kill/submit/", submit), *urls_of_the_site]
