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
from devices.simulator.peripherals import Peripherals
from devices.simulator.tank_farm import TankFarm, TankNow

SWITCH = "no-power"
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
    printer_port: int = 0
    yielding: bool = True
    tcp: bool = True  # else the second line is a pseudo-terminal too
    protocols: Mapping[str, str] = field(default_factory=dict)  # by line, where not the layout's
    decimals: Mapping[int, Decimals] = field(default_factory=dict)
    totals: Mapping[tuple[int, int], Decimal] = field(default_factory=dict)
    tanks: Mapping[int, TankNow] = field(default_factory=dict)
    wall: Callable[[], datetime] = datetime.now
    tell: Callable[[str], None] = lambda text: None
    places: dict[int, Place] = field(init=False, default_factory=dict)
    lines: dict[str, BusLine] = field(init=False, default_factory=dict)
    readers: dict[str, Reader | Gun] = field(init=False, default_factory=dict)
    farm: TankFarm = field(init=False)
    queue: list[Wish] = field(init=False, default_factory=list)
    left: list[str] = field(init=False, default_factory=list)  # plates of those who drove off
    around: Peripherals = field(init=False)
    _ending: threading.Event = field(init=False, default_factory=threading.Event)
    _kept: str = field(init=False, default="")
    _keeping: threading.Lock = field(init=False, default_factory=threading.Lock)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self._read()
        self.switch.unlink(missing_ok=True)
        for line in self._laid:
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
        self.farm = TankFarm(
            self.folder,
            clock=self.wall,
            tanks=self.tanks,
            speed=self.speed,
            byte_times=self.byte_times,
            seed=self.seed,
        )
        self.around = Peripherals(
            self.folder,
            port=self.printer_port or layout.PRINTER_PORT,
            display=layout.DISPLAY.pty,
            sign=layout.SIGN.pty,
            wall=self.wall,
        )

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

    @property
    def _laid(self) -> tuple[layout.SimulatedLine, ...]:
        """The lines, each on its wire."""
        if self.tcp:
            return layout.LINES
        return tuple(
            replace(line, pty=line.pty or f"line-{number}")
            for number, line in enumerate(layout.LINES, 1)
        )

    def addresses(self) -> dict[str, str]:
        """Where each line and reader is reached now, by name."""
        lines = {
            line.name: replace(line, port=end.port).url(str(self.folder))
            if isinstance(end := self.lines[line.name].end, TcpEnd)
            else line.url(str(self.folder))
            for line in self._laid
        }
        others = (*layout.READERS, layout.GAUGE, layout.DISPLAY, layout.SIGN)
        return lines | {one.name: one.url(str(self.folder)) for one in others}

    def printer_target(self) -> str:
        """Where the receipt printer is reached now."""
        return f"127.0.0.1:{self.around.printer_port}"

    @property
    def ends(self) -> dict[str, End]:
        """The ends of the wires that can be broken, by line."""
        lines = {name: line.end for name, line in self.lines.items()}
        return {**lines, layout.GAUGE.name: self.farm.line.end}

    # ------------------------------------------------------------------ power

    @property
    def switch(self) -> Path:
        """There while the power is off: what else hangs on the same fuse looks for it."""
        return self.folder / SWITCH

    def power(self, *, on: bool) -> None:
        """Cut the power of every head in mid-fill, or give it back."""
        if on:
            self.switch.unlink(missing_ok=True)
        else:
            self.switch.touch()
        for place in self.places.values():
            with place.line.lock:
                place.line.advance()
                if place.pump.powered is not on:
                    (place.pump.give_power if on else place.pump.cut_power)()

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
        """Write totalizers, displays and tanks, as their own memory does."""
        with self._keeping:  # the last time by whoever stops it, perhaps amid another
            self.farm.keep()
            self._keep_heads()

    def _keep_heads(self) -> None:
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
        for line in (*self.lines.values(), self.farm.line):
            line.start()
        self.around.start()

    def stop(self) -> None:
        """A power cut in good order: fills under way end and are kept."""
        self._ending.set()
        for line in self.lines.values():
            line.end_it()
        self.farm.line.end_it()
        for place in self.places.values():
            place.pump.cut_power()
        self.keep()
        for reader in self.readers.values():
            reader.end.close()
        self.around.stop()

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
        self.farm.draw((place.number, place.pump) for place in self.places.values())

    def _arrivals(self, passed: Seconds) -> None:
        expected = per_hour(self.wall()) / 3600 * Decimal(str(round(passed, 3)))
        if self._dice.randrange(10**6) < int(expected * 10**6) and len(self.queue) < QUEUE:
            self.queue.append(wish(self._dice))

    def _serve(self, place: Place, now: Seconds) -> None:
        if place.car is None:
            free = not place.pump.lifted and place.pump.powered
            asked = next((one for one in self.queue if one.position in place.pump.meters), None)
            if free and asked is not None:
                self.queue.remove(asked)
                place.car = Car(asked, now, self._dice)
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
