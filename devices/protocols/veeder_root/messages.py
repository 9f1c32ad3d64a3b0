"""What consoles are asked and what they say: every message both ways, in the console's own units.

Numbers are what stands on the wire; `units` makes litres, millimetres and degrees Celsius of them.
The data of an answer is what follows the code and the console's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from devices.protocols.base import Event, Malformed
from devices.protocols.veeder_root.frames import STAMP, decimal, hexadecimal, read_stamp
from devices.protocols.veeder_root.singles import SIZE, read_single, write_single

INVENTORY, DELIVERIES, LAST_DELIVERY, TANK_STATUS = "201", "202", "20C", "205"
MASS, SYSTEM, CLOCK, UNITS, LABELS, VERSION = "214", "101", "501", "517", "602", "902"

DELIVERING, LEAK_TEST, INVALID_HEIGHT = 1, 2, 4
LABEL = 20  # characters of a product's name


class Units(StrEnum):
    """What a console counts in, by the digit of i517."""

    US = "1"
    METRIC = "2"
    IMPERIAL = "3"


class Format(StrEnum):
    COMPUTER = "COMPUTER"
    DISPLAY = "DISPLAY"


@dataclass(frozen=True, slots=True)
class Tank:
    """One tank of an inventory; what an older console leaves out is None."""

    tank: int
    product: str
    status: int
    volume: Decimal | None = None
    tc_volume: Decimal | None = None
    ullage: Decimal | None = None
    height: Decimal | None = None
    water: Decimal | None = None
    temperature: Decimal | None = None
    water_volume: Decimal | None = None

    @property
    def delivering(self) -> bool:
        return bool(self.status & DELIVERING)

    @property
    def invalid(self) -> bool:
        """The console itself does not believe the height."""
        return bool(self.status & INVALID_HEIGHT)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as the console saw it: start and end in its own time."""

    tank: int
    product: str
    started: str
    ended: str
    start_volume: Decimal | None = None
    start_tc: Decimal | None = None
    start_water: Decimal | None = None
    start_temperature: Decimal | None = None
    end_volume: Decimal | None = None
    end_tc: Decimal | None = None
    end_water: Decimal | None = None
    end_temperature: Decimal | None = None
    start_height: Decimal | None = None
    end_height: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Mass:
    """One tank by mass and density."""

    tank: int
    product: str
    status: int
    volume: Decimal | None = None
    mass: Decimal | None = None
    density: Decimal | None = None
    height: Decimal | None = None
    water: Decimal | None = None
    temperature: Decimal | None = None


TANK_FIGURES = (
    "volume", "tc_volume", "ullage", "height", "water", "temperature", "water_volume",
)  # fmt: skip
DELIVERY_FIGURES = (
    "start_volume", "start_tc", "start_water", "start_temperature",
    "end_volume", "end_tc", "end_water", "end_temperature", "start_height", "end_height",
)  # fmt: skip
MASS_FIGURES = ("volume", "mass", "density", "height", "water", "temperature")


