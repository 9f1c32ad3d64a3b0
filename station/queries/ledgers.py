"""What the whole database adds up to, table by table: the proof that a copy is a copy."""

from __future__ import annotations

from decimal import Decimal

from django.apps import apps
from django.db import connection
from django.db.models import DecimalField, Model, Sum


def row_counts() -> dict[str, int]:
    """Return the rows of every table of the database, Django's own included."""
    counts = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            (counts[table],) = cursor.fetchone()
    return counts


def ledger_sums() -> dict[str, str]:
    """Return the sum of every money, volume and other decimal column, by "table.column"."""
    sums = {}
    for model in sorted(apps.get_models(), key=lambda model: model._meta.db_table):
        table = model._meta.db_table
        for column, total in _sums_of(model).items():
            sums[f"{table}.{column}"] = str(total)
    return sums


def _sums_of(model: type[Model]) -> dict[str, Decimal]:
    columns = [
        field.name for field in model._meta.concrete_fields if isinstance(field, DecimalField)
    ]
    if not columns or model._meta.proxy or not model._meta.managed:
        return {}
    totals = model._default_manager.aggregate(**{f"sum_{name}": Sum(name) for name in columns})
    return {name: totals[f"sum_{name}"] or Decimal(0) for name in columns}
