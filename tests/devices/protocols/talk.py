"""A DART codec and simulated pumps talking without a port and without real time."""

import random
from collections.abc import Callable
from decimal import Decimal

from devices.protocols import asks, base
from devices.protocols.asks import Command
from devices.protocols.base import Event
from devices.protocols.dart.codec import DartCodec
from devices.simulator.bus import Bus, Faults
from devices.simulator.pump import Options, Pump

PRICES = ((1, Decimal("7.52")), (2, Decimal("8.03")), (3, Decimal("9.10")), (4, Decimal("7.11")))
STEP = 0.05


class Talk:
    """Polls its pumps in turn; every event it heard is in `events`."""

    def __init__(
        self,
        *pumps: Pump,
        faults: Faults | None = None,
        seed: int = 1,
        echo: bool = False,
    ) -> None:
        self.pumps = pumps or (Pump(0x50),)
        self.bus = Bus(self.pumps, faults=faults, dice=random.Random(seed))
        self.codec = DartCodec(
            base.DeviceSettings(
                address=pump.address,
                nozzles=tuple(pump.meters),
                decimals=pump.options.decimals,
                echo=echo,
            )
            for pump in self.pumps
        )
        self.echo = echo
        self.now = 0.0
        self.events: list[Event] = []

    @property
    def pump(self) -> Pump:
        return self.pumps[0]

    def turn(self, address: int = 0x50) -> None:
        """One exchange with one address."""
        self.now += STEP
        for pump in self.pumps:
            pump.advance(self.now)
        request = self.codec.next(address, self.now)
        data = b"".join(answer.data for answer in self.bus.feed(request.data))
        if self.echo:
            strip = base.Echo()
            strip.sent(request.data)
            data = strip.strip(data)
        outcome = self.codec.feed(data, self.now)
        events = list(outcome.events)
        if not outcome.finished:
            events += self.codec.expire(self.now).events
        if outcome.reply is not None:
            self.bus.feed(outcome.reply.data)
        self.events += events

    def run(self, turns: int = 20, address: int = 0x50) -> list[Event]:
        before = len(self.events)
        for _ in range(turns):
            self.turn(address)
        return self.events[before:]

    def until(self, found: Callable[[Event], bool], turns: int = 400, address: int = 0x50) -> Event:
        before = len(self.events)
        for _ in range(turns):
            self.turn(address)
            for event in self.events[before:]:
                if found(event):
                    return event
            before = len(self.events)
        raise AssertionError(f"did not happen; last: {self.events[-5:]}")

    def do(self, command: Command, turns: int = 60) -> list[Event]:
        """Submit and turn until the head accepted it and said what it has to say."""
        self.codec.submit(command)
        before = len(self.events)
        for _ in range(turns):
            self.turn(command.address)
            if not self.codec.busy(command.address) and not self._backlog(command.address):
                break
        self.turn(command.address)
        return self.events[before:]

    def _backlog(self, address: int) -> int:
        return next(pump.link.backlog for pump in self.pumps if pump.address == address)


def priced(talk: Talk) -> Talk:
    """A head with prices, idle."""
    for pump in talk.pumps:
        talk.do(asks.ReadStatus(address=pump.address))
        rows = PRICES[: len(pump.meters)]
        talk.do(asks.SetPrices(address=pump.address, prices=rows))
    return talk


def three_places() -> Options:
    return Options(decimals=base.Decimals(volume=3, totals=3))
