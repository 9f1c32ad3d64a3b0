"""What the database refuses whoever asks: no table of rows that stay is emptied."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

GUARDS = "('append_only', 'never_deleted', 'stays_closed', 'closed_day_stays')"


def tables(names: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname IN {names}"
        )
        return {name for (name,) in cursor.fetchall()}


def test_a_table_whose_rows_stay_is_not_emptied_either():
    kept = tables(GUARDS)
    assert "station_auditentry" in kept
    assert len(kept) > 30
    assert kept == tables("('never_emptied')")
