"""Threads that put simulated devices on their ends of the wires."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

from devices.protocols import rdm6300
from devices.protocols.base import Seconds
from devices.simulator.bus import Bus
from devices.simulator.console import Console
from devices.simulator.ends import End, EndThread, PtyEnd
from devices.simulator.pn532 import Chip

STEP: Seconds = 0.05  # how often fuel flows on


class BusLine(EndThread):
    """Pumps on an end. With `byte_times` every byte costs its time on the wire."""

    def __init__(
        self, bus: Bus, end: End, *, byte_times: bool = True, speed: Decimal = Decimal(1)
    ) -> None:
        super().__init__("simulated line", end)
        self.bus = bus
        self.lock = threading.RLock()  # held by whoever touches a pump
        self._byte = bus.settings.byte_time() if byte_times else 0.0
        self._byte_times = byte_times
        self._speed = speed
        self._since = time.monotonic()

    def clock(self) -> Seconds:
        """Seconds of the simulated world."""
        return (time.monotonic() - self._since) * int(self._speed * 100) / 100

    def run(self) -> None:
        stepped = 0.0
        while not self._ending.is_set():
            data = self.end.read(STEP)
            came = time.monotonic()
            if data or came - stepped >= STEP:
                stepped = came
                with self.lock:
                    self.advance()
            if data:
                self._answer(data, came)

    def advance(self) -> None:
        moment = self.clock()
        for pump in self.bus.pumps.values():
            pump.advance(moment)

    def _answer(self, data: bytes, came: Seconds) -> None:
        with self.lock:
            answers = self.bus.feed(data)
        due = came + len(data) * self._byte
        for answer in answers:
            if self._byte_times:
                due += answer.delay + len(answer.data) * self._byte
                time.sleep(max(0.0, due - time.monotonic()))
            self.end.write(answer.data)


class Reader:
    """An RDM6300 on a pseudo-terminal; it repeats a card while it lies there."""

    def __init__(self, end: PtyEnd) -> None:
        self.end = end

    def present(self, card: str, seconds: Seconds = 0.4) -> None:
        frame = rdm6300.encode(card)
        until = time.monotonic() + seconds
        while True:
            self.end.write(frame)
            if time.monotonic() >= until:
                return
            time.sleep(0.065)


class Gun:
    """A serial scanner that ends a code with CR."""

    def __init__(self, end: PtyEnd, mark: str = "\r") -> None:
        self.end, self._mark = end, mark

    def scan(self, code: str) -> None:
        self.end.write((code + self._mark).encode("ascii"))


class ConsoleLine(EndThread):
    """A console of tank gauges on an end; every byte of its answers costs its time on the wire."""

    def __init__(
        self, console: Console, end: End, *, byte_times: bool = True, speed: Decimal = Decimal(1)
    ) -> None:
        super().__init__("simulated gauge", end)
        self.console = console
        self.lock = threading.RLock()  # held by whoever touches a tank
        self._byte = console.settings.byte_time() if byte_times else 0.0
        self._speed = speed

    def run(self) -> None:
        before = time.monotonic()
        while not self._ending.is_set():
            data = self.end.read(STEP)
            moment = time.monotonic()
            passed, before = (moment - before) * int(self._speed * 100) / 100, moment
            with self.lock:
                for probe in self.console.probes.values():
                    probe.advance(passed, self.console.stamp)
                answers = self.console.feed(data)
            for answer in answers:
                time.sleep(len(answer) * self._byte)
                self.end.write(answer)


class ChipLine(EndThread):
    """A PN532 on an end: what it is asked it answers."""

    def __init__(self, chip: Chip, end: End) -> None:
        super().__init__("simulated reader", end)
        self.chip = chip

    def run(self) -> None:
        while not self._ending.is_set():
            data = self.end.read(STEP)
            if data:
                self.end.write(self.chip.feed(data))
