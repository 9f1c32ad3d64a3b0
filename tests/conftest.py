"""What every test of the station shares; what a run needs is in station.runtime.pytest_plugin."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management.commands import flush
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


@pytest.fixture(scope="session", autouse=True)
def secrets_hashed_lightly() -> Generator[None, None, None]:
    """Argon2 takes its time on purpose, and eight threads, for each password and PIN of a test."""
    with pytest.MonkeyPatch.context() as patch:
        for cost, least in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, cost, least)
        yield


KEPT = {"django_content_type", "auth_permission"}
# A replica checks no key and calls no guard.
EMPTY = """DO $$
DECLARE
    emptied name;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH emptied IN ARRAY ARRAY[{}] LOOP
        -- Most have never had a row: to ask for the file is a tenth of planning a DELETE.
        IF pg_relation_size(emptied::text::regclass) > 0 THEN
            EXECUTE FORMAT('DELETE FROM %I', emptied);
        END IF;
    END LOOP;
END $$;"""


@pytest.fixture(scope="session", autouse=True)
def tables_may_be_emptied() -> Generator[None, None, None]:
    """Django empties all tables after a test of several transactions; the guards forbid it.

    A test leaves a few rows in a few of the tables. To delete them costs a tenth of giving every
    table and index that refers to them a new file, as TRUNCATE does. What Django itself would fill
    in again stays, so that it need not be told.
    """

    def without_guards(
        self: DatabaseOperations, style: Any, tables: list[str], **options: Any
    ) -> list[str]:
        emptied = ", ".join(f"'{table}'" for table in tables if table not in KEPT)
        return [EMPTY.format(emptied)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", without_guards)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield
