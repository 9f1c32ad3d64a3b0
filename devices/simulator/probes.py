"""Simulated tanks with their probes: what flows in and out, water, and what the probe says of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from devices.protocols.base import Seconds
from devices.protocols.veeder_root import messages as m

Marks: TypeAlias = Sequence[tuple[int, Decimal]]  # mm and litres, rising
REFERENCE = Decimal(20)  # ℃ at which the TC volume is told
EXPANSION = Decimal("0.0012")
SAFE = Decimal("0.95")  # of the capacity; above it the console calls it overfilled
SUDDEN_LOSS, PROBE_OUT = "06", "09"  # types of alarm
STANDS: Seconds = 20  # after the last drop a delivery is over


@dataclass(slots=True)
class Pouring:
    """A truck at the tank."""

    left: Decimal
    rate: Decimal  # litres a second
    started: str
    start: m.Tank
    quiet: Seconds = 0.0


@dataclass(slots=True)
class Probe:
    """One tank. Litres are net of the water below them."""

    number: int
    product: str = "1"
    label: str = ""
    capacity: Decimal = Decimal(30000)
    volume: Decimal = Decimal(15000)
    water_mm: Decimal = Decimal(0)
    temperature: Decimal = Decimal("18.5")
    marks: Marks = ()
    leak: Decimal = Decimal(0)  # litres a second that nobody sold
    set_alarms: set[str] = field(default_factory=set)
    impossible: dict[str, Decimal] = field(default_factory=dict)  # figures told instead of the true
    invalid: bool = False
    pouring: Pouring | None = None
    deliveries: list[m.Delivery] = field(default_factory=list)
    water_limit: Decimal = Decimal(60)  # at which the console itself cries
    low: Decimal = Decimal(1500)

    def pump(self, litres: Decimal) -> None:
        """Fuel goes out through the pumps."""
        self.volume = max(Decimal(0), self.volume - litres)

    def lose(self, litres: Decimal) -> None:
        """Fuel is gone at once, and the console notices."""
        self.pump(litres)
        self.set_alarms.add(SUDDEN_LOSS)

    def unplug(self, out: bool) -> None:
        """The probe's cable: without it the console has no level that it would believe."""
        self.invalid = out
        (self.set_alarms.add if out else self.set_alarms.discard)(PROBE_OUT)

    @property
    def room(self) -> Decimal:
        """Litres that still go in."""
        return max(Decimal(0), self.capacity - self.volume - self.litres_at(self.water_mm))

    def deliver(self, litres: Decimal, seconds: Decimal, stamp: str) -> None:
        """A truck begins to unload what there is room for. One that is unloading goes on."""
        litres = min(litres, self.room)
        if self.pouring is not None or not litres:
            return
        rate = litres / max(seconds, Decimal(1))
        self.pouring = Pouring(litres, rate, stamp, self.reading())

    def advance(self, passed: Seconds, stamp: str) -> None:
        """Time goes on: fuel pours in, or leaks out."""
        span = Decimal(str(round(passed, 3)))
        if self.leak:
            self.pump(self.leak * span)
        pouring = self.pouring
        if pouring is None:
            return
        now = min(pouring.left, pouring.rate * span)
        self.volume += now
        pouring.left -= now
        if pouring.left <= 0:
            pouring.quiet += passed
            if pouring.quiet >= STANDS:
                self._end(pouring, stamp)

    def _end(self, pouring: Pouring, stamp: str) -> None:
        self.pouring = None
        start, end = pouring.start, self.reading()
        self.deliveries.append(
            m.Delivery(
                self.number,
                self.product,
                pouring.started,
                stamp,
                *(start.volume, start.tc_volume, start.water, start.temperature),
                *(end.volume, end.tc_volume, end.water, end.temperature),
                *(start.height, end.height),
            )
        )
        del self.deliveries[:-99]

    # ------------------------------------------------------------------ what it says

    def height_of(self, litres: Decimal) -> Decimal:
        """By the tank's table; without one as if it were a box of 2.4 m."""
        if not self.marks:
            return litres * 2400 / self.capacity
        volumes = [volume for _, volume in self.marks]
        at = bisect_right(volumes, litres)
        if at == 0:
            return Decimal(self.marks[0][0])
        if at == len(volumes):
            return Decimal(self.marks[-1][0])
        (low, below), (high, above) = self.marks[at - 1], self.marks[at]
        return low + (litres - below) * (high - low) / (above - below)

    def litres_at(self, height: Decimal) -> Decimal:
        """The other way, for the water."""
        if not self.marks:
            return height * self.capacity / 2400
        heights = [mm for mm, _ in self.marks]
        at = min(max(bisect_right(heights, height), 1), len(heights) - 1)
        (low, below), (high, above) = self.marks[at - 1], self.marks[at]
        return max(Decimal(0), below + (height - low) * (above - below) / (high - low))

    def reading(self) -> m.Tank:
        """In litres, mm and ℃."""
        water = self.litres_at(self.water_mm)
        figures: dict[str, Any] = {
            "volume": self.volume,
            "tc_volume": self.volume * (1 - (self.temperature - REFERENCE) * EXPANSION),
            "ullage": self.room,
            "height": self.height_of(self.volume + water),
            "water": self.water_mm,
            "temperature": self.temperature,
            "water_volume": water,
        }
        status = (self.pouring is not None) * m.DELIVERING | self.invalid * m.INVALID_HEIGHT
        return m.Tank(self.number, self.product, status, **{**figures, **self.impossible})

    def alarms(self) -> tuple[str, ...]:
        """The types that it has now."""
        own = set(self.set_alarms)
        if self.water_mm > self.water_limit:
            own.add("03")
        if self.volume > self.capacity * SAFE:
            own.add("04")
        if self.volume < self.low:
            own.add("05")
        return tuple(sorted(own))
