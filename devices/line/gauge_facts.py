"""What a gauge tells, as the spool keeps it. Litres, mm and °C as strings, times ISO with zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from devices.line.facts import millis
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.frames import read_stamp
from devices.spool import Body, Fact

READINGS, DELIVERY, ALARMS, HOLD = "gauge", "gauge_delivery", "gauge_alarms", "water_hold"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def at_of(stamp: str, zone: tzinfo) -> datetime:
    """An instant of the console's own clock."""
    year, month, day, hour, minute = read_stamp(stamp)
    return datetime(year, month, day, hour, minute, tzinfo=zone)


def readings(line: int, tanks: Sequence[tuple[int, m.Tank]], format: str, at: datetime) -> Fact:
    """What stands in each tank, as one answer of the console told it."""
    body: Body = {
        "at": at.isoformat(),
        "format": format,
        "tanks": [
            {
                "tank": pk,
                "volume": _text(one.volume),
                "tc_volume": _text(one.tc_volume),
                "ullage": _text(one.ullage),
                "height": _text(one.height),
                "water": _text(one.water),
                "water_volume": _text(one.water_volume),
                "temperature": _text(one.temperature),
                "delivering": one.delivering,
            }
            for pk, one in tanks
        ],
    }
    return Fact(f"gauge:{line}:{millis(at)}", READINGS, body, at)


def delivery(tank: int, one: m.Delivery, zone: tzinfo, at: datetime) -> Fact:
    """A delivery; known by tank, start and end, however often the console tells it."""
    body: Body = {
        "tank": tank,
        "started_at": at_of(one.started, zone).isoformat(),
        "ended_at": at_of(one.ended, zone).isoformat(),
        **{name: _text(getattr(one, name)) for name in m.DELIVERY_FIGURES},
    }
    return Fact(f"gauge_delivery:{tank}:{one.started}:{one.ended}", DELIVERY, body, at)


def alarms(tank: int, types: Sequence[str], at: datetime) -> Fact:
    """All alarms that a tank has now at the console; those it had before are over."""
    body: Body = {"tank": tank, "types": list(types), "at": at.isoformat()}
    return Fact(f"gauge_alarms:{tank}:{millis(at)}", ALARMS, body, at)


def hold(tank: int, water: Decimal, limit: Decimal, since: datetime, *, over: bool) -> Fact:
    """Water above the tank's limit, or (over) below it again."""
    body: Body = {
        "tank": tank,
        "water": str(water),
        "limit": str(limit),
        "over": over,
        "at": since.isoformat(),
    }
    word = "over" if over else "on"
    return Fact(f"water_hold:{tank}:{word}:{millis(since)}", HOLD, body, since)
