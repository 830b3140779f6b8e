"""Checks by somebody else’s code: JSON Schema by jsonschema, formats included."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


def validator_of(schema: Any) -> Draft202012Validator:
    """The schema itself must be one."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def complaints(value: Any, schema: Any) -> list[str]:
    """What the schema finds wrong with the value."""
    validator = schema if isinstance(schema, Draft202012Validator) else validator_of(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
