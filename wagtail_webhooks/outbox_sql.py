"""The statement that makes deliveries, written out: a hundred in the time of a few models."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection

from .models import Delivery, Endpoint, Message
from .sql import marks, numbers, run


_INSERT = f"""
    INSERT INTO {Delivery._meta.db_table} (message_id, endpoint_id, {{columns}})
    SELECT m.id, e.id, {{values}}
    FROM {Message._meta.db_table} m CROSS JOIN {Endpoint._meta.db_table} e
    WHERE m.id IN ({{messages}}) AND e.id IN ({{endpoints}})
    ORDER BY m.id, e.id
"""  # noqa: S608  names and numbers only


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
