"""Which events an endpoint is told of, as check boxes: for the whole site or below one page."""

from __future__ import annotations

from typing import Any

import swapper
from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminPageChooser

from wagtail_webhooks.events import event_types, pattern_choices
from wagtail_webhooks.models import Endpoint, Subscription
from wagtail_webhooks.models.subscriptions import Scope

from .widgets import DescribedCheckboxes


class SubscriptionFieldsMixin(forms.Form):
    """For forms of endpoints. Subscriptions of another scope than the form’s are left alone."""

    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Event types"),
        widget=DescribedCheckboxes,
        required=False,
        help_text=gettext_lazy(
            "What the receiver is told of. None is needed for an endpoint that pages name "
            "themselves."
        ),
    )
    below_page: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=gettext_lazy("Only below this page"),
        queryset=None,
        widget=AdminPageChooser(can_choose_root=False),
        required=False,
        help_text=gettext_lazy(
            "Events of this page and everything below it. Empty: of the whole site."
        ),
    )

    instance: Endpoint

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["below_page"].queryset = swapper.load_model(  # type: ignore[attr-defined]
            "wagtailcore", "Page"
        ).objects.all()
        self.scope_page_id = self._scope_page_id()
        chosen = list(self._managed().values_list("event_type", flat=True))
        self.fields["event_types"].choices = subscription_choices(chosen)  # type: ignore[attr-defined]
        self.initial.setdefault("event_types", chosen)
        self.initial.setdefault("below_page", self.scope_page_id)

    def save(self, commit: bool = True) -> Endpoint:
        endpoint: Endpoint = super().save(commit)  # type: ignore[misc]
        self._save_subscriptions(endpoint)
        return endpoint

    def _scope_page_id(self) -> Any:
        """The page of all subscriptions; None where they differ, or are for the whole site."""
        if not self.instance.pk:
            return None
        pages = set(self.instance.subscriptions.values_list("page_id", flat=True))
        return pages.pop() if len(pages) == 1 else None

    def _managed(self) -> QuerySet[Subscription]:
        if not self.instance.pk:
            return Subscription.objects.none()
        return self.instance.subscriptions.filter(page=self.scope_page_id)

    def _save_subscriptions(self, endpoint: Endpoint) -> None:
        page = self.cleaned_data["below_page"]
        chosen = self.cleaned_data["event_types"]
        scope = Scope.SUBTREE if page else Scope.SITE
        page_id: Any = page.pk if page else None
        managed = endpoint.subscriptions.filter(page=self.scope_page_id)
        if page_id == self.scope_page_id:
            managed = managed.exclude(event_type__in=chosen)
        managed.delete()
        for event_type in chosen:
            endpoint.subscriptions.get_or_create(
                event_type=event_type, page=page, defaults={"scope": scope}
            )


def subscription_choices(in_use: list[str]) -> list[tuple[str, Any]]:
    """Each pattern with its meaning, families together; also those that nobody registers now."""
    # Tests go to the endpoint that is tested, without a subscription.
    offered = {name for name, label in pattern_choices() if not name.startswith("webhook.")}
    return [(pattern, _labelled(pattern)) for pattern in sorted({*offered, *in_use})]


def pattern_meaning(pattern: str) -> tuple[str, str]:
    """A pattern’s label and description."""
    if pattern == "*":
        return _("Everything"), _("Each event of the site, also of kinds that are added later.")
    if pattern.endswith(".*"):
        family = pattern.removesuffix(".*")
        return _("All “%(family)s” events") % {"family": family}, ""
    found = event_types().get(pattern)
    if found is None:
        return pattern, _("This site no longer has such events.")
    return str(found.label), str(found.description)


def _labelled(pattern: str) -> str:
    label, description = pattern_meaning(pattern)
    return format_html(
        '<span class="webhooks-choice">{} <code class="webhooks-code">{}</code>'
        '<span class="webhooks-note">{}</span></span>',
        label, pattern, description,
    )  # fmt: skip
