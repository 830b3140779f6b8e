"""A text column that holds ciphertext and hands out Secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from wagtail_webhooks.secrets import Secret


#: Marks ciphertext in fixtures, so that loaddata does not encrypt it once more.
_SERIALIZED = "encrypted:"


class _SecretAttribute(DeferredAttribute):
    """Conceals text at the moment it is assigned."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class EncryptedField(_TextField):
    """Stores the ciphertext of a Secret; plain text assigned to it is encrypted at once.

    It cannot be filtered on: equal values have different ciphertexts.
    """

    descriptor_class = _SecretAttribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return None if value is None else Secret(value)

    def to_python(self, value: Any) -> Secret | None:
        if value is None or isinstance(value, Secret):
            return value
        if isinstance(value, str):
            if value.startswith(_SERIALIZED):
                return Secret(value.removeprefix(_SERIALIZED))
            return Secret.conceal(value)
        raise TypeError("An EncryptedField takes text or a Secret.")

    def get_prep_value(self, value: Any) -> str | None:
        secret = self.to_python(value)
        return None if secret is None else secret.token

    def value_to_string(self, obj: models.Model) -> str | None:  # type: ignore[override]
        secret = self.value_from_object(obj)
        return None if secret is None else _SERIALIZED + secret.token

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be filtered on.")
        return super().get_lookup(lookup_name)
