"""One statement asked of the facts, answered as rows by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection

Row = dict[str, Any]


def ask(statement: str, **parameters: Any) -> list[Row]:
    """The rows of a statement with named parameters; `zone` is the station's clock."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"zone": settings.TIME_ZONE, **parameters})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def by_day(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Rows under the business day that they carry; the day itself is taken out of the row."""
    days: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        days[row.pop("day_id")].append(row)
    return days