# --------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    """Something the console answered, at its own time (YYMMDDHHmm)."""

    stamp: str
    format: Format = Format.COMPUTER


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRead(Said):
    tanks: tuple[Tank, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesRead(Said):
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TankAlarmsRead(Said):
    """By tank the types of alarm that it has now; none is an empty tuple."""

    alarms: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRead(Said):
    """Category, type and device of everything that is not normal."""

    states: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRead(Said):
    """`time` is the clock's own; `was_set` where it answers our setting it."""

    time: str
    was_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsRead(Said):
    units: Units
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsRead(Said):
    labels: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MassRead(Said):
    tanks: tuple[Mass, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRead(Said):
    text: str


# --------------------------------------------------------------------------- the data of answers


class _Reader:
    """Takes the data of an answer apart from left to right."""

    def __init__(self, data: str) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> str:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise Malformed("cut off")
        self._at += size
        return part

    def tank(self) -> int:
        number = decimal(self.take(2))
        if not number:
            raise Malformed("tank 00")
        return number

    def figures(self, names: Sequence[str]) -> dict[str, Decimal]:
        """As many as the console says it sends; those beyond what is known are passed over."""
        count = hexadecimal(self.take(2))
        values = [read_single(self.take(SIZE)) for _ in range(count)]
        return dict(zip(names, values, strict=False))


def _figures(row: object, names: Sequence[str], count: int) -> str:
    values = [getattr(row, name) for name in names[:count]]
    written = "".join(write_single(value or Decimal(0)) for value in values)
    return f"{count:02X}{written}"


def _distinct(numbers: Iterable[int]) -> None:
    listed = list(numbers)
    if len(set(listed)) != len(listed):
        raise Malformed("a tank twice")


def read_inventory(data: str) -> tuple[Tank, ...]:
    """i201: tank, product, status, figures."""
    reader, found = _Reader(data), []
    while reader:
        tank, product, status = reader.tank(), reader.take(1), hexadecimal(reader.take(4))
        found.append(Tank(tank, product, status, **reader.figures(TANK_FIGURES)))
    _distinct(one.tank for one in found)
    return tuple(found)


def write_inventory(tanks: Iterable[Tank], figures: int = len(TANK_FIGURES)) -> str:
    """As a console says it; older ones send six figures."""
    return "".join(
        f"{one.tank:02d}{one.product}{one.status:04X}{_figures(one, TANK_FIGURES, figures)}"
        for one in tanks
    )


def read_deliveries(data: str) -> tuple[Delivery, ...]:
    """i202 and i20C: by tank how many, then start, end and figures of each."""
    reader, found, seen = _Reader(data), [], []
    while reader:
        tank, product = reader.tank(), reader.take(1)
        seen.append(tank)
        for _ in range(decimal(reader.take(2))):
            started, ended = reader.take(STAMP), reader.take(STAMP)
            if read_stamp(started) > read_stamp(ended):
                raise Malformed("a delivery that ends before it starts")
            figures = reader.figures(DELIVERY_FIGURES)
            found.append(Delivery(tank, product, started, ended, **figures))
    _distinct(seen)
    return tuple(found)


def write_deliveries(
    tanks: Iterable[tuple[int, str, Sequence[Delivery]]], figures: int = len(DELIVERY_FIGURES)
) -> str:
    """By tank its number, product and deliveries; older consoles leave out the heights."""
    return "".join(
        f"{tank:02d}{product}{len(deliveries):02d}"
        + "".join(
            f"{one.started}{one.ended}{_figures(one, DELIVERY_FIGURES, figures)}"
            for one in deliveries
        )
        for tank, product, deliveries in tanks
    )


def read_tank_alarms(data: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """i205: by tank the types of its alarms."""
    reader, found = _Reader(data), []
    while reader:
        tank, count = reader.tank(), hexadecimal(reader.take(2))
        types = [reader.take(2) for _ in range(count)]
        for one in types:
            decimal(one)
        found.append((tank, tuple(types)))
    _distinct(tank for tank, _ in found)
    return tuple(found)


def write_tank_alarms(alarms: Iterable[tuple[int, Sequence[str]]]) -> str:
    return "".join(f"{tank:02d}{len(types):02X}{''.join(types)}" for tank, types in alarms)


def read_system(data: str) -> tuple[tuple[str, str, int], ...]:
    """i101: category, type, device; category 00 says that all is normal."""
    reader, found = _Reader(data), []
    while reader:
        category, kind, device = reader.take(2), reader.take(2), decimal(reader.take(2))
        hexadecimal(category), decimal(kind)
        if category != "00":
            found.append((category, kind, device))
    return tuple(found)


def write_system(states: Sequence[tuple[str, str, int]]) -> str:
    listed = states or [("00", "00", 0)]
    return "".join(f"{category}{kind}{device:02d}" for category, kind, device in listed)


def read_clock(data: str) -> str:
    """i501 and s501: the clock's own time."""
    read_stamp(data)
    return data


def read_units(data: str) -> tuple[Units, str]:
    """i517: units and language."""
    try:
        return Units(data[:1]), data[1:3]
    except ValueError:
        raise Malformed(f"{data!r} are no units") from None


def read_labels(data: str) -> tuple[tuple[int, str], ...]:
    """i602: by tank the name of its product."""
    reader, found = _Reader(data), []
    while reader:
        found.append((reader.tank(), reader.take(LABEL).strip()))
    _distinct(tank for tank, _ in found)
    return tuple(found)


def write_labels(labels: Iterable[tuple[int, str]]) -> str:
    return "".join(f"{tank:02d}{label[:LABEL]:{LABEL}}" for tank, label in labels)


def read_mass(data: str) -> tuple[Mass, ...]:
    """i214: tank, product, status, figures."""
    reader, found = _Reader(data), []
    while reader:
        tank, product, status = reader.tank(), reader.take(1), hexadecimal(reader.take(4))
        found.append(Mass(tank, product, status, **reader.figures(MASS_FIGURES)))
    _distinct(one.tank for one in found)
    return tuple(found)


def write_mass(tanks: Iterable[Mass]) -> str:
    return "".join(
        f"{one.tank:02d}{one.product}{one.status:04X}{_figures(one, MASS_FIGURES, 6)}"
        for one in tanks
    )


def heard(code: str, stamp: str, data: str) -> Iterator[Said]:
    """The event that an answer in computer format is. Raises Malformed."""
    match code[1:4]:
        case "201":
            yield InventoryRead(address=0, stamp=stamp, tanks=read_inventory(data))
        case "202" | "20C":
            yield DeliveriesRead(address=0, stamp=stamp, deliveries=read_deliveries(data))
        case "205":
            yield TankAlarmsRead(address=0, stamp=stamp, alarms=read_tank_alarms(data))
        case "101":
            yield SystemRead(address=0, stamp=stamp, states=read_system(data))
        case "501":
            was_set = code[0] == "s"
            yield ClockRead(address=0, stamp=stamp, time=read_clock(data), was_set=was_set)
        case "517":
            units, language = read_units(data)
            yield UnitsRead(address=0, stamp=stamp, units=units, language=language)
        case "602":
            yield LabelsRead(address=0, stamp=stamp, labels=read_labels(data))
        case "214":
            yield MassRead(address=0, stamp=stamp, tanks=read_mass(data))
        case "902":
            yield VersionRead(address=0, stamp=stamp, text=data.strip())
        case other:
            raise Malformed(f"an answer to {other}, which nobody asked")
