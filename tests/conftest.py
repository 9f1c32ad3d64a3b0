"""What every test of the station shares; what a run needs is in station.runtime.pytest_plugin."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from whitenoise.base import WhiteNoise


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> Generator[None, None, None]:
    """Each test client loads the middleware anew; the static files are the same all the while."""
    listed: dict[tuple[str, str], dict[str, object]] = {}
    list_all = WhiteNoise.update_files_dictionary

    def listed_once(self: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in listed:
            others, self.files = self.files, {}
            list_all(self, root, prefix)
            self.files, listed[root, prefix] = others, self.files
        self.files.update(listed[root, prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", listed_once)
        yield


KEPT = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def tables_may_be_emptied() -> Generator[None, None, None]:
    """Django empties all tables after a test of several transactions; the guards forbid it.

    Only those that hold anything are emptied, and what Django itself would fill in again stays.
    """
    flush = DatabaseOperations.sql_flush

    def without_guards(
        self: DatabaseOperations, style: Any, tables: list[str], **options: Any
    ) -> list[str]:
        asked = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {self.quote_name(table)})"
            for table in tables
            if table not in KEPT
        )
        with self.connection.cursor() as cursor:
            cursor.execute(asked)
            filled = [table for (table,) in cursor.fetchall()]
        if not filled:
            return []
        # What refers to a filled table is filled and emptied too, or empty.
        emptied = flush(self, style, filled, **{**options, "allow_cascade": True})
        return ["SET LOCAL session_replication_role = replica;", *emptied]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", without_guards)
        yield
