"""Which events an endpoint is told of."""

from __future__ import annotations

from typing import Any

import swapper
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import patterns_matching


swapper.set_app_prefix("wagtailcore", "wagtail")


class Scope(models.TextChoices):
    SITE = "site", _("the whole site")
    SUBTREE = "subtree", _("a page and everything below it")


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def matching(self, event_type: str, page: Any = None) -> SubscriptionQuerySet:
        scope = Q(scope=Scope.SITE)
        if page is not None:
            steps = range(page.steplen, len(page.path) + 1, page.steplen)
            scope |= Q(scope=Scope.SUBTREE, page__path__in=[page.path[:end] for end in steps])
        return self.filter(scope, event_type__in=patterns_matching(event_type))

    def wanting(self, event_type: str) -> SubscriptionQuerySet:
        """Those of active endpoints to this event type, whatever their scope."""
        return self.filter(endpoint__archived_at=None, event_type__in=patterns_matching(event_type))

    def coverage(self, event_type: str, *, time: str, path: str | None) -> Q | None:
        """A condition for what they covered already when it happened; None: nothing.

        ``time`` and ``path`` name the fields of the queried model that hold when it happened
        and the path of its page, if it has one.
        """
        covered: Q | None = None
        for subscription in self.wanting(event_type).select_related("page"):
            if subscription.page is not None and path is None:
                continue
            one = Q(**{f"{time}__gte": subscription.created_at})
            if subscription.page is not None:
                one &= Q(**{f"{path}__startswith": subscription.page.path})
            covered = one if covered is None else covered | one
        return covered


class Subscription(models.Model):
    """That an endpoint wants a kind of event, of the whole site or of a part of it.

    It goes with its page: nothing ever widens a subscription.
    """

    wagtail_reference_index_ignore = True

    endpoint = models.ForeignKey("Endpoint", models.CASCADE, related_name="subscriptions")
    event_type = models.CharField(_("event type"), max_length=100, db_index=True)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope, default=Scope.SITE)
    page = models.ForeignKey(
        swapper.get_model_name("wagtailcore", "Page"),
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("page"),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(scope=Scope.SITE, page=None) | Q(scope=Scope.SUBTREE, page__gt=0),
                name="webhooks_subscription_scope",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "event_type", "page"], name="webhooks_subscription_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} → {self.endpoint_id}"
