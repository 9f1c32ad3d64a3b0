"""The demo forecourt: lines, pumps, cars, readers; what survives a restart of the simulator."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from devices.protocols import table
from devices.protocols.base import Decimals, Seconds
from devices.simulator import layout
from devices.simulator.bus import Bus
from devices.simulator.cars import QUEUE, Car, Mood, Wish, per_hour, wish
from devices.simulator.electronics import Fill, Head
from devices.simulator.ends import End, PtyEnd, TcpEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine, Gun, Reader

LAYOUT_DECIMALS = Decimals(
    volume=layout.VOLUME_DECIMALS,
    amount=layout.AMOUNT_DECIMALS,
    price=layout.PRICE_DECIMALS,
    totals=layout.TOTALS_DECIMALS,
)


@dataclass(slots=True)
class Place:
    """One dispenser with the car at it."""

    number: int
    line: BusLine
    pump: Head
    car: Car | None = None


@dataclass(slots=True)
class Forecourt:
    """Everything simulated. `totals` are litres by (dispenser, position) where none were kept.

    `port` is where the TCP line is wanted (0: the layout's); one that is `yielding` takes a free
    port where that one is taken.
    """

    folder: Path
    speed: Decimal = Decimal(1)
    cars: bool = True
    byte_times: bool = True
    seed: int | None = None
    port: int = 0
    yielding: bool = True
    protocols: Mapping[str, str] = field(default_factory=dict)  # by line, where not the layout's
    decimals: Mapping[int, Decimals] = field(default_factory=dict)
    totals: Mapping[tuple[int, int], Decimal] = field(default_factory=dict)
    wall: Callable[[], datetime] = datetime.now
    tell: Callable[[str], None] = lambda text: None
    places: dict[int, Place] = field(init=False, default_factory=dict)
    lines: dict[str, BusLine] = field(init=False, default_factory=dict)
    readers: dict[str, Reader | Gun] = field(init=False, default_factory=dict)
    queue: list[Wish] = field(init=False, default_factory=list)
    left: list[str] = field(init=False, default_factory=list)  # plates of those who drove off
    _ending: threading.Event = field(init=False, default_factory=threading.Event)
    _kept: str = field(init=False, default="")
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self._read()
        for line in layout.LINES:
            pumps = [
                self._pump(one.number, self._address(one), kept)
                for one in layout.DISPENSERS
                if one.line == line.name
            ]
            self.lines[line.name] = self._bus_line(line, pumps)
        for one in layout.DISPENSERS:
            line_of = self.lines[one.line]
            pump = line_of.bus.pumps[self._address(one)]
            self.places[one.number] = Place(one.number, line_of, pump)
        for reader in layout.READERS:
            end = PtyEnd(self.folder / reader.pty)
            listens = reader.protocol == table.RDM6300
            self.readers[reader.name] = Reader(end) if listens else Gun(end)

    def _protocol(self, number: int) -> str:
        """What a dispenser speaks: its line's own protocol, or the one that was asked for."""
        line = next(one.line for one in layout.DISPENSERS if one.number == number)
        laid = next(one.protocol for one in layout.LINES if one.name == line)
        return self.protocols.get(line, laid)

    def _address(self, one: layout.SimulatedDispenser) -> int:
        return layout.address_of(one.number, self._protocol(one.number))

    def _bus_line(self, line: layout.SimulatedLine, pumps: list[Head]) -> BusLine:
        if line.pty:
            end: End = PtyEnd(self.folder / line.pty)
        else:
            end = TcpEnd(self.port or line.port, yielding=self.yielding)
        bus = Bus(pumps, dice=random.Random(self.seed))
        return BusLine(bus, end, byte_times=self.byte_times, speed=self.speed)

    def addresses(self) -> dict[str, str]:
        """Where each line and reader is reached now, by name."""
        lines = {
            line.name: replace(line, port=end.port).url(str(self.folder))
            if isinstance(end := self.lines[line.name].end, TcpEnd)
            else line.url(str(self.folder))
            for line in layout.LINES
        }
        return lines | {one.name: one.url(str(self.folder)) for one in layout.READERS}

    # ------------------------------------------------------------------ what a head keeps

    @property
    def _file(self) -> Path:
        return self.folder / "heads.json"

    def _read(self) -> dict[str, dict[str, list[int]]]:
        if not self._file.exists():
            return {}
        found: dict[str, dict[str, list[int]]] = json.loads(self._file.read_text())
        return found

    def _pump(self, number: int, address: int, kept: Mapping[str, Mapping[str, list[int]]]) -> Head:
        decimals = self.decimals.get(number, LAYOUT_DECIMALS)
        make = HEADS[self._protocol(number)]
        pump = make(address, layout.NOZZLES, decimals, str(number).rjust(10, "0"))
        mine = kept.get(str(number), {})
        for position, meter in pump.meters.items():
            if str(position) in mine:
                meter.volume, meter.amount = mine[str(position)]
            known = self.totals.get((number, position))
            if known is not None:  # the books may be newer than what was kept
                meter.volume = max(meter.volume, int(known.scaleb(decimals.totals)))
        if "shown" in mine:
            pump.recall(Fill(*mine["shown"]), metered=bool(mine["metered"][0]))
        return pump

    def keep(self) -> None:
        """Write totalizers and displays, as a head's own memory does."""
        body = {
            str(place.number): {
                **{str(n): [m.volume, m.amount] for n, m in place.pump.meters.items()},
                "shown": [
                    place.pump.shown.nozzle,
                    place.pump.shown.price,
                    place.pump.shown.volume,
                    place.pump.shown.amount,
                ],
                "metered": [int(place.pump.metered)],
            }
            for place in self.places.values()
        }
        text = json.dumps(body)
        if text != self._kept:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(self._file)
            self._kept = text

    # ------------------------------------------------------------------ running

    def start(self) -> None:
        for line in self.lines.values():
            line.start()

    def stop(self) -> None:
        """A power cut in good order: fills under way end and are kept."""
        self._ending.set()
        for line in self.lines.values():
            line.end_it()
        for place in self.places.values():
            place.pump.cut_power()
        self.keep()
        for reader in self.readers.values():
            reader.end.close()

    def run(self) -> None:
        """Let cars come and go until `stop` is called from elsewhere."""
        clock = next(iter(self.lines.values())).clock
        now, kept = clock(), time.monotonic()
        while not self._ending.wait(0.1):
            before, now = now, clock()
            self.step(now, now - before)
            if time.monotonic() - kept > 1:
                kept = time.monotonic()
                self.keep()

    def step(self, now: Seconds, passed: Seconds) -> None:
        """One moment of the simulated world."""
        if self.cars:
            self._arrivals(passed)
        for place in self.places.values():
            with place.line.lock:
                self._serve(place, now)

    def _arrivals(self, passed: Seconds) -> None:
        expected = per_hour(self.wall()) / 3600 * Decimal(str(round(passed, 3)))
        if self._dice.randrange(10**6) < int(expected * 10**6) and len(self.queue) < QUEUE:
            self.queue.append(wish(self._dice))

    def _serve(self, place: Place, now: Seconds) -> None:
        if place.car is None:
            if self.queue and not place.pump.lifted and place.pump.powered:
                place.car = Car(self.queue.pop(0), now, self._dice)
            return
        place.car.step(place.pump, now)
        if place.car.mood is Mood.GONE:
            gone, place.car = place.car, None
            if not gone.wish.pays and place.pump.shown.volume:
                self.left.append(gone.wish.plate)
                self.tell(f"{place.number} 号机 {gone.wish.plate} 未付款离开")

    def arrive(self, number: int, asked: Wish) -> None:
        """A certain car at a certain dispenser, for demonstrations and tests."""
        place = self.places[number]
        with place.line.lock:
            place.car = Car(asked, place.line.clock(), self._dice)
