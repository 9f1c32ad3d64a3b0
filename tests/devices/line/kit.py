"""Points, codec and simulated heads in virtual time: a whole line without port, thread or clock."""

import random
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from devices.line.link import Instant
from devices.line.orders import Grant, Order
from devices.line.point import Point
from devices.line.schedule import Schedule
from devices.line.thread import codec_for
from devices.line.wiring import AUTO, LineWiring, NozzleWiring, PointWiring, Price
from devices.protocols import azt, base, table, zhengxing
from devices.protocols.base import Decimals
from devices.protocols.gaskit import messages
from devices.protocols.ifsf import messages as ifsf_words
from devices.protocols.twowire import messages as twowire_words
from devices.simulator.bus import Bus, Faults
from devices.simulator.electronics import Head, HeadOptions
from devices.simulator.heads import HEADS
from devices.spool import Body, Spool, Waiting

START = datetime(2026, 4, 22, 2, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PRICES = {1: "7.52", 2: "8.03", 3: "9.10", 4: "7.11"}
PLACES = Decimals(volume=3, totals=3)
PLACES_OF = dict.fromkeys((table.GASKIT, table.AZT, table.ZHENGXING, table.IFSF), Decimals())
FLOWS = {
    table.DART: 4,
    table.GASKIT: messages.FUELLING,
    table.TWOWIRE: twowire_words.BUSY,
    table.AZT: int(azt.DELIVERING),
    table.ZHENGXING: zhengxing.FUELLING,
    table.IFSF: ifsf_words.FUELLING,
}


def nozzle(id: int, position: int, mode: str = AUTO, price: str | None = None) -> NozzleWiring:
    held = (Price(LONG_AGO, Decimal(price or PRICES[position])),)
    return NozzleWiring(id=id, number=id, position=position, mode=mode, prices=held)


def wiring(
    *addresses: int, places: Decimals = PLACES, mode: str = AUTO, nozzles: int = 4, **more: object
) -> LineWiring:
    points = tuple(
        PointWiring(
            address=address,
            dispenser=index + 1,
            nozzles=tuple(nozzle(4 * index + n, n, mode) for n in range(1, nozzles + 1)),
            decimals=places,
        )
        for index, address in enumerate(addresses or (0x50,))
    )
    plain: dict[str, object] = {
        "id": 1,
        "station": 1,
        "name": "一号线",
        "url": "",
        "protocol": "DART",
        "baud": 9600,
        "parity": "O",
        "options": {},
        "points": points,
    }
    return LineWiring(**{**plain, **more})  # type: ignore[arg-type]


def port(protocol: str) -> dict[str, object]:
    """How a protocol's port is opened."""
    spoken = table.PUMPS[protocol].serial
    return {one.name: getattr(spoken, one.name) for one in fields(spoken)}


def line_of(protocol: str, *addresses: int, **more: object) -> LineWiring:
    """A line of heads of any make, two nozzles to an address or as many as it has."""
    spoken = table.PUMPS[protocol]
    own: dict[str, Any] = {"protocol": protocol, "places": PLACES_OF.get(protocol, PLACES)}
    own |= {"nozzles": min(2, spoken.nozzles), **port(protocol), **more}
    return wiring(*(addresses or (spoken.addresses[0],)), **own)


def gaskit(*addresses: int, **more: object) -> LineWiring:
    """A line of GasKitLink heads."""
    return line_of(table.GASKIT, *addresses, **more)


def twowire(*addresses: int, **more: object) -> LineWiring:
    """A loop of Two-Wire pumps."""
    return line_of(table.TWOWIRE, *addresses, **more)


def head(line: LineWiring, point: PointWiring, options: HeadOptions | None = None) -> Head:
    """The simulated head that belongs at an address."""
    positions = len(point.nozzles)
    made = HEADS[line.protocol](point.address, positions, point.decimals, "0000000001")
    made.options = options or made.options
    return made


class Site:
    """One line in virtual time. `run` lets seconds pass; `facts` is what the spool was told."""

    def __init__(
        self,
        folder: Path,
        line: LineWiring | None = None,
        *,
        pumps: tuple[Head, ...] = (),
        options: HeadOptions | None = None,
        faults: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.line = line or wiring()
        self.spool = Spool(folder / "spool.sqlite3")
        self.pumps: tuple[Any, ...] = pumps or tuple(
            head(self.line, point, options) for point in self.line.points
        )
        self.bus = Bus(self.pumps, faults=faults, dice=random.Random(seed))
        self.now = 1000.0
        self.frames = 0
        self.database = True
        self.restart()

    def restart(self) -> None:
        """A new process with the same spool and the same heads."""
        self.codec = codec_for(self.line)
        self.points = {
            point.address: Point(
                line=self.line,
                wiring=point,
                codec=self.codec,
                spool=self.spool,
                frame=lambda: self.frames,
                may_authorise=lambda: self.database or self.line.go_on_alone,
                crowded=lambda: self.schedule.crowded,
            )
            for point in self.line.points
        }
        self.schedule = Schedule(self.points, self.codec.timing)

    # ------------------------------------------------------------------ time

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.now - 1000)

    @property
    def pump(self) -> Any:
        return self.pumps[0]

    @property
    def point(self) -> Point:
        return self.points[self.pump.address]

    def turn(self) -> None:
        """One exchange, with about the time that it takes."""
        self.now += 0.05
        for pump in self.pumps:
            pump.advance(self.now)
        address = self.schedule.pick(self.now)
        if address is None:
            return
        self.schedule.asked(address, self.now)
        request = self.codec.next(address, self.now)
        self.frames += 1
        outcome = self._exchange(request)
        events = outcome.events
        while outcome.reply is not None and outcome.reply.window:
            outcome = self._exchange(outcome.reply)
            events += outcome.events
        if outcome.reply is not None:
            self.bus.feed(outcome.reply.data)
        silent = any(isinstance(event, base.Silence) for event in events)
        self.heard(address, events, answered=not silent and not request.unanswered, silent=silent)

    def answer_to(self, request: base.Request) -> bytes:
        """What the heads say to it."""
        return b"".join(answer.data for answer in self.bus.feed(request.data))

    def _exchange(self, request: base.Request) -> base.Outcome:
        outcome = self.codec.feed(self.answer_to(request), self.now)
        if outcome.finished:
            return outcome
        self.now += 0.1
        late = self.codec.expire(self.now)
        return base.Outcome(outcome.events + late.events, reply=late.reply)

    def heard(
        self, address: int, events: tuple[base.Event, ...], *, answered: bool, silent: bool
    ) -> None:
        """What the thread does after an exchange."""
        if answered:
            self.schedule.answered(address, self.now)
        elif silent:
            self.schedule.silent(address)
        point = self.points[address]
        point.hear(events, answered=answered, moment=Instant(self.now, self.at))
        turn = self.schedule.turns[address]
        turn.fuelling = point.condition is base.Condition.FUELLING
        turn.busy = point.busy and point.link.online
        for one in self.points.values():
            one.expire(self.at)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.turn()

    def until(self, true: Callable[[], object], seconds: float = 60) -> None:
        until = self.now + seconds
        while not true():
            assert self.now < until, f"never: {self.point.condition} {self.point.visit}"
            self.turn()

    def ready(self) -> "Site":
        """Online, priced, synchronised; what that told the spool is put aside."""
        self.until(lambda: all(p.synced and p.held and not p.busy for p in self.points.values()))
        self.drain()
        return self

    # ------------------------------------------------------------------ people

    def fill(self, nozzle: int = 1, litres: str = "5", rate: str = "1", pump: int = 0) -> None:
        """A customer of the automatic kind, from lift to a settled fill."""
        head = self.start(nozzle, rate, pump)
        wanted = Decimal(litres).scaleb(head.options.decimals.volume)
        self.until(lambda: head.shown.volume >= wanted or not head.open)
        head.hang()
        point = self.points[head.address]
        self.until(lambda: point.visit is None and point.condition == base.Condition.IDLE)

    def start(self, nozzle: int = 1, rate: str = "1", pump: int = 0) -> Any:
        """Fuel flows at a nozzle, counted on from head to head by fours; the head."""
        index, position = divmod(4 * pump + nozzle - 1, 4)
        head = self.pumps[index]
        head.lift(position + 1)
        head.squeeze(Decimal(rate))
        flows = FLOWS[self.line.protocol]
        self.until(lambda: head.status == flows and not head.metered and head.shown.volume > 0)
        return head

    # ------------------------------------------------------------------ what was told

    def order(
        self, kind: str, nozzle: int = 1, id: int = 1, seconds: float = 10, **more: object
    ) -> Order:
        order = Order(
            id=id,
            kind=kind,
            nozzle=nozzle,
            valid_until=self.at + timedelta(seconds=seconds),
            **more,  # type: ignore[arg-type]
        )
        for point in self.points.values():
            if any(one.id == nozzle for one in point.wiring.nozzles):
                point.order(order, self.at)
        return order

    def grant(self, nozzle: int = 1, id: int = 9, seconds: float = 120, **limits: Decimal) -> Grant:
        return Grant(
            id=id, nozzle=nozzle, valid_until=self.at + timedelta(seconds=seconds), **limits
        )

    def waiting(self, kind: str) -> list[Waiting]:
        return [fact for fact in self.spool.waiting(10_000) if fact.kind == kind]

    def bodies(self, kind: str) -> list[Body]:
        return [fact.body for fact in self.waiting(kind)]

    def answers(self) -> list[tuple[int, str]]:
        return [(body["id"], body["status"]) for body in self.bodies("command")]

    def grants(self) -> list[str]:
        return [body["status"] for body in self.bodies("authorisation")]

    def drain(self) -> list[Waiting]:
        facts = self.spool.waiting(10_000)
        self.spool.moved(fact.seq for fact in facts)
        return facts

    def state(self, nozzle: int = 1) -> str:
        live = [one for point in self.points.values() for one in point.live()]
        return next(one.state for one in live if one.nozzle == nozzle)
