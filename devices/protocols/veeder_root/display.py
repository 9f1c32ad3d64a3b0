"""The display format: text for people, read as far as it says anything for certain.

It has no check, so a codec believes only what two answers in a row say alike. A line counts when
it is whole, which is when its end was seen: what a cut left behind is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from devices.protocols.base import Malformed
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.alarms import code_of
from devices.protocols.veeder_root.frames import ETX, SOH, STAMP, is_unknown, read_stamp

_TELNET = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.DOTALL)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_TANK = re.compile(r"^\s*(\d{1,2})\s+(?:(\S.*?)\s+)?" + r"\s+".join([_NUMBER] * 6) + r"\s*$")
_STATUS = re.compile(r"^\s*(\d{1,2})\s+(\S.*?)(?:\s{2,}(\S.*?))?\s*$")
_HEADING = re.compile(r"^\s*T\s*(\d{1,2}):(.*)$")
_END = re.compile(r"^\s*(END|START):\s*(.*?)\s{2,}" + r"\s+".join([_NUMBER] * 5) + r"\s*$")
_SYSTEM = re.compile(r"^\s*T\s*(\d{1,2}):(\S.*?)\s*$")
_NAMED = re.compile(r"([A-Z]{3})\s+(\d{1,2}),\s*(\d{4})\s+(\d{1,2}):(\d\d)(?::\d\d)?\s*([AP]M)?")
_DIGITS = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\s+(\d{1,2}):(\d\d)(?::\d\d)?\s*([AP]M)?")
_UNITS = (("METRIC", m.Units.METRIC), ("IMPERIAL", m.Units.IMPERIAL), ("U.S.", m.Units.US))


def begins(buffer: bytes, code: str) -> bool:
    """Whether the answer to a question has begun, in whatever else came."""
    return code.upper().encode() in buffer


def lines_of(raw: bytes, code: str) -> list[str]:
    """The whole lines of an answer, those that follow its code. Raises Malformed where it has none."""
    if is_unknown(raw):
        raise Malformed("the console does not know the function")
    plain = _TELNET.sub(b"", raw).decode("latin-1")
    start = plain.rfind(code.upper())
    if start < 0:
        raise Malformed("no answer to the question")
    body = plain[start + len(code) :]
    end = body.find(ETX.decode())
    whole = body[:end] + "\n" if end >= 0 else body[: body.rfind("\n") + 1]
    return re.split(r"\r\n|\n\r|\n|\r", whole)


def stamp_in(text: str) -> str:
    """The time in a line as YYMMDDHHmm. Raises Malformed where there is none."""
    if found := _NAMED.search(text.upper()):
        name, day, year, hour, minute, half = found.groups()
        month = _MONTHS.index(name) + 1 if name in _MONTHS else 0
    elif found := _DIGITS.search(text.upper()):
        first, day, year, hour, minute, half = found.groups()
        month = int(first)
    else:
        raise Malformed("no time")
    hours = int(hour) % 12 + 12 * (half == "PM") if half else int(hour)
    stamp = f"{int(year) % 100:02d}{month:02d}{int(day):02d}{hours:02d}{int(minute):02d}"
    read_stamp(stamp)
    return stamp


def heard(code: str, raw: bytes) -> Iterator[m.Said]:
    """The event that an answer in display format is. Raises Malformed."""
    lines = lines_of(raw, code)
    stamps = [stamp for line in lines[:6] if (stamp := _stamp_or_none(line))]
    if not stamps:
        raise Malformed("no time of the console")
    said = {"address": 0, "stamp": stamps[0], "format": m.Format.DISPLAY}
    match code[1:4].upper():
        case "201":
            yield m.InventoryRead(**said, tanks=_tanks(lines))  # type: ignore[arg-type]
        case "202" | "20C":
            yield m.DeliveriesRead(**said, deliveries=_deliveries(lines))  # type: ignore[arg-type]
        case "205":
            yield m.TankAlarmsRead(**said, alarms=_alarms(lines))  # type: ignore[arg-type]
        case "101":
            yield m.SystemRead(**said, states=_system(lines))  # type: ignore[arg-type]
        case "501":
            was_set = code[0] in "sS"
            yield m.ClockRead(**said, time=stamps[-1], was_set=was_set)  # type: ignore[arg-type]
        case "517":
            yield m.UnitsRead(**said, units=_units(lines), language="")  # type: ignore[arg-type]
        case other:
            raise Malformed(f"{other} is not read in display format")


def _stamp_or_none(line: str) -> str | None:
    try:
        return stamp_in(line)
    except Malformed:
        return None


def _tanks(lines: list[str]) -> tuple[m.Tank, ...]:
    if not any("TANK" in line.upper() and "VOLUME" in line.upper() for line in lines):
        raise Malformed("no head of an inventory")
    found = []
    for line in lines:
        row = _TANK.match(line)
        if row is None:
            continue
        number, product, *figures = row.groups()
        values = dict(zip(m.TANK_FIGURES, map(Decimal, figures), strict=False))
        found.append(m.Tank(int(number), (product or "").strip(), 0, **values))
    if not found or len({one.tank for one in found}) != len(found) or found[0].tank == 0:
        raise Malformed("no tanks")
    return tuple(found)


def _deliveries(lines: list[str]) -> tuple[m.Delivery, ...]:
    tank, product, found = 0, "", []
    end: tuple[str, list[Decimal]] | None = None
    for line in lines:
        if heading := _HEADING.match(line):
            tank, product, end = int(heading[1]), heading[2].strip(), None
        elif row := _END.match(line):
            at, values = stamp_in(row[2]), [Decimal(one) for one in row.groups()[2:]]
            if row[1] == "END":
                end = at, values
            elif end is not None and tank:
                found.append(_delivery(tank, product, at, values, *end))
                end = None
    return tuple(found)


def _delivery(
    tank: int, product: str, started: str, start: list[Decimal], ended: str, end: list[Decimal]
) -> m.Delivery:
    """Volume, TC volume, water, temperature, height at either end."""
    if read_stamp(started) > read_stamp(ended):
        raise Malformed("a delivery that ends before it starts")
    order = (*start[:4], *end[:4], start[4], end[4])
    return m.Delivery(
        tank, product, started, ended, **dict(zip(m.DELIVERY_FIGURES, order, strict=True))
    )


def _alarms(lines: list[str]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    found: dict[int, list[str]] = {}
    here: list[str] | None = None
    for line in lines:
        row = _STATUS.match(line)
        if row is not None and row[3] is not None:
            here = found.setdefault(int(row[1]), [])
            _note(here, row[3])
        elif here is not None and line.strip():
            _note(here, line)
    if not found:
        raise Malformed("no tanks")
    return tuple((tank, tuple(types)) for tank, types in found.items())


def _note(types: list[str], word: str) -> None:
    code = code_of(word)
    if code is not None:
        types.append(code)


def _system(lines: list[str]) -> tuple[tuple[str, str, int], ...]:
    found = []
    for line in lines:
        row = _SYSTEM.match(line)
        code = code_of(row[2]) if row else None
        if row and code:
            found.append(("02", code, int(row[1])))
    if not found and not any("ALL FUNCTIONS NORMAL" in line.upper() for line in lines):
        raise Malformed("no status")
    return tuple(found)


def _units(lines: list[str]) -> m.Units:
    text = "\n".join(lines).upper()
    for word, units in _UNITS:
        if word in text:
            return units
    raise Malformed("no units")


def frame(code: str, lines: list[str]) -> bytes:
    """A display answer as a console sends it; the simulated one uses it."""
    text = "\r\n".join(["", code.upper(), *lines, "", ""])
    return SOH + text.encode("latin-1") + ETX


def stamp_as_text(stamp: str) -> str:
    """JAN 24, 1996  3:12 PM."""
    if len(stamp) != STAMP:
        raise Malformed(f"{stamp!r} is no time")
    year, month, day, hour, minute = read_stamp(stamp)
    half = "PM" if hour >= 12 else "AM"
    return f"{_MONTHS[month - 1]} {day:2d}, {year} {(hour + 11) % 12 + 1:2d}:{minute:02d} {half}"
