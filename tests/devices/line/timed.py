"""A line in virtual time whose every byte, pause and answer costs what it costs at 9600 baud.

`Site` lets an exchange take about as long as it takes; here it is reckoned to the millisecond, as
`devices.line.wire` does it, so that the waits of a fuelling address can be proved on any machine.
"""

from __future__ import annotations

import itertools
import random
from decimal import Decimal

from devices.line.wire import OWN_GAP
from devices.protocols import base
from devices.protocols.base import Outcome, Request, Seconds
from devices.simulator.bus import ANSWER_DELAY
from devices.simulator.pump import Pump
from tests.devices.line.kit import Site


class Timed(Site):
    delay: Seconds = ANSWER_DELAY  # from our last byte to the head's first
    lapse: Seconds = 0.002  # what the machine itself needs for an exchange
    _quiet_from: Seconds = 0.0
    _ours = True

    def turn(self) -> None:
        address = self.schedule.pick(self.now)
        if address is None:
            self.now = max(self.now + 0.0005, min(self.now + 0.05, self.schedule.next_due()))
            self._advance()
            return
        self.schedule.asked(address, self.now)
        request = self.codec.next(address, self.now)
        gap = min(request.turnaround, OWN_GAP) if self._ours else request.turnaround
        self.now = max(self.now, self._quiet_from + gap) + self.lapse
        self._advance()
        self.asked.setdefault(address, []).append(self.now)
        self.frames += 1
        self._finish(request, address)

    @property
    def asked(self) -> dict[int, list[Seconds]]:
        """When each address was spoken to, acknowledgements left out."""
        return self.__dict__.setdefault("_asked", {})  # type: ignore[no-any-return]

    def _advance(self) -> None:
        for pump in self.pumps:
            pump.advance(self.now)

    def _byte(self) -> Seconds:
        return self.codec.settings.byte_time()

    def _exchange(self, request: Request) -> Outcome:
        sent = self.now + len(request.data) * self._byte()
        data = self.answer_to(request)
        self.now = sent + (self.delay + len(data) * self._byte() if data else 0)
        outcome = self.codec.feed(data, self.now)
        if not outcome.finished:
            until = sent + request.window
            self.now = min(until, self.now + self.codec.timing.tail) if outcome.events else until
            late = self.codec.expire(self.now)
            outcome = Outcome(outcome.events + late.events, reply=late.reply)
        self._quiet_from, self._ours = self.now, not data
        return outcome

    def _finish(self, request: Request, address: int) -> None:
        outcome = self._exchange(request)
        events, reply = outcome.events, outcome.reply
        while reply is not None:
            self.now = self._quiet_from + reply.turnaround
            if not reply.window:
                self.bus.feed(reply.data)
                self._quiet_from, self._ours = self.now + len(reply.data) * self._byte(), True
                break
            outcome = self._exchange(reply)
            events, reply = events + outcome.events, outcome.reply
        silent = any(isinstance(event, base.Silence) for event in events)
        self.heard(address, events, answered=not silent and not request.unanswered, silent=silent)


class Traffic:
    """Customers who come and go at some dispensers, while at others fuel just flows."""

    def __init__(self, site: Timed, *, steady: int, changing: int) -> None:
        self.site = site
        self.steady = site.pumps[:steady]
        self._changing = site.pumps[steady : steady + changing]
        self._dice = random.Random(3)
        self._next = {pump.address: site.now + self._dice.random() * 5 for pump in self._changing}

    def begin(self) -> None:
        for pump in self.steady:
            pump.lift(1)
            pump.squeeze(Decimal("0.6"))
        self.site.until(lambda: all(self._flows(pump) for pump in self.steady))
        self.site.run(5)

    def _flows(self, pump: Pump) -> bool:
        return self.site.points[pump.address].condition is base.Condition.FUELLING

    def run(self, seconds: Seconds) -> None:
        self.site.asked.clear()
        until = self.site.now + seconds
        while self.site.now < until:
            self.site.turn()
            for pump in self._changing:
                if self.site.now >= self._next[pump.address]:
                    self._next[pump.address] = self.site.now + 4 + self._dice.random() * 6
                    self._change(pump)

    def _change(self, pump: Pump) -> None:
        if pump.lifted:
            pump.hang()
            return
        pump.lift(self._dice.randrange(1, min(3, len(pump.meters) + 1)))
        pump.squeeze(Decimal("0.8"))

    def longest(self) -> Seconds:
        """The longest wait of an address where fuel flowed all the time."""
        return max(wait(self.site.asked[pump.address]) for pump in self.steady)


def wait(times: list[Seconds]) -> Seconds:
    return max(after - before for before, after in itertools.pairwise(times))
