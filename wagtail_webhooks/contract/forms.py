"""Which forms send something to an endpoint, and what answers each of them gives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import swapper
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from wagtail_webhooks.events import patterns_matching
from wagtail_webhooks.models import Endpoint

from .answers import TEXT, Answer, answers_of


logger = logging.getLogger(__name__)

FORM_SUBMITTED = "form.submitted"

#: The latest are described; a site may have thousands, and drawing up each costs a query or two.
MOST_FORMS = 100

#: Not an empty Q, which vanishes when it is combined with another.
EVERY_PAGE = Q(pk__isnull=False)

#: By which of its facts a form is known.
IDENTITY = ("id", "type")


@dataclass(frozen=True)
class FormShape:
    """A form, as the receivers of its answers know it."""

    event_type: str
    #: Under which key of the event's data it is described, and what stands there.
    subject: str
    facts: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()
    #: What else of its events' data is known, for an example.
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(self.facts.get("title", ""))

    @property
    def identity(self) -> dict[str, Any]:
        return {key: self.facts[key] for key in IDENTITY if key in self.facts}


#: Functions that give the shapes of forms whose answers reach an endpoint; of None: of all forms.
#: The second argument: with those that are not live. An app with events of its own adds one.
Source = Callable[["Endpoint | None", bool], Iterable[FormShape]]
sources: list[Source] = []


def forms_reaching(endpoint: Endpoint | None, *, drafts: bool = False) -> list[FormShape]:
    """The forms whose answers this endpoint gets; None: those of the whole site.

    ``drafts``: also of pages that are not live, whose answers it would get.
    """
    return [shape for source in sources for shape in source(endpoint, drafts)]


def covered(endpoint: Endpoint | None, event_type: str) -> Q | None:
    """The pages about which the endpoint's subscriptions tell it; None: no pages at all."""
    if endpoint is None:
        return EVERY_PAGE
    found: Q | None = None
    wanted = endpoint.subscriptions.filter(event_type__in=patterns_matching(event_type))
    for subscription in wanted.select_related("page"):
        if subscription.page is None:
            return EVERY_PAGE
        below = Q(path__startswith=subscription.page.path)
        found = below if found is None else found | below
    return found


def latest(pages: Any, drafts: bool) -> Any:
    """At most so many as are described."""
    shown = pages if drafts else pages.filter(live=True)
    return shown.order_by("-latest_revision_created_at", "-pk")[:MOST_FORMS]


def answers_on(page: Any, names: Callable[[Any], Iterable[tuple[str, str]]]) -> tuple[Answer, ...]:
    """The answers that a page's form gives. ``names``: their names and labels, given the form.

    None are known of a form that cannot be drawn up.
    """
    try:
        form = page.get_form(page=page, user=AnonymousUser())
        return answers_of(form, names(form))
    except Exception as error:  # noqa: BLE001  a site's own form, of which others must not suffer
        logger.error("The form of page %s was not described (%s).", page.pk, type(error).__name__)
        return ()


def form_pages(endpoint: Endpoint | None, drafts: bool) -> Iterator[FormShape]:
    """Wagtail's form pages, except those that tell of their submissions themselves."""
    pages_covered = covered(endpoint, FORM_SUBMITTED)
    if pages_covered is None or not apps.is_installed("wagtail.contrib.forms"):
        return
    from wagtail.contrib.forms.utils import get_form_types

    page_model: Any = swapper.load_model("wagtailcore", "Page")
    pages: Any = page_model.objects.filter(
        pages_covered, content_type__in=_telling(get_form_types())
    )
    for page in latest(pages, drafts).specific():
        facts = {
            "id": page.pk,
            "type": page._meta.label_lower,
            "title": page.title,
            "url": page.full_url,
        }
        yield FormShape(FORM_SUBMITTED, "form", facts, answers_on(page, _data_fields(page)))


def _telling(content_types: Iterable[Any]) -> list[Any]:
    """Those whose submissions become form.submitted."""
    models = [(each, each.model_class()) for each in content_types]
    return [
        each for each, model in models
        if model and not getattr(model().get_submission_class(), "emits_own_event", False)
    ]  # fmt: skip


def stream_forms(endpoint: Endpoint | None, drafts: bool) -> Iterator[FormShape]:
    """Those of wagtailstreamforms, which stand on any page and belong to no part of the site.

    It stores what its hooks make of the answers, so nothing is promised of their values.
    """
    if not apps.is_installed("wagtailstreamforms"):
        return
    if covered(endpoint, FORM_SUBMITTED) is not EVERY_PAGE:
        return
    model: Any = apps.get_model("wagtailstreamforms", "Form")
    for form in model.objects.order_by("-pk")[:MOST_FORMS]:
        facts = {"id": form.pk, "type": model._meta.label_lower, "title": form.title, "url": None}
        fields = [each for each in form.get_data_fields() if each[0] != "submit_time"]
        answers = tuple(Answer(name, str(label), {}, TEXT) for name, label in fields)
        yield FormShape(FORM_SUBMITTED, "form", facts, answers)


def _data_fields(page: Any) -> Callable[[Any], Iterable[tuple[str, str]]]:
    """What Wagtail lists of a submission, and so what is sent."""
    return lambda form: [
        (name, label) for name, label in page.get_data_fields() if name != "submit_time"
    ]


sources += [form_pages, stream_forms]
