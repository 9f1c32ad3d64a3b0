"""A line that is killed at every step of its spool, while the heads and their customers go on.

Run as a program of its own, since it forks: the child is the line (points, codec, spool) and dies by
SIGKILL before, in or after the n-th transaction of its spool; the parent holds the heads, answers
what the child says to them, and starts the next child on the same spool. Time is virtual.

    python -m tests.devices.line.killing FOLDER DART     one JSON object per step, on stdout
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TextIO

from devices.line import orders
from devices.line.orders import Grant, Order
from devices.line.wiring import AUTO, MANUAL, LineWiring, Price
from devices.protocols import table
from devices.protocols.base import Condition
from devices.simulator.bus import Answer, Bus
from devices.spool import Spool
from tests.devices.line import kit

DEARER_AT = 30  # seconds of the story after which nozzle 1 has another price
MOST_SECONDS = 240
OLD, NEW = Decimal("7.52"), Decimal("7.60")
Message = dict[str, Any]


def the_line(protocol: str) -> LineWiring:
    """Nozzle 1 authorises itself and gets dearer, nozzle 2 waits for somebody.

    Both are one head's, or where an address is a nozzle, two heads'.
    """
    spoken = table.PUMPS[protocol]
    line = kit.line_of(protocol, *spoken.addresses[: 2 if spoken.nozzles == 1 else 1])
    dearer = Price(kit.START + timedelta(seconds=DEARER_AT), NEW)
    nozzles = iter(one for point in line.points for one in point.nozzles)
    first, second = next(nozzles), replace(next(nozzles), id=2, mode=MANUAL)
    first = replace(first, mode=AUTO, prices=(*first.prices, dearer))
    if len(line.points) == 1:
        return replace(line, points=(replace(line.points[0], nozzles=(first, second)),))
    wired = zip(line.points, (first, second), strict=True)
    return replace(line, points=tuple(replace(point, nozzles=(one,)) for point, one in wired))


# --------------------------------------------------------------------------- the child: a line


class DyingSpool(Spool):
    """Counts three steps for each transaction: before it, in it with all written, and after it."""

    die_at = 0
    steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._step()
        with super()._writing() as db:
            yield db
            self._step()
        self._step()


class Remote:
    """The heads, at the other end of a socket."""

    def __init__(self, line: socket.socket, site: kit.Site) -> None:
        self._out: TextIO = line.makefile("w")
        self._in: TextIO = line.makefile("r")
        self._site = site
        self.done = False

    def feed(self, data: bytes) -> list[Answer]:
        settled = all(
            point.visit is None and point.synced and point.condition is Condition.IDLE
            for point in self._site.points.values()
        )
        said = {"now": self._site.now, "data": data.hex(), "settled": settled}
        print(json.dumps(said), file=self._out, flush=True)
        answer: Message = json.loads(self._in.readline())
        if answer["grant"]:
            self._authorise(answer["grant"])
        self.done = answer["done"]
        return [Answer(bytes.fromhex(answer["data"]), 0)] if answer["data"] else []

    def _authorise(self, id: int) -> None:
        late = self._site.at + timedelta(seconds=60)
        grant = Grant(id, 2, late, limit_litres=Decimal(3))
        order = Order(id, orders.AUTHORISE, 2, late, grant=grant)
        for point in self._site.points.values():
            if any(one.id == order.nozzle for one in point.wiring.nozzles):
                point.order(order, self._site.at)


def run_line(folder: Path, line: socket.socket, now: float, die_at: int, protocol: str) -> None:
    """Until the story is over, or the spool says that it is time to die. Tells how many steps."""
    site = kit.Site(folder, the_line(protocol))
    spool = DyingSpool(folder / "spool.sqlite3")
    spool.die_at = die_at
    site.spool, site.now, site.pumps = spool, now, ()
    remote = Remote(line, site)
    site.bus = remote  # type: ignore[assignment]
    site.restart()
    while not remote.done:
        site.turn()
    (folder / "steps").write_text(str(spool.steps))


# --------------------------------------------------------------------------- the parent: heads


@dataclass
class World:
    """The heads, their customers, and what they want of whoever runs the line."""

    protocol: str
    pumps: list[Any] = field(init=False)
    now: float = 1000.0
    settled: bool = False
    grants: int = 0
    asked_at: float = -1e9

    def __post_init__(self) -> None:
        line = the_line(self.protocol)
        self.pumps = [kit.head(line, point) for point in line.points]

    @property
    def pump(self) -> Any:
        return self.pumps[0]

    @property
    def second(self) -> tuple[Any, int]:
        """Where nozzle 2 hangs: the head and its position there."""
        return (self.pumps[-1], 1) if len(self.pumps) > 1 else (self.pump, 2)

    @property
    def meters(self) -> list[Any]:
        """Of both nozzles."""
        return [meter for pump in self.pumps for meter in pump.meters.values()]

    def _litres(self, litres: int) -> int:
        """As the display counts them."""
        return int(Decimal(litres).scaleb(self.pump.options.decimals.volume))

    def customers(self) -> Iterator[int]:
        """Yields the number of a grant to be given now, else nought."""
        told = table.PUMPS[self.protocol]
        sells = told.codec([], told.timing).abilities.sets_prices
        if sells:
            yield from self._until(lambda: self._sells_at(OLD))
        yield from self._fill(litres=2)
        pump, position = self.second
        pump.lift(position)  # the next one is in a hurry
        pump.squeeze(Decimal(1))
        while pump.shown.nozzle != position or pump.shown.volume < self._litres(3):
            if not pump.open and self.now - self.asked_at > 5:
                self.asked_at, self.grants = self.now, self.grants + 1
                yield self.grants
            yield 0
        pump.hang()
        dearer = DEARER_AT + 1000 + 2  # where prices are not held, nobody can see it
        if sells:
            yield from self._until(lambda: self._sells_at(NEW))
        yield from self._until(lambda: self.now > dearer)
        yield from self._fill(litres=2)
        quiet = self.now
        while self.now - quiet < 3:
            quiet = quiet if self.settled else self.now
            yield 0

    def _sells_at(self, price: Decimal) -> bool:
        """The head holds this price for nozzle 1, at every level."""
        held = self.pump.price if hasattr(self.pump, "price") else self.pump.prices.get(1, 0)
        return set(held if isinstance(held, list) else [held]) == {int(price * 100)}

    def _fill(self, litres: int) -> Iterator[int]:
        pump = self.pump
        before = pump.meters[1].volume
        pump.lift(1)
        pump.squeeze(Decimal(1))
        enough = self._litres(litres)
        yield from self._until(
            lambda: not pump.metered and pump.shown.nozzle == 1 and pump.shown.volume >= enough
        )
        pump.hang()
        assert pump.meters[1].volume > before

    @staticmethod
    def _until(true: Any) -> Iterator[int]:
        while not true():
            yield 0


def tell(folder: Path, die_at: int, protocol: str) -> Message:
    """One story with one death; what its spool holds at the end."""
    folder.mkdir()
    world = World(protocol)
    bus, story, deaths = Bus(world.pumps), world.customers(), 0
    while not _one_life(folder, world, bus, story, die_at if not deaths else 0):
        deaths += 1
        assert deaths == 1, "it died of something else"
    spool = Spool(folder / "spool.sqlite3")
    told = [(fact.kind, fact.body) for fact in spool.waiting(10_000)]
    spool.close()
    places = world.pump.options.decimals.totals
    meters = [str(Decimal(meter.volume).scaleb(-places)) for meter in world.meters]
    return {"die_at": die_at, "deaths": deaths, "told": told, "meters": meters}


def _one_life(folder: Path, world: World, bus: Bus, story: Iterator[int], die_at: int) -> bool:
    """True when the story came to its end, False when the line died."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        sys.settrace(None)  # what is measured here dies with it, and tracing doubles the work
        ours.close()
        code = 1
        try:
            run_line(folder, theirs, world.now, die_at, world.protocol)
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    over = _serve(ours, world, bus, story)
    _, status = os.waitpid(child, 0)
    assert over == (status == 0), f"the line ended with {status}"
    assert over or os.WTERMSIG(status) == signal.SIGKILL
    return over


def _serve(line: socket.socket, world: World, bus: Bus, story: Iterator[int]) -> bool:
    with line, line.makefile("r") as heard, line.makefile("w") as out:
        for text in heard:
            said: Message = json.loads(text)
            world.now, world.settled = said["now"], said["settled"]
            assert world.now < 1000 + MOST_SECONDS, "the story does not end"
            for pump in world.pumps:
                pump.advance(world.now)
            grant = next(story, None)
            data = b"".join(answer.data for answer in bus.feed(bytes.fromhex(said["data"])))
            answer = {"data": data.hex(), "grant": grant or 0, "done": grant is None}
            print(json.dumps(answer), file=out, flush=True)
            if grant is None:
                return True
    return False


def main(folder: Path, protocol: str) -> None:
    whole = tell(folder / "0", 0, protocol)
    sys.stdout.write(json.dumps(whole) + "\n")
    steps = int((folder / "0" / "steps").read_text())
    for die_at in range(1, steps + 1):
        sys.stdout.write(json.dumps(tell(folder / str(die_at), die_at, protocol)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
