"""Lists: what a page of rows is, and how to read the next page by key instead of by number.

A list costs one statement for its rows and one for its count and sums, whatever it holds.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Aggregate, Count, Expression, Model, Q, QuerySet
from django.forms import Form
from django.utils.timezone import get_current_timezone

from station.queries.columns import (
    Action,
    Cell,
    Column,
    Empty,
    Line,
    Sheet,
    Tone,
    Value,
    line,
    totals,
)

PER_PAGE: Final = 50
NO_RECORDS: Final = Empty("还没有记录")
_NOTHING_FOUND: Final = Empty(
    "没有符合条件的记录", "放宽或清除上面的筛选条件再查。", icon="search-off"
)


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """A list as a view describes it.

    `rows` is the queryset, filtered and with `select_related`, not ordered; `order` are fields of
    the row (with "-" where newest first), none of them null; the primary key is added as the tie.
    `sums` are aggregates by name, named by `Column.sum`. `per_page` 0 shows all rows of a short list.
    """

    title: str
    columns: tuple[Column, ...]
    rows: QuerySet[Any]
    order: tuple[str, ...] = ()
    filters: Form | None = None
    opens: Callable[[Any], str] | None = None
    tone: Callable[[Any], Tone] | None = None
    sums: Mapping[str, Aggregate | Expression] = field(default_factory=dict)
    primary: Action | None = None
    empty: Empty = NO_RECORDS
    note: str = ""
    per_page: int = PER_PAGE
    counting: bool = True  # False for tables so long that counting them would be felt
    element: str = "list"
    landscape: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, finished: the sheet, where the pages before and after begin."""

    sheet: Sheet
    empty: Empty
    counted: str
    before: str = ""
    after: str = ""

    @property
    def rows(self) -> tuple[Line, ...]:
        return tuple(self.sheet.rows)


def within(
    rows: QuerySet[Any], field: str, *, since: date | None = None, until: date | None = None
) -> QuerySet[Any]:
    """Rows whose moment lies on local days from `since` to `until`, both included; None is open.

    By half-open instants, so that an index on the moment serves.
    """
    if since:
        rows = rows.filter(**{f"{field}__gte": _start_of(since)})
    if until and until < date.max:
        rows = rows.filter(**{f"{field}__lt": _start_of(until + timedelta(days=1))})
    return rows


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=get_current_timezone())


def read_page(
    listing: ListPage, *, before: str = "", after: str = "", filtered: bool = False
) -> Page:
    """The page after (or before) a cursor; without one the first. Sums are of all filtered rows.

    A cursor that cannot be read is taken as none. At most two statements.
    """
    ordering = _ordering(listing)
    backwards = bool(before)
    rows = listing.rows.order_by(*(_turned(ordering) if backwards else ordering))
    cursor = _read_cursor(before or after, listing, ordering)
    if cursor is None:
        backwards = False
        rows = rows.order_by(*ordering)
    else:
        rows = rows.filter(_beyond(cursor, ordering, backwards))
    size = listing.per_page
    found = list(rows[: size + 1] if size else rows)
    more = bool(size) and len(found) > size
    found = found[:size] if size else found
    if backwards:
        found.reverse()
    counted, sums = _counted(listing) if found or cursor is not None else (0, {})
    return Page(
        Sheet(listing.columns, tuple(_lines(listing, found)), totals(listing.columns, sums)),
        _NOTHING_FOUND if filtered else listing.empty,
        f"共 {counted:,} 条" if listing.counting else f"本页 {len(found):,} 条",
        _cursor(found[0], ordering)
        if found and (more if backwards else cursor is not None)
        else "",
        _cursor(found[-1], ordering) if found and (backwards or more) else "",
    )


def all_lines(listing: ListPage) -> Iterator[Line]:
    """Every filtered row, read in portions by a server-side cursor: memory does not grow."""
    rows = listing.rows.order_by(*_ordering(listing))
    yield from _lines(listing, rows.iterator(chunk_size=2000))


def sum_row(listing: ListPage) -> tuple[Cell, ...]:
    """The total row over all filtered rows; one statement, none where nothing is summed."""
    if not listing.sums:
        return ()
    return totals(listing.columns, _counted(listing)[1])


def _lines(listing: ListPage, rows: Iterable[Any]) -> Iterator[Line]:
    for row in rows:
        yield line(
            listing.columns,
            row,
            listing.opens(row) if listing.opens else "",
            listing.tone(row) if listing.tone else "",
        )


def _counted(listing: ListPage) -> tuple[int, dict[str, Value]]:
    wanted = dict(listing.sums)
    if listing.counting:
        wanted["rows_counted"] = Count("pk")
    if not wanted:
        return 0, {}
    found = listing.rows.order_by().aggregate(**wanted)
    return found.pop("rows_counted", 0), found


def _ordering(listing: ListPage) -> tuple[str, ...]:
    last = listing.order[-1] if listing.order else ""
    return (*listing.order, "-pk" if last.startswith("-") else "pk")


def _turned(ordering: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in ordering)


def _beyond(cursor: tuple[Any, ...], ordering: tuple[str, ...], backwards: bool) -> Q:
    """Rows past the cursor: (a > x) or (a = x and (b > y or …)); < where the order falls."""
    condition = Q()
    for name, value in reversed(list(zip(ordering, cursor, strict=True))):
        falls = name.startswith("-") != backwards
        bare = name.lstrip("-")
        past = Q(**{f"{bare}__{'lt' if falls else 'gt'}": value})
        condition = past | (Q(**{bare: value}) & condition) if condition else past
    return condition


def _cursor(row: Model, ordering: tuple[str, ...]) -> str:
    """Where a row stands in the order, as text for the address."""
    values = []
    for name in ordering:
        found: Any = row
        for part in name.lstrip("-").split("__"):
            found = getattr(found, part)
        if isinstance(found, Model):
            found = found.pk
        values.append(found if isinstance(found, str | int) else _texted(found))
    return urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _texted(value: date | datetime | Decimal) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_cursor(text: str, listing: ListPage, ordering: tuple[str, ...]) -> tuple[Any, ...] | None:
    if not text:
        return None
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(ordering):
            return None
        return tuple(
            _field(listing.rows, name.lstrip("-")).to_python(value)
            for name, value in zip(ordering, values, strict=True)
        )
    except (ValueError, Base64Error, ValidationError, FieldDoesNotExist, TypeError):
        return None


def _field(rows: QuerySet[Any], path: str) -> Any:
    """The model field at the end of an order path."""
    model: Any = rows.model
    *steps, last = path.split("__")
    for step in steps:
        model = model._meta.get_field(step).related_model
    return model._meta.pk if last == "pk" else model._meta.get_field(last)
