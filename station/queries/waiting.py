"""A queue walked to its end: what cannot be done at its head holds back nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet


def walked(rows: QuerySet[Any], value: str = "pk", *, size: int) -> Iterator[Any]:
    """A value of each waiting row, oldest first. One statement for each `size` rows and one more.

    Work on a row goes between two batches: what it ends is not read again.
    """
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", value)[:size]):
        yield from (told for _, told in batch)
        last = batch[-1][0]
