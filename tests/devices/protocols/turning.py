"""A codec of questions and answers and its simulated heads, byte for byte but without a port."""

import random
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from devices.protocols.asks import Command
from devices.protocols.base import (
    Accepted,
    Codec,
    Condition,
    DeviceSettings,
    Event,
    GaveUp,
    Request,
    Status,
)
from devices.simulator.bus import Bus, Faults

A = 1
E = TypeVar("E", bound=Event)


class Talk:
    """One exchange after the other; every event is in `events`, every question in `sent`."""

    def __init__(
        self,
        codec: Callable[[Iterable[DeviceSettings]], Codec],
        *pumps: Any,
        words: Callable[[bytes], str],
        faults: Faults | None = None,
    ) -> None:
        self.pumps, self._words = pumps, words
        self.bus = Bus(self.pumps, faults=faults, dice=random.Random(1))
        self.codec = codec(
            DeviceSettings(
                address=pump.address, nozzles=tuple(pump.meters), decimals=pump.options.decimals
            )
            for pump in self.pumps
        )
        self.now = 0.0
        self.events: list[Event] = []
        self.sent: list[str] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data

    @property
    def pump(self) -> Any:
        return self.pumps[0]

    def ask(self, address: int = A) -> Request:
        request = self.codec.next(address, self.now)
        self.sent.append(self._words(request.data))
        return request

    def turn(self, address: int = A) -> list[Event]:
        self.now += 0.05
        for pump in self.pumps:
            pump.advance(self.now)
        request = self.ask(address)
        data = self.spoil(b"".join(answer.data for answer in self.bus.feed(request.data)))
        outcome = self.codec.feed(data, self.now)
        events = list(outcome.events)
        if not outcome.finished:
            events += self.codec.expire(self.now).events
        self.events += events
        return events

    def run(self, turns: int = 6, address: int = A) -> list[Event]:
        return [event for _ in range(turns) for event in self.turn(address)]

    def do(self, command: Command, turns: int = 20) -> list[Event]:
        """Submit, and turn until it is accepted or given up."""
        self.codec.submit(command)
        out: list[Event] = []
        for _ in range(turns):
            out += self.turn(command.address)
            ends = [one for one in out if isinstance(one, Accepted | GaveUp)]
            if ends:
                assert [one.command for one in ends] == [command]
                return out
        return out

    def until(self, condition: Condition, turns: int = 400) -> None:
        for _ in range(turns):
            if any(isinstance(e, Status) and e.condition is condition for e in self.turn()):
                return
        raise AssertionError(f"never {condition}: {self.events[-3:]}")


def every(events: list[Event], kind: type[E]) -> list[E]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]


def hurt(data: bytes, kind: str, dice: random.Random) -> bytes:
    out = bytearray(data)
    if not out:
        return data
    if kind == "bit":
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    elif kind == "column":
        bit = 1 << dice.randrange(8)
        for at in dice.sample(range(1, len(out)), 2):
            out[at] ^= bit
    elif kind == "cut":
        del out[dice.randrange(len(out)) :]
    elif kind == "noise":
        out[:0] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 8)))
    else:
        out += data[: dice.randrange(len(data))] + data
    return bytes(out)


def spoiling(
    kind: str, dice: random.Random, hurt: Callable[[bytes, str, random.Random], bytes] = hurt
) -> Callable[[bytes], bytes]:
    """A wire that damages half of what is said, by dice that aim at nothing.

    Never an answer twice to the same bytes: two equal ones, with nothing or with rubbish between them,
    cannot be told from the truth.
    """
    said: set[bytes] = set()

    def spoil(data: bytes) -> bytes:
        spoilt = hurt(data, kind, dice) if dice.random() < 0.5 else data
        if spoilt in said:
            return data
        said.add(spoilt)
        return spoilt

    return spoil
