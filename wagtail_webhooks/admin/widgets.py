"""Inputs that need our style sheet."""

from __future__ import annotations

from django import forms

from .tables import StyledMixin


class CopyableInput(StyledMixin, forms.TextInput):
    """Its value can be copied with one press."""

    template_name = "wagtail_webhooks/admin/widgets/copyable_input.html"


class DescribedCheckboxes(StyledMixin, forms.CheckboxSelectMultiple):
    """Each choice has its meaning under it."""
