"""Threads that put simulated devices on their ends of the wires."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

from devices.protocols import rdm6300
from devices.protocols.base import Seconds
from devices.simulator.bus import Bus
from devices.simulator.ends import End, PtyEnd

STEP: Seconds = 0.05  # how often fuel flows on


class BusLine(threading.Thread):
    """Pumps on an end. With `byte_times` every byte costs its time on the wire."""

    def __init__(
        self, bus: Bus, end: End, *, byte_times: bool = True, speed: Decimal = Decimal(1)
    ) -> None:
        super().__init__(name="simulated line", daemon=True)
        self.bus, self.end = bus, end
        self.lock = threading.RLock()  # held by whoever touches a pump
        self._byte = bus.settings.byte_time() if byte_times else 0.0
        self._byte_times = byte_times
        self._speed = speed
        self._ending = threading.Event()
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

    def end_it(self) -> None:
        self._ending.set()
        if self.is_alive():
            self.join()
        self.end.close()


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
