from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from .models import Received


@csrf_exempt  # no browser sends it; the signature is what shows where it is from
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Check, store, answer. Nothing that takes time, and nothing that can fail later."""
    event = verified(request)
    if event is None:
        return HttpResponse("the signature is missing, wrong or old\n", status=401)
    # Stored, or known already: to the sender that is the same.
    Received.objects.get_or_create(id=request.headers["webhook-id"], defaults={"event": event})
    return HttpResponse(status=204)


def verified(request: HttpRequest) -> Any:
    """The event, or None.

    The library compares in constant time, and refuses what is more than 5 minutes off.
    """
    for secret in settings.WEBHOOK_SECRETS:
        try:
            return Webhook(secret).verify(request.body, dict(request.headers))
        except (WebhookVerificationError, ValueError):
            continue
    return None
