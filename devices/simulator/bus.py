"""Several heads of one protocol on one pair of wires, and what may go wrong on it."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.protocols.base import Seconds
from devices.simulator.electronics import Head, Message

ANSWER_DELAY: Seconds = 0.010  # real heads were measured at 10 to 50 ms


@dataclass(slots=True)
class Faults:
    """Each fault strikes one message in so many (0: never, 1: always)."""

    damaged: int = 0  # answers with a flipped bit
    twice: int = 0  # answers with two flips in one column, which an XOR does not see
    unheard: int = 0  # messages of the master that arrive damaged
    lost: int = 0  # answers that never arrive
    doubled: int = 0  # answers that arrive twice in a row
    noise: int = 0  # answers with a switching byte in front
    echo: bool = False  # the converter repeats what the master sends
    dead: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answer:
    data: bytes
    delay: Seconds  # from the master's last byte to the answer's first


class Bus:
    """Bytes of the master in, answers out. No port, no clock."""

    def __init__(
        self,
        pumps: Iterable[Head],
        *,
        faults: Faults | None = None,
        dice: random.Random | None = None,
        delay: Seconds = ANSWER_DELAY,
    ) -> None:
        self.pumps = {pump.address: pump for pump in pumps}
        self._ear = next(iter(self.pumps.values())).ear()
        self.settings = self._ear.settings
        self.faults = faults or Faults()
        self.delay = delay
        self.polls = 0
        self._dice = dice or random.Random()

    def feed(self, data: bytes) -> list[Answer]:
        """What comes back. An undamaged message to a living pump has one answer."""
        out = [Answer(data, 0)] if self.faults.echo else []
        for message in self._ear.feed(data):
            if self._happens(self.faults.unheard) or message is None:
                continue  # a head is silent on damage
            self.polls += message.poll
            if message.everyone:
                for each in self.pumps.values():
                    each.hear(message.said)
                continue
            reply = self._asked(message)
            if reply is not None:
                out += self._spoil(reply)
        return out

    def _asked(self, message: Message) -> bytes | None:
        """All who share it hear it, one answers."""
        replies = [
            self.pumps[address].hear(message.said)
            for address in (message.address, *message.shared)
            if address in self.pumps and address not in self.faults.dead
        ]
        return next((reply for reply in replies if reply is not None), None)

    def _spoil(self, data: bytes) -> list[Answer]:
        if self._happens(self.faults.lost):
            return []
        if self._happens(self.faults.damaged):
            spoilt = bytearray(data)
            spoilt[self._dice.randrange(len(data))] ^= 1 << self._dice.randrange(8)
            data = bytes(spoilt)
        if self._happens(self.faults.twice) and len(data) > 2:
            spoilt, bit = bytearray(data), 1 << self._dice.randrange(8)
            for at in self._dice.sample(range(1, len(data)), 2):
                spoilt[at] ^= bit
            data = bytes(spoilt)
        if self._happens(self.faults.noise):
            data = b"\xff" + data
        if self._happens(self.faults.doubled):
            data += data
        return [Answer(data, self.delay)]

    def _happens(self, one_in: int) -> bool:
        return one_in > 0 and self._dice.randrange(one_in) == 0
