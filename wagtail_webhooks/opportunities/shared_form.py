"""The form by which a citizen asks about several opportunities at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from .forms import LeadForm, LeadFormBuilder
from .listing import by_name_of_department


#: Has a hyphen, as no editor's field has.
OPPORTUNITIES_NAME = "form-opportunities"


@dataclass(frozen=True)
class Box:
    page: Any
    id: str
    is_ticked: bool


@dataclass(frozen=True)
class Group:
    """The boxes of a department; without a name: of none."""

    department: str
    boxes: list[Box]


class OpportunitiesField(forms.Field):
    """Its value is the pages that were ticked, in the order in which they are shown."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages = {"required": _("Please choose at least one.")}

    def __init__(self, page: Any) -> None:
        super().__init__(label=_("Which opportunities are you interested in?"))
        self.page = page

    @property
    def offered(self) -> list[Any]:
        pages: list[Any] = self.page.open_opportunities
        return pages

    def to_python(self, value: Any) -> list[Any]:
        # Compared as text: so nothing that is sent can break it.
        sent = set(value or ())
        ticked = [page for page in self.offered if str(page.pk) in sent]
        unknown = sent - {str(page.pk) for page in ticked}
        errors = [self._not_offered(unknown)] if unknown else []
        if len(ticked) > self.page.most_opportunities:
            errors.append(self._too_many(len(ticked)))
        if errors:
            raise ValidationError(errors)
        return ticked

    def _not_offered(self, sent: set[str]) -> str:
        """Names what has closed, and nothing that is not public."""
        pks = [int(key) for key in sent if key.isascii() and key.isdecimal() and len(key) < 16]
        most = self.page.most_opportunities
        closed = self.page.get_opportunities().filter(pk__in=pks[:most])
        if titles := ", ".join(f"“{page.title}”" for page in closed):
            text = gettext("No longer open, so we took away its tick: %(titles)s.")
        else:
            text = gettext("Something that you ticked cannot be chosen, so we took away its tick.")
        hint = gettext("Please look at your choice, and send the form again.")
        return f"{text} {hint}" % {"titles": titles}

    def _too_many(self, count: int) -> str:
        most = self.page.most_opportunities
        text = ngettext(
            "You can choose %(most)d at most, and have chosen %(count)d.",
            "You can choose %(most)d at most, and have chosen %(count)d.",
            most,
        )
        hint = gettext(
            "Please take away some ticks; you can send the form once more for the others."
        )
        return f"{text} {hint}" % {"most": most, "count": count}


class SharedLeadForm(LeadForm):
    own_names = LeadForm.own_names | {OPPORTUNITIES_NAME}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Those that were ticked.
        self.opportunities: list[Any] = []
        self.fields[OPPORTUNITIES_NAME] = OpportunitiesField(self.page)
        self.order_fields([OPPORTUNITIES_NAME])

    def clean(self) -> dict[str, Any]:
        self.opportunities = self.cleaned_data.get(OPPORTUNITIES_NAME, [])
        return super().clean()

    def envelope_bytes(self) -> int:
        facts = [page.get_opportunity_facts() for page in self.opportunities]
        return super().envelope_bytes() + len(json.dumps(facts, default=str))

    def fingerprint(self) -> str:
        # As they were sent: what has closed between two clicks is in the second one too.
        ticked = sorted(set(self[OPPORTUNITIES_NAME].value() or ()))
        return sha256(f"{super().fingerprint()}\n{ticked}".encode()).hexdigest()

    def opportunity_groups(self) -> Iterator[Group]:
        """By department, those without one at the end."""
        bound = self[OPPORTUNITIES_NAME]
        field: Any = bound.field
        ticked = {str(value) for value in bound.value() or ()}
        number = 0
        for department, pages in by_name_of_department(field.offered):
            boxes = []
            for page in pages:
                boxes.append(Box(page, f"{bound.auto_id}_{number}", str(page.pk) in ticked))
                number += 1
            yield Group(department, boxes)


class SharedLeadFormBuilder(LeadFormBuilder):
    def get_form_class(self) -> type[LeadForm]:
        return type("WagtailSharedLeadForm", (SharedLeadForm,), self.formfields)
