"""The demo's tanks under their gauge: they go down with what the pumps deliver, and are kept."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.simulator import layout
from devices.simulator.console import Console
from devices.simulator.ends import PtyEnd
from devices.simulator.lines import ConsoleLine
from devices.simulator.probes import Marks, Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.simulator.electronics import Head


@dataclass(frozen=True, slots=True)
class TankNow:
    """A tank as the books have it: litres (None: as it was kept), capacity, table."""

    capacity: Decimal
    volume: Decimal | None = None
    marks: Marks = ()


@dataclass(slots=True)
class TankFarm:
    """Tanks, their console, and the totalizers that they were last compared with."""

    folder: Path
    clock: Callable[[], datetime]
    tanks: Mapping[int, TankNow] = field(default_factory=dict)
    speed: Decimal = Decimal(1)
    byte_times: bool = True
    seed: int | None = None
    line: ConsoleLine = field(init=False)
    _pumped: dict[tuple[int, int], Decimal] = field(init=False, default_factory=dict)
    _kept: str = field(init=False, default="")

    def __post_init__(self) -> None:
        kept = self._read()
        probes = [self._probe(number, kept.get(str(number), {})) for number in layout.TANKS]
        console = Console(probes, clock=self.clock, dice=random.Random(self.seed))
        end = PtyEnd(self.folder / layout.GAUGE.pty)
        self.line = ConsoleLine(console, end, byte_times=self.byte_times, speed=self.speed)

    def _probe(self, number: int, kept: Mapping[str, str]) -> Probe:
        known = self.tanks.get(number, TankNow(capacity=Decimal(30000)))
        volume = known.volume
        if volume is None:
            volume = Decimal(kept.get("volume", known.capacity / 2))
        return Probe(
            number,
            product=str(number),
            label=layout.LABELS[number],
            capacity=known.capacity,
            volume=volume,
            water_mm=Decimal(kept.get("water", layout.WATER_MM)),
            marks=known.marks,
        )

    def probe(self, number: int) -> Probe:
        return self.line.console.probes[number]

    # ------------------------------------------------------------------ what flows out

    def draw(self, pumps: Iterable[tuple[int, Head]]) -> None:
        """Take out of the tanks what the totalizers have counted since the last look."""
        for dispenser, pump in pumps:
            places = pump.options.decimals.totals
            for position, meter in pump.meters.items():
                told = Decimal(meter.volume).scaleb(-places)
                before = self._pumped.get((dispenser, position), told)
                self._pumped[dispenser, position] = told
                if told > before:
                    with self.line.lock:
                        self.probe(layout.TANK_OF_POSITION[position - 1]).pump(told - before)

    # ------------------------------------------------------------------ what is kept

    @property
    def _file(self) -> Path:
        return self.folder / "tanks.json"

    def _read(self) -> dict[str, dict[str, str]]:
        if not self._file.exists():
            return {}
        found: dict[str, dict[str, str]] = json.loads(self._file.read_text())
        return found

    def keep(self) -> None:
        """Write what stands in the tanks."""
        body: dict[str, Any] = {
            str(number): {"volume": str(one.volume), "water": str(one.water_mm)}
            for number, one in self.line.console.probes.items()
        }
        text = json.dumps(body)
        if text != self._kept:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(self._file)
            self._kept = text
