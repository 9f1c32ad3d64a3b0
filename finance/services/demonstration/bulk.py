"""Bulk copy into PostgreSQL: rows are copied in the background while the next ones are made."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection, models

Table = type[models.Model]
Row = TypeVar("Row", bound=models.Model)
READ_AT_ONCE = 1 << 20
# The guard of a sale asks for its lines and payments by this column while they are copied.
ASKED_BY_A_GUARD = "sale_id"


class Ids:
    """Hands out primary keys of a table that nobody else writes meanwhile."""

    def __init__(self, model: Table) -> None:
        self._table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [self._table])
            self._next: int = cursor.fetchone()[0]

    def next(self) -> int:
        self._next += 1
        return self._next - 1

    def settle(self) -> None:
        """Let the table's own sequence go on after the last key given."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)",
                [self._table, self._next],
            )


class Copier:
    """Collects rows per table and copies them in the order of the tables, every guard being on."""

    def __init__(self, tables: Mapping[Table, Sequence[str]]) -> None:
        self.ids = {
            model: Ids(model) for model in tables if isinstance(model._meta.pk, models.AutoField)
        }
        self._attributes = {
            model: [_attribute(model, column) for column in columns]
            for model, columns in tables.items()
        }
        self._statements = {model: _statement(model, columns) for model, columns in tables.items()}
        self._rows: dict[Table, list[Sequence[object]]] = {model: [] for model in tables}
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._running: Future[None] | None = None

    def add(self, model: Table, *values: object) -> None:
        """Queue one row; values in the order of the table's columns, None is NULL."""
        self._rows[model].append(values)

    def put(self, row: Row) -> Row:
        """Queue a whole instance; it gets its key now, so that others can point at it."""
        model = type(row)
        if row.pk is None:
            row.pk = self.ids[model].next()
        self._rows[model].append([_text(getattr(row, name)) for name in self._attributes[model]])
        return row

    def flush(self, *, at_least: int = 0) -> None:
        """Have what was queued copied in the background, once it is so many rows.

        The connection is the copying thread's until `wait` returns.
        """
        if sum(map(len, self._rows.values())) < at_least:
            return
        batch = []
        for model, rows in self._rows.items():
            if rows:
                buffer = io.StringIO()
                csv.writer(buffer).writerows(rows)
                buffer.seek(0)
                batch.append((self._statements[model], buffer))
                rows.clear()
        self.wait()
        connection.ensure_connection()
        self._running = self._pool.submit(_copy, connection.connection, batch)

    def wait(self) -> None:
        """Return when the copying thread has done its batch; raises what the database refused."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def finish(self) -> None:
        """Copy the rest and leave the keys to the tables' own sequences."""
        self.flush()
        self.wait()
        for ids in self.ids.values():
            ids.settle()


def _statement(model: Table, columns: Sequence[str]) -> str:
    """COPY in which an empty field is NULL, but an empty text in columns that have no NULL."""
    texts = [
        column
        for column in columns
        if (field := _field(model, column)).empty_strings_allowed and not field.null
    ]
    options = f", FORCE_NOT_NULL ({', '.join(texts)})" if texts else ""
    return (
        f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv{options})"
    )


def _field(model: Table, column: str) -> models.Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.column == column)


def _attribute(model: Table, column: str) -> str:
    return _field(model, column).attname


def _text(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _copy(raw: Any, batch: Sequence[tuple[str, io.StringIO]]) -> None:
    with raw.cursor() as cursor:
        for statement, buffer in batch:
            cursor.copy_expert(statement, buffer, READ_AT_ONCE)
        # What the guards leave to the commit is asked now, while the rows are at hand.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def keys_and_indexes_after(tables: Sequence[Table]) -> Iterator[None]:
    """Take foreign keys and plain indexes off the tables and put them back after the block.

    PostgreSQL then checks the keys of all rows at once, and builds each index once, as its manual
    advises for bulk loads. Call it inside a transaction: whoever breaks off finds them in place.
    """
    names = [model._meta.db_table for model in tables]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(TAKEN_OFF, {"tables": names, "asked": ASKED_BY_A_GUARD})
        taken = cursor.fetchall()
        for off, _ in taken:
            cursor.execute(off)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        for _, back in taken:
            cursor.execute(back)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


TAKEN_OFF = """
    SELECT FORMAT('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
        FORMAT('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
            PG_GET_CONSTRAINTDEF(oid))
    FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT FORMAT('DROP INDEX %%s', indexrelid::regclass), PG_GET_INDEXDEF(indexrelid)
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT indisunique AND indpred IS NULL
        AND attname <> %(asked)s
"""
