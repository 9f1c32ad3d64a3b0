"""Freeze the books of tanks when a shift or a day is closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from inventory.models import TankBook
from inventory.queries.books import Book, add_up, from_row, live_books
from station.errors import Refusal
from station.models import BusinessDay, Shift
from station.money import Litres


class EarlierShiftIsOpen(Refusal):
    """Books chain: a shift opens on what the one before closed on."""


@transaction.atomic
def freeze_shift_books(
    *,
    shift: Shift,
    at: datetime,
    runs: Mapping[int, Litres],
    own_use: Mapping[int, Litres],
    reasons: Mapping[int, str],
) -> list[TankBook]:
    """Freeze the book of every tank over a shift; call it before the shift is marked closed.

    `runs` are the totalizer litres per tank id, `own_use` the metered litres that were no sale,
    `reasons` the words for a variance. The physical litres are the shift's handover dips.
    Refuses while an earlier shift is not frozen.
    """
    live = live_books(shift.station)
    if next(iter(live), shift.pk) != shift.pk:
        raise EarlierShiftIsOpen("前一班还没有班结：油罐账按班次衔接，请先完成前一班的班结")
    rows = []
    for book in live[shift.pk]:
        pumped = runs.get(book.tank.pk, book.pumped)
        closing = book.book + book.pumped - pumped
        rows.append(
            TankBook(
                tank=book.tank,
                day=shift.day,
                shift=shift,
                opening_l=book.opening,
                opening_is_physical=book.opening_is_physical,
                received_l=book.received,
                pumped_l=pumped,
                returned_l=book.returned,
                other_l=book.other,
                sold_l=pumped - book.returned - own_use.get(book.tank.pk, Litres(0)),
                book_l=closing,
                dip=book.dip,
                physical_l=book.physical,
                variance_l=None if book.physical is None else book.physical - closing,
                reason=reasons.get(book.tank.pk, ""),
                frozen_at=at,
            )
        )
    return TankBook.objects.bulk_create(rows)


@transaction.atomic
def freeze_day_books(*, days: Sequence[tuple[BusinessDay, datetime]]) -> list[TankBook]:
    """Freeze the book of every tank over each day from its frozen shifts. Call it inside the close."""
    rows = TankBook.objects.filter(shift__day__in=[day for day, _ in days])
    by_tank: dict[tuple[int, int], list[Book]] = defaultdict(list)
    for row in rows.select_related("tank__grade", "dip").order_by("shift__ordinal"):
        by_tank[row.day_id, row.tank_id].append(from_row(row, None))
    of_day = {day.pk: (day, at) for day, at in days}
    return TankBook.objects.bulk_create(
        [_day_row(of_day[day], add_up(books)) for (day, _), books in by_tank.items()]
    )


def _day_row(closed: tuple[BusinessDay, datetime], book: Book) -> TankBook:
    day, at = closed
    return TankBook(
        tank=book.tank,
        day=day,
        shift=None,
        opening_l=book.opening,
        opening_is_physical=book.opening_is_physical,
        received_l=book.received,
        pumped_l=book.pumped,
        returned_l=book.returned,
        other_l=book.other,
        sold_l=book.sold,
        book_l=book.book,
        dip=book.dip,
        physical_l=book.physical,
        variance_l=book.variance,
        reason=book.reason[:200],
        frozen_at=at,
    )
