from __future__ import annotations

from typing import Any

from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import (
    AbstractForm,
    AbstractFormField,
    AbstractFormSubmission,
    FormSubmission,
)


class PlainFormPage(AbstractForm):
    """As in Wagtail's documentation."""


class PlainFormField(AbstractFormField):
    page = ParentalKey(PlainFormPage, on_delete=models.CASCADE, related_name="form_fields")


class ProxySubmission(FormSubmission):
    """With methods of its own, in Wagtail's own table."""

    class Meta:
        proxy = True


class ProxyFormPage(PlainFormPage):
    def get_submission_class(self) -> type[ProxySubmission]:
        return ProxySubmission


class NumberedSubmission(AbstractFormSubmission):
    number = models.PositiveIntegerField()


class NumberedFormPage(AbstractForm):
    """With a submission class of its own, saved without calling super()."""

    def get_submission_class(self) -> type[NumberedSubmission]:
        return NumberedSubmission

    def process_form_submission(self, form: Any) -> NumberedSubmission:
        return NumberedSubmission.objects.create(
            form_data=form.cleaned_data, page=self, number=NumberedSubmission.objects.count() + 1
        )


class NumberedFormField(AbstractFormField):
    page = ParentalKey(NumberedFormPage, on_delete=models.CASCADE, related_name="form_fields")
