"""Bulk copy into PostgreSQL, with every guard of the database on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.db import connection, models

NULL = r"\N"


class Copier:
    """Collects rows per table and copies them in an order that satisfies the foreign keys."""

    def __init__(self, *tables: tuple[type[models.Model], Sequence[str]]) -> None:
        self._columns = {model: list(columns) for model, columns in tables}
        self._rows: dict[type[models.Model], list[Sequence[object]]] = {
            model: [] for model, _ in tables
        }

    def add(self, model: type[models.Model], *values: object) -> None:
        """Queue one row; values in the order of the table's columns, None is NULL."""
        self._rows[model].append(values)

    def flush(self) -> int:
        """Copy what was queued, table by table; returns the rows copied."""
        copied = 0
        with connection.cursor() as cursor:
            for model, rows in self._rows.items():
                if not rows:
                    continue
                buffer = io.StringIO()
                writer = csv.writer(buffer)
                writer.writerows(
                    [NULL if value is None else value for value in row] for row in rows
                )
                buffer.seek(0)
                columns = ", ".join(self._columns[model])
                cursor.copy_expert(
                    f"COPY {model._meta.db_table} ({columns}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')",
                    buffer,
                )
                copied += len(rows)
                rows.clear()
        return copied


class Ids:
    """Hands out primary keys of a table from a block of its sequence."""

    def __init__(self, model: type[models.Model]) -> None:
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
            self._last = int(cursor.fetchone()[0])
        self._table = table

    def next(self) -> int:
        self._last += 1
        return self._last

    def settle(self) -> None:
        """Move the sequence past what was handed out."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), GREATEST(%s, 1))",
                [self._table, self._last],
            )


def settle_all(ids: Iterable[Ids]) -> None:
    """Settle several sequences."""
    for one in ids:
        one.settle()
