"""The statements of emit(), without the cost of models: it runs within somebody's request."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.db import connection

from .models import Delivery, Endpoint, Message
from .sql import compiled, fetch, marks, numbers, run


#: Stands for the path of any page; no name of an event type has it.
_ANY_PATH = "?"


_INSERT = f"""
    INSERT INTO {Delivery._meta.db_table} (message_id, endpoint_id, {{columns}})
    SELECT m.id, e.id, {{values}}
    FROM {Message._meta.db_table} m CROSS JOIN {Endpoint._meta.db_table} e
    WHERE m.id IN ({{messages}}) AND e.id IN ({{endpoints}})
    ORDER BY m.id, e.id
"""  # noqa: S608  names and numbers only


def subscribers(event_type: str, page: Any = None) -> list[int]:
    """The keys of ``Endpoint.objects.subscribed_to(event_type, page)``."""
    path, step = ("", 1) if page is None else (page.path, page.steplen)
    statement, parameters = _subscribers_statement(event_type, len(path), step)
    return [
        pk
        for (pk,) in fetch(
            statement,
            [path[: len(each)] if each.startswith(_ANY_PATH) else each for each in parameters],
        )
    ]


@lru_cache(maxsize=512)
def _subscribers_statement(
    event_type: str, path_length: int, step: int
) -> tuple[str, tuple[Any, ...]]:
    """To make it of a queryset takes longer than to run it, and only the path differs."""
    page = SimpleNamespace(path=_ANY_PATH * path_length, steplen=step) if path_length else None
    return compiled(Endpoint.objects.subscribed_to(event_type, page).values_list("pk"))


def insert_message(message: Message) -> None:
    """What ``message.save(force_insert=True)`` does, without signals."""
    fields = Message._meta.concrete_fields
    values = [
        field.get_db_prep_save(field.pre_save(message, add=True), connection) for field in fields
    ]
    run(_insert_message_statement(), values)
    message._state.adding = False


@lru_cache(maxsize=1)
def _insert_message_statement() -> str:
    columns = [str(field.column) for field in Message._meta.concrete_fields]
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    return f"INSERT INTO {Message._meta.db_table} ({quoted}) VALUES ({marks(columns)})"  # noqa: S608


def insert_deliveries(
    message_ids: Collection[str], endpoint_ids: Collection[int], **state: Any
) -> None:
    """One of each message to each endpoint. ``state``: fields of a Delivery, or expressions."""
    template = Delivery(**state)
    compiler = Delivery.objects.all().query.get_compiler(connection=connection)
    columns: list[str] = []
    values: list[str] = []
    parameters: list[Any] = []
    for field in Delivery._meta.concrete_fields:
        if field.primary_key or field.attname in ("message_id", "endpoint_id"):
            continue
        value = field.pre_save(template, add=True)
        if hasattr(value, "as_sql"):
            sql, own = compiler.compile(value)
        else:
            sql, own = "%s", [field.get_db_prep_save(value, connection)]
        columns.append(str(field.column))
        values.append(sql)
        parameters += own
    statement = _INSERT.format(
        columns=", ".join(columns),
        values=", ".join(values),
        messages=marks(list(message_ids)),
        endpoints=numbers(endpoint_ids),
    )
    run(statement, [*parameters, *message_ids])
