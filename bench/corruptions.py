"""A million damaged answers per dispenser protocol: what passes its check, and what comes of it.

A story of fills, presets, a stop and a price change is told by simulated heads in virtual time.
First each answer is damaged on its own, over and over: how many pass the protocol's check as
something else, and how many would be another fact if one reading were enough. Then those that
passed are put into the story, once each, and the story goes on: what the second reading, the
totals and litres × price let through is held against what the heads delivered.

`CORRUPTIONS=10000 make bench ARGS=corruptions` is a short one; `PROTOCOLS=azt,ifsf` names some.
"""

from __future__ import annotations

import copy
import os
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from devices.line import orders
from devices.line.wiring import LineWiring, Price
from devices.protocols import asks, base, table
from devices.protocols.base import Decimals
from tests.devices.line.kit import START, Site, wiring

DAMAGED = int(os.environ.get("CORRUPTIONS", "1000000"))
PROTOCOLS = [one for one in os.environ.get("PROTOCOLS", "").split(",") if one]
REPLAYED = int(os.environ.get("REPLAYED", "2000"))  # of those that passed, put into the story
FACTS = (base.Status, base.TransactionRead, base.TotalsRead, base.PricesRead)
ACTS = (
    asks.Authorise,
    asks.Stop,
    asks.Suspend,
    asks.Resume,
    asks.SetPrices,
    asks.CloseTransaction,
    asks.SwitchOff,
)
NEW_PRICE = Decimal("7.77")
CHANGE = START + timedelta(seconds=60)


@dataclass(frozen=True)
class Answer:
    """One answer of the story, and the codec that waits for it."""

    place: int
    data: bytes
    codec: base.Codec
    now: float


@dataclass(frozen=True)
class Strike:
    """One answer to be replaced."""

    place: int
    data: bytes


@dataclass(frozen=True)
class Delivered:
    nozzle: int
    litres: Decimal
    amount: Decimal


class Story(Site):
    """Two heads, and customers who look at the display; one answer may be another."""

    def __init__(self, folder: Path, protocol: str, strike: Strike | None = None) -> None:
        self.place = 0
        self.strike = strike
        self.answers: list[Answer] = []
        self.acts: list[tuple[int, asks.Command]] = []
        self.delivered: list[Delivered] = []
        super().__init__(folder, _wiring(protocol))

    def restart(self) -> None:
        super().restart()
        submit = self.codec.submit

        def noted(command: asks.Command) -> None:
            if isinstance(command, ACTS):
                self.acts.append((self.place, command))
            submit(command)

        for point in self.points.values():
            point.codec = _Noting(self.codec, noted)  # type: ignore[assignment]

    def answer_to(self, request: base.Request) -> bytes:
        data = super().answer_to(request)
        self.place += 1
        if self.strike is None:
            if data:
                waits = copy.deepcopy(self.codec)
                self.answers.append(Answer(self.place, data, waits, self.now))
        elif self.strike.place == self.place:
            data = self.strike.data
        return data

    def tell(self) -> Story:
        """The whole story, to the end of which everything is settled."""
        self.until(lambda: all(p.synced and not p.busy for p in self.points.values()), 120)
        self._customer(0, 1, Decimal(3))
        self._preset(1, 1, Decimal(20))
        self.until(lambda: self.at >= CHANGE)
        self._customer(1, len(self.line.points[1].nozzles), Decimal(4))
        self._customer(0, 1, Decimal(5))
        self.run(75)  # another look at every totalizer
        return self

    def _customer(self, pump: int, nozzle: int, litres: Decimal) -> None:
        self.start(nozzle, "1", pump)
        head = self.pumps[pump]
        wanted = litres.scaleb(head.options.decimals.volume)
        self.until(lambda: head.shown.volume >= wanted or not head.open)
        self._hang(pump, nozzle)

    def _preset(self, pump: int, nozzle: int, yuan: Decimal) -> None:
        own = self.line.points[pump].nozzles[nozzle - 1].id
        self.order(orders.AUTHORISE, own, grant=self.grant(own, limit_yuan=yuan))
        self.run(2)  # some take it now, some when the nozzle is out
        self.start(nozzle, "1", pump)
        self.until(lambda: not self.pumps[pump].open)
        self.run(1)
        self._hang(pump, nozzle)

    def _hang(self, pump: int, nozzle: int) -> None:
        head, own = self.pumps[pump], self.line.points[pump].nozzles[nozzle - 1].id
        head.hang()
        places = head.options.decimals
        litres, amount = head.shown.volume, head.shown.amount
        self.delivered.append(
            Delivered(own, base.scaled(litres, places.volume), base.scaled(amount, places.amount))
        )
        point = self.points[head.address]
        self.until(lambda: point.visit is None and point.condition == base.Condition.IDLE)

    def wrong(self) -> list[str]:
        """What was told and is not so."""
        found = []
        told = [
            Delivered(one["nozzle"], Decimal(one["litres"]), Decimal(one["amount"]))
            for one in self.bodies("fill")
        ]
        if Counter(told) != Counter(self.delivered):
            found.append("fill")
        if self.bodies("gap"):
            found.append("gap")
        meters = {
            point.nozzles[position - 1].id: base.scaled(meter.volume, point.decimals.totals)
            for point, head in zip(self.line.points, self.pumps, strict=True)
            for position, meter in head.meters.items()
        }
        if any(Decimal(one["litres"]) > meters[one["nozzle"]] for one in self.bodies("totals")):
            found.append("totals")
        first = self.line.points[0].nozzles[0]
        if first.price_at(self.at) != self.points[self.line.points[0].address].held.get(1):
            found.append("price")
        return found


