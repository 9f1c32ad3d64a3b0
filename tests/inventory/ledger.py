"""Frozen days of a tank, as closes have left them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from inventory.models import Dip, TankBook
from inventory.queries.strapping import v20
from station.models import BusinessDay, Shift, Station, Tank
from tests import make

D = Decimal


def frozen(
    tank: Tank,
    on: date,
    *,
    opening: str,
    pumped: str = "0",
    physical: str | None = None,
    received: str = "0",
    returned: str = "0",
    other: str = "0",
    own_use: str = "0",
    temp: str | None = None,
    reason: str = "",
) -> TankBook:
    """A closed day of one shift of a tank; its day's row is returned."""
    (row,) = frozen_shifts(
        tank,
        on,
        [
            {
                "opening": opening, "pumped": pumped, "physical": physical, "received": received,
                "returned": returned, "other": other, "own_use": own_use, "temp": temp,
                "reason": reason,
            }
        ],
    )[-1:]  # fmt: skip
    return row


def frozen_shifts(tank: Tank, on: date, shifts: Sequence[dict[str, str | None]]) -> list[TankBook]:
    """A closed day of several shifts of a tank: their rows, and the day's row last."""
    day = closing_day(tank.station, on)
    ended = make.at(22, day=on)
    rows = []
    for ordinal, told in enumerate(shifts, 1):
        shift, _ = Shift.objects.get_or_create(
            day=day,
            ordinal=ordinal,
            defaults={
                "station": tank.station, "name": f"{ordinal} 班", "opened_at": day.opened_at,
                "handed_over_at": ended, "leader": make.manager(tank.station),
                "status": Shift.Status.HANDED_OVER,
            },
        )  # fmt: skip
        rows.append(TankBook.objects.create(shift=shift, **_columns(tank, day, ended, told)))
    whole = TankBook.objects.create(**_added(rows, day, ended))
    Shift.objects.filter(day=day).exclude(status="CLOSED").update(status="CLOSED", closed_at=ended)
    BusinessDay.objects.filter(pk=day.pk).update(status="CLOSED", closed_at=ended)
    return [*rows, whole]


def closing_day(station: Station, on: date) -> BusinessDay:
    """The day of a date, being counted. A closed one is opened again for another tank's rows."""
    begun, ended = make.at(8, day=on), make.at(22, day=on)
    day, _ = BusinessDay.objects.get_or_create(
        station=station,
        date=on,
        defaults={"status": "CUT", "opened_at": begun, "cut_at": ended},
    )
    return day


def _columns(
    tank: Tank, day: BusinessDay, at: datetime, told: dict[str, str | None]
) -> dict[str, object]:
    def litres(name: str) -> Decimal:
        return D(told.get(name) or "0")

    opening, pumped, returned = litres("opening"), litres("pumped"), litres("returned")
    book = opening + litres("received") - pumped + returned + litres("other")
    physical = None if told.get("physical") is None else litres("physical")
    dip = None
    if physical is not None:
        temp = None if told.get("temp") is None else litres("temp")
        dip = Dip.objects.create(
            station=tank.station,
            tank=tank,
            day=day,
            source=Dip.Source.DIP,
            purpose=Dip.Purpose.HANDOVER,
            net_l=physical,
            temp_c=temp,
            v20_l=None if temp is None else v20(physical, temp, D(tank.grade.expansion)),
            occurred_at=at,
        )
    return {
        "tank": tank,
        "day": day,
        "opening_l": opening,
        "received_l": litres("received"),
        "pumped_l": pumped,
        "returned_l": returned,
        "other_l": litres("other"),
        "sold_l": pumped - returned - litres("own_use"),
        "book_l": book,
        "dip": dip,
        "physical_l": physical,
        "variance_l": None if physical is None else physical - book,
        "reason": told.get("reason") or "",
        "frozen_at": at,
    }


def _added(rows: Sequence[TankBook], day: BusinessDay, at: datetime) -> dict[str, object]:
    first, last = rows[0], rows[-1]
    sums = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("received_l", "pumped_l", "returned_l", "other_l", "sold_l")
    }
    book = (
        first.opening_l + sums["received_l"] - sums["pumped_l"]
        + sums["returned_l"] + sums["other_l"]
    )  # fmt: skip
    closing = last.book_l if last.physical_l is None else last.physical_l
    measured = any(row.physical_l is not None for row in rows)
    return {
        **sums,
        "tank": first.tank,
        "day": day,
        "opening_l": first.opening_l,
        "book_l": book,
        "dip": next((row.dip for row in reversed(rows) if row.dip), None),
        "physical_l": closing if measured else None,
        "variance_l": closing - book if measured else None,
        "reason": "；".join(row.reason for row in rows if row.reason),
        "frozen_at": at,
    }
