"""Which answers and page fields an endpoint gets, as check boxes of an endpoint's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wagtail_webhooks.contract.forms import FormShape, forms_reaching
from wagtail_webhooks.events import event_types
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.selection import ALWAYS

from .widgets import DescribedCheckboxes


ALL, SOME = "all", "some"

#: The field with the choice between all and some, and the one with the names.
PARTS = (("answers_scope", "only_answers"), ("page_fields_scope", "only_page_fields"))

LONGEST_NAME = 255
SHOWN_TITLES = 3

_CONTRADICTION = gettext_lazy(
    "Some are ticked, but all are to be sent. Choose “only” above, or untick them."
)


class _NamesField(forms.MultipleChoiceField):
    """Takes a name that was there when the form was drawn up, and may be gone by now."""

    widget = DescribedCheckboxes

    def valid_value(self, value: str) -> bool:
        return len(value) <= LONGEST_NAME


class SelectionFieldsMixin(forms.Form):
    """For forms of endpoints. A request without the choice leaves the selection as it is."""

    answers_scope = forms.ChoiceField(
        label=gettext_lazy("Answers from forms"),
        choices=[
            (ALL, gettext_lazy("All answers, also to questions that are added later")),
            (SOME, gettext_lazy("Only the answers that are ticked; a new question is not sent")),
        ],
        widget=forms.RadioSelect,
        required=False,
        help_text=gettext_lazy(
            "What this receiver needs to know of what people enter in forms. It applies to what "
            "has not been sent yet."
        ),
    )
    only_answers = _NamesField(label=gettext_lazy("Only these answers"), required=False)
    page_fields_scope = forms.ChoiceField(
        label=gettext_lazy("Facts about pages"),
        choices=[
            (ALL, gettext_lazy("All, also those that are added later")),
            (SOME, gettext_lazy("Only those that are ticked, and always the number and the type")),
        ],
        widget=forms.RadioSelect,
        required=False,
        help_text=gettext_lazy("What this receiver is told of a page that an event is about."),
    )
    only_page_fields = _NamesField(label=gettext_lazy("Only these facts"), required=False)

    instance: Endpoint

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = {"only_answers": _answer_choices, "only_page_fields": _page_field_choices}
        for scope, names in PARTS:
            chosen = getattr(self.instance, names)
            self.initial.setdefault(scope, ALL if chosen is None else SOME)
            self.initial.setdefault(names, chosen or [])
            self.fields[names].choices = choices[names](self.instance)  # type: ignore[attr-defined]

    @cached_property
    def changed_data(self) -> list[str]:
        kept = {
            name for part in PARTS if self.add_prefix(part[0]) not in self.data for name in part
        }
        return [name for name in super().changed_data if name not in kept]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for scope, names in PARTS:
            chosen = sorted(cleaned.get(names, ()))
            was_all = getattr(self.instance, names) is None
            if cleaned.get(scope) == SOME:
                setattr(self.instance, names, chosen)
            elif cleaned.get(scope) == ALL and chosen and was_all:
                # Whoever ticks means to limit; sending everything would be the worse mistake.
                self.add_error(names, ValidationError(_CONTRADICTION, code="contradiction"))
            elif cleaned.get(scope) == ALL:
                setattr(self.instance, names, None)
        return cleaned


def _answer_choices(endpoint: Endpoint) -> list[tuple[str, str]]:
    """The fields of the forms that reach it; of all forms where none does yet."""
    shapes = forms_reaching(endpoint, drafts=True) if endpoint.pk else []
    found: dict[str, list[tuple[str, FormShape]]] = {}
    for shape in shapes or forms_reaching(None, drafts=True):
        for answer in shape.answers:
            found.setdefault(answer.name, []).append((answer.label, shape))
    choices = [(name, _answer_label(name, uses)) for name, uses in found.items()]
    gone = _("No form has this field now.")
    return [*choices, *_missing(endpoint.only_answers, found, gone)]


def _answer_label(name: str, uses: list[tuple[str, FormShape]]) -> str:
    labels = " / ".join(dict.fromkeys(label for label, _shape in uses))
    titles = list(dict.fromkeys(shape.title for _label, shape in uses))
    where = ", ".join(f"“{title}”" for title in titles[:SHOWN_TITLES])
    more = len(titles) - SHOWN_TITLES
    if more > 0:
        text = ngettext("%(titles)s and %(count)d more", "%(titles)s and %(count)d more", more)
        where = text % {"titles": where, "count": more}
    return _choice(labels, name, where)


def _page_field_choices(endpoint: Endpoint) -> list[tuple[str, str]]:
    found = list(dict.fromkeys(_page_fields()))
    choices = [(name, _choice(_page_field_label(name), name)) for name in found]
    gone = _("No event has this field now.")
    return [*choices, *_missing(endpoint.only_page_fields, found, gone)]


def _page_fields() -> Iterator[str]:
    """Those that an event of some type has of a page."""
    for event_type in event_types().values():
        page = (event_type.schema or {}).get("properties", {}).get("page", {})
        yield from (name for name in page.get("properties", {}) if name not in ALWAYS)


def _page_field_label(name: str) -> str:
    labels = {
        "title": _("Title"),
        "slug": _("Slug"),
        "url": _("URL"),
        "site": _("Host name of the site"),
        "locale": _("Language"),
        "translation_key": _("Key of its translations"),
        "first_published_at": _("First published"),
        "last_published_at": _("Last published"),
    }
    return labels.get(name, name)


def _missing(
    chosen: Iterable[str] | None, known: Iterable[str], note: str
) -> list[tuple[str, str]]:
    return [(name, _choice(name, name, note)) for name in chosen or () if name not in set(known)]


def _choice(label: str, name: str, note: str = "") -> str:
    return format_html(
        '<span class="webhooks-choice">{} <code class="webhooks-code">{}</code>'
        '<span class="webhooks-note">{}</span></span>',
        label, name, note,
    )  # fmt: skip
