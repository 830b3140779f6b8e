"""What opportunities are made of. Abstract, so that a site can build its own on its own pages."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.core.validators import validate_email
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.models import AbstractFormSubmission
from wagtail.fields import RichTextField
from wagtail.rich_text import get_text_for_indexing

from wagtail_webhooks.models import Endpoint

from .finder import Finder
from .listing import State, in_reading_order, state_at
from .receipts import ReceiptMixin
from .references import new_reference
from .words import words_of


def validate_email_addresses(value: str) -> None:
    for address in value.split(","):
        validate_email(address.strip())


class AbstractDepartment(models.Model):
    """Who is behind an opportunity."""

    name = models.CharField(_("name"), max_length=120)
    owner_emails = models.CharField(
        _("owners’ e-mail addresses"),
        max_length=500,
        blank=True,
        validators=[validate_email_addresses],
        help_text=_("Whom to ask about its opportunities. Separate addresses with commas."),
    )
    default_endpoint = models.ForeignKey(
        Endpoint,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("default endpoint"),
        help_text=_("Where leads go when the opportunity itself names no endpoint."),
    )

    class Meta:
        abstract = True
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AbstractLead(ReceiptMixin, AbstractFormSubmission):
    """What a citizen sent."""

    #: Its page emits ``lead.submitted``; ``form.submitted`` for the same thing would be once more.
    emits_own_event = True

    reference = models.CharField(
        _("reference"), max_length=20, unique=True, editable=False, default=new_reference
    )
    language = models.CharField(_("language"), max_length=20, editable=False)
    # Of the form's one-time token and the answers: what makes two submissions one and the same.
    fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    #: To what the citizen agreed; empty: they were asked nothing.
    consent_text = models.ForeignKey(
        "webhooks_opportunities.ConsentText",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("consent text"),
    )
    # Else each lead would cost a row of the index, and the text's usage would list all leads.
    consent_text.wagtail_reference_index_ignore = True  # type: ignore[attr-defined]
    #: No event could be made of it yet; the sweep tries again.
    is_untold = models.BooleanField(default=False, db_index=True, editable=False)

    class Meta(AbstractFormSubmission.Meta):
        abstract = True
        verbose_name = _("lead")
        verbose_name_plural = _("leads")

    def __str__(self) -> str:
        return self.reference

    def get_data(self) -> dict[str, Any]:
        # With a hyphen: an editor's field may be called "Reference", and its name be snake case.
        own = {
            "lead-reference": self.reference,
            "lead-consent": str(self.consent_text) if self.consent_text else "",
            "lead-receipt": str(self.get_receipt_display()) if self.receipt else "",
        }
        return {**super().get_data(), **own}


class AfterSendingMixin(models.Model):
    """What a form does for a citizen who has sent it."""

    thank_you_text = RichTextField(
        _("thank-you text"),
        blank=True,
        features=["bold", "italic", "link", "ul"],
        help_text=_("Shown with the reference after the form was sent: what happens next."),
    )
    offers_receipt = models.BooleanField(
        _("offer a receipt by e-mail"),
        default=True,
        help_text=_("A box to tick, in forms that ask for an e-mail address."),
    )

    class Meta:
        abstract = True


class OpportunityMixin(AfterSendingMixin):
    """The facts of an opportunity."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("Grant")
        LOAN = "loan", _("Loan")
        TRAINING = "training", _("Training")

    summary = models.TextField(
        _("summary"), max_length=300, blank=True, help_text=_("One or two sentences, for lists.")
    )
    body = RichTextField(_("text"), blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.GRANT)
    amount = models.CharField(
        _("amount"), max_length=100, blank=True, help_text=_("In words, such as “up to £25,000”.")
    )
    opens_at = models.DateTimeField(
        _("opens"), null=True, blank=True, help_text=_("Empty: open as soon as it is published.")
    )
    closes_at = models.DateTimeField(
        _("closes"),
        null=True,
        blank=True,
        db_index=True,
        help_text=_("The form is taken away at this time. Empty: stays open."),
    )
    contact_email = models.EmailField(
        _("contact e-mail address"), blank=True, help_text=_("Shown to citizens.")
    )
    #: For the finder, of what is live; not serialised, so that no revision brings it back.
    search_words = models.TextField(blank=True, default="", editable=False, serialize=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_words = self.make_search_words()
        super().save(*args, **kwargs)

    def make_search_words(self) -> str:
        return " ".join(words_of(self.get_search_text()))

    def get_search_text(self) -> str:
        """What the finder finds it by, beside the names of its department and its kind."""
        title: str = self.title  # type: ignore[attr-defined]
        return "\n".join([title, self.summary, self.amount, get_text_for_indexing(self.body)])

    @property
    def state(self) -> State:
        return state_at(timezone.now(), self.opens_at, self.closes_at)

    def clean(self) -> None:
        super().clean()
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": gettext("It must close after it opens.")})

    def add_default_form_fields(self) -> None:
        """Give the page the form that most opportunities need; in memory, as its editor does."""
        field: Any = self._meta.get_field("form_fields").related_model
        self.form_fields = [  # type: ignore[attr-defined]
            field(label=gettext("Name"), field_type="singleline", required=True, sort_order=0),
            field(label=gettext("E-mail address"), field_type="email", required=True, sort_order=1),
            field(
                label=gettext("Telephone"), field_type="singleline", required=False, sort_order=2
            ),
            field(
                label=gettext("Organisation"), field_type="singleline", required=False, sort_order=3
            ),
            field(label=gettext("Message"), field_type="multiline", required=True, sort_order=4),
        ]


class OpportunityIndexMixin(models.Model):
    """A list of the opportunities below a page, in which citizens can search."""

    #: The model that is listed, as ``app_label.ModelName``.
    opportunity_model = "webhooks_opportunities.OpportunityPage"
    per_page = 12

    introduction = RichTextField(
        _("introduction"), blank=True, features=["bold", "italic", "link", "ul"]
    )

    class Meta:
        abstract = True

    def get_opportunities(self) -> Any:
        """The public ones that are live, in the order in which they are shown."""
        model: Any = apps.get_model(self.opportunity_model)
        live = model.objects.descendant_of(self).live().public().select_related("department")
        # Long, and not in the list: a database that sorts would carry them along.
        return in_reading_order(live, timezone.now()).defer("body", "search_words")

    def get_context(self, request: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)  # type: ignore[misc]
        finder = Finder(request.GET, self.get_opportunities(), timezone.now())
        paginator = Paginator(finder.found(), self.per_page)
        context["finder"] = finder
        context["opportunities"] = paginator.get_page(request.GET.get("page"))
        return context
