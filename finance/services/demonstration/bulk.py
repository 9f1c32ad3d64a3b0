"""Bulk copy into PostgreSQL, with every guard of the database on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

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
    """Hands out primary keys of a table, from blocks taken off its sequence."""

    BLOCK = 500

    def __init__(self, model: type[models.Model]) -> None:
        self._table = model._meta.db_table
        self._next = self._end = 0

    def next(self) -> int:
        if self._next == self._end:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setval(sequence, nextval(sequence) + %s)"
                    " FROM pg_get_serial_sequence(%s, 'id') AS sequence",
                    [self.BLOCK - 1, self._table],
                )
                self._end = int(cursor.fetchone()[0]) + 1
            self._next = self._end - self.BLOCK
        self._next += 1
        return self._next - 1