class _Noting:
    """A codec whose `submit` is written down; everything else is the codec's."""

    def __init__(self, codec: base.Codec, submit: object) -> None:
        self._codec, self.submit = codec, submit

    def __getattr__(self, name: str) -> object:
        return getattr(self._codec, name)


def _wiring(protocol: str) -> LineWiring:
    spoken = table.PUMPS[protocol]
    places = Decimals(volume=spoken.volume_decimals, totals=spoken.volume_decimals)
    addresses = tuple(spoken.addresses)[:2]
    line = wiring(
        *addresses,
        nozzles=min(2, spoken.nozzles),
        places=places,
        protocol=protocol,
        baud=spoken.serial.baud,
        parity=spoken.serial.parity,
    )
    return replace(
        line,
        points=tuple(
            replace(
                point,
                nozzles=tuple(
                    replace(one, prices=(*one.prices, Price(CHANGE, NEW_PRICE)))
                    for one in point.nozzles
                ),
            )
            for point in line.points
        ),
    )


def _flip(data: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.randrange(1, 5)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def _burst(data: bytearray, dice: random.Random) -> bytearray:
    at = dice.randrange(len(data))
    size = min(dice.randrange(1, 4), len(data) - at)
    data[at : at + size] = dice.randbytes(size)
    return data


def _lose(data: bytearray, dice: random.Random) -> bytearray:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.randrange(1, 3) :]


def _gain(data: bytearray, dice: random.Random) -> bytearray:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.randbytes(dice.randrange(1, 3)) + data[at:]


def _cut(data: bytearray, dice: random.Random) -> bytearray:
    return data[: dice.randrange(len(data))]


WAYS = (_flip, _flip, _flip, _flip, _burst, _burst, _lose, _gain, _cut)


def damage(data: bytes, other: bytes, dice: random.Random) -> bytes:
    """The answer as a bad wire might deliver it, or run into the other; neither of them itself."""
    while True:
        if dice.randrange(10):
            spoilt = dice.choice(WAYS)(bytearray(data), dice)
        else:
            head, tail = dice.randrange(len(data)), dice.randrange(1, len(other) + 1)
            spoilt = bytearray(data[:head] + other[tail:])
        if spoilt not in (data, other):
            return bytes(spoilt)


def _hear(answer: Answer, data: bytes) -> tuple[set[bytes], list[base.Event]]:
    """The whole frames that were heard, and the facts of one reading."""
    codec = copy.deepcopy(answer.codec)
    outcome = codec.feed(data, answer.now)
    heard, events = list(outcome.heard), list(outcome.events)
    if not outcome.finished:
        late = codec.expire(answer.now + 0.1)
        heard += late.heard
        events += late.events
    good = {one.raw for one in heard if one.good}
    return good, [event for event in events if isinstance(event, FACTS)]


@dataclass(frozen=True)
class Alone:
    """What single damaged answers were taken for."""

    tried: int
    passed: list[Strike]
    facts: int  # would be another fact after one reading


def alone(answers: Sequence[Answer], dice: random.Random, count: int) -> Alone:
    """Damage answers one by one, each kind of answer as often as any other."""
    kinds = list({answer.data: answer for answer in answers}.values())
    truth = [_hear(answer, answer.data) for answer in kinds]
    passed, facts = [], 0
    for _ in range(count):
        which = dice.randrange(len(kinds))
        answer, (whole, known) = kinds[which], truth[which]
        data = damage(answer.data, dice.choice(kinds).data, dice)
        good, events = _hear(answer, data)
        if good - whole:
            passed.append(Strike(answer.place, data))
        facts += any(event not in known for event in events)
    return Alone(count, passed, facts)


def _retold(protocol: str, folder: Path, strike: Strike) -> tuple[list[str], Story]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        story = Story(Path(name), protocol, strike)
        try:
            return story.tell().wrong(), story
        except AssertionError:
            return ["stuck"], story
        finally:
            story.spool.close()


def main() -> bool:
    """Print the figures of every protocol; True when no damaged answer became another fact."""
    well = True
    shm = Path("/dev/shm")
    folder = shm if shm.is_dir() else Path(tempfile.gettempdir())
    for protocol in PROTOCOLS or table.PUMPS:
        well = _one(protocol, table.PUMPS[protocol].label, folder) and well
    return well


def _one(protocol: str, label: str, folder: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        story = Story(Path(name), protocol).tell()
        assert not story.wrong(), story.wrong()
        truth = Counter(story.acts)
        story.spool.close()
    dice = random.Random(20260422)
    single = alone(story.answers, dice, DAMAGED)
    share = len(single.passed) / single.tried
    print(f"{label}：{single.tried} 次损坏，{len(single.passed)} 次通过校验（{share:.5f}），")
    print(f"   只读一次会得出不同事实的 {single.facts} 次")
    struck = dice.sample(single.passed, min(REPLAYED, len(single.passed)))
    wrong: Counter[str] = Counter()
    commands = 0
    for strike in struck:
        found, retold = _retold(protocol, folder, strike)
        wrong.update(found)
        at_once = Counter(one for one in retold.acts if one[0] == strike.place)
        commands += bool(
            at_once - Counter({k: v for k, v in truth.items() if k[0] == strike.place})
        )
    print(f"   放回完整过程 {len(struck)} 次：错误事实 {dict(wrong) or '无'}，")
    print(f"   由一次未证实的状态引出的命令 {commands} 次")
    return not wrong and not commands
