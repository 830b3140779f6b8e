from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import display
from django.db import models
from django.utils.formats import date_format
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.coreutils import get_content_languages, get_supported_content_language_variant
from wagtail.fields import RichTextField
from wagtail.rich_text import expand_db_html


def languages() -> list[tuple[str, str]]:
    """Those in which the site has pages."""
    return list(get_content_languages().items())


def usual_language() -> str:
    return str(get_supported_content_language_variant(settings.LANGUAGE_CODE))


class ConsentTextQuerySet(models.QuerySet["ConsentText"]):
    def in_force(self, language: str) -> ConsentText | None:
        """What citizens are asked in this language; None: nothing.

        A language of which nothing was ever said is asked what the site's own is: it may be read
        with effort, while a consent that was not asked for cannot be had later.
        """
        for candidate in dict.fromkeys([language, usual_language()]):
            if newest := self.filter(language=candidate).last():
                return newest if newest.asks else None
        return None

    def with_latest(self) -> ConsentTextQuerySet:
        """Adds ``is_latest``: whether there is no newer one in the same language."""
        newer = ConsentText.objects.filter(
            language=models.OuterRef("language"), pk__gt=models.OuterRef("pk")
        )
        return self.annotate(is_latest=~models.Exists(newer))


class ConsentText(models.Model):
    """One version of what citizens agree to, in one language.

    It never changes, since leads refer to it.
    """

    language = models.CharField(
        _("language"), max_length=20, choices=languages, default=usual_language
    )
    text = RichTextField(
        _("text"),
        blank=True,
        features=["bold", "italic", "link", "document-link", "ol", "ul"],
        help_text=_(
            "Shown above a box that citizens must tick. Empty: from then on they are not asked."
        ),
    )
    created_at = models.DateTimeField(_("in force since"), auto_now_add=True)

    objects = ConsentTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ["pk"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        since = date_format(localtime(self.created_at), "SHORT_DATE_FORMAT")
        return gettext("Version %(number)s (%(since)s)") % {"number": self.pk, "since": since}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises TypeError for one that is stored already."""
        if not self._state.adding:
            raise TypeError("A consent text is never changed: save a new one.")
        super().save(*args, **kwargs)

    @property
    def plain_text(self) -> str:
        return " ".join(strip_tags(self.text.replace("<", " <")).split())

    @property
    def asks(self) -> bool:
        """An editor's field that was emptied has an empty paragraph left."""
        return bool(self.plain_text)

    @display(description=_("text"))
    def excerpt(self) -> str:
        return Truncator(self.plain_text).chars(90) if self.asks else gettext("(Nobody is asked)")

    def as_html(self) -> SafeString:
        html = mark_safe(expand_db_html(self.text))  # noqa: S308  an editor's, as on any page
        return format_html('<div lang="{}">{}</div>', self.language, html)

    def get_facts(self) -> dict[str, Any]:
        """What receivers are told."""
        return {"version": self.pk, "since": self.created_at, "language": self.language}
