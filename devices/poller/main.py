"""The poller: line threads below, PostgreSQL above, the spool between them.

Lines run on whatever becomes of the database. This thread loads the wiring, takes commands when
NOTIFY wakes it, writes what the wall shows, and moves facts up. When the database goes away it
keeps trying, and the lines go on as the station's 断网策略 says.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from django.db import DatabaseError, InterfaceError, connection

from devices.line import facts, orders
from devices.line.board import NozzleLive
from devices.line.gauging import GaugeLine
from devices.line.holding import Holds
from devices.line.thread import PumpLine
from devices.line.wire import now, wall
from devices.line.wiring import LineWiring, from_body, to_body
from devices.poller import outputs
from devices.poller.clock import ClockWatch, step_facts
from devices.poller.due import Due
from devices.poller.ordering import order_of
from devices.poller.outputs import AnyLine, SideLine, side_line
from devices.poller.probing import Probes
from devices.poller.pruning import Pruning
from devices.poller.stopping import StopSocket
from devices.poller.waiting import spool_state
from devices.protocols import table
from devices.protocols.base import Seconds
from devices.queries import site
from devices.services import live, spooled, taking
from devices.services.commands import CHANNEL
from devices.services.local_stop import SOCKET
from devices.services.taking import Taken
from devices.spool import Spool

log = structlog.get_logger(__name__)

BEAT: Seconds = 0.2  # the wall is at most this old, and the lines' own time
LINES_EVERY: Seconds = 2.0
REWIRE_EVERY: Seconds = 30.0
RETRY_EVERY: Seconds = 1.0
AGAIN_EVERY: Seconds = 10.0
BATCH = 200
HALT_PATIENCE: Seconds = 10.0
_AWAY = (DatabaseError, InterfaceError, OSError)


@dataclass(slots=True)
class Poller:
    """One site. `run` ends when `ending` is set."""

    var: Path
    ending: threading.Event = field(default_factory=threading.Event)
    spool: Spool = field(init=False)
    pumps: dict[int, PumpLine] = field(init=False, default_factory=dict)
    sides: dict[int, SideLine] = field(init=False, default_factory=dict)  # what is no pump
    holds: Holds = field(init=False)
    probes: Probes = field(init=False, default_factory=Probes)
    database: bool = field(init=False, default=False)
    _wired: tuple[LineWiring, ...] = field(init=False, default=())
    _shown: dict[int, NozzleLive] = field(init=False, default_factory=dict)
    _halting: dict[int, Seconds] = field(init=False, default_factory=dict)  # command: since
    _listening: bool = field(init=False, default=False)
    _told: bool = field(init=False, default=False)  # that the database is away
    _lines_due: Due = field(init=False, default_factory=lambda: Due(LINES_EVERY))
    _wiring_due: Due = field(init=False, default_factory=lambda: Due(REWIRE_EVERY))
    _retry_due: Due = field(init=False, default_factory=lambda: Due(RETRY_EVERY))
    _again_due: Due = field(init=False, default_factory=lambda: Due(AGAIN_EVERY))
    _pruning: Pruning = field(init=False, default_factory=Pruning)
    _recovered: bool = field(init=False, default=False)
    _clock: ClockWatch = field(init=False, default_factory=ClockWatch)

    def __post_init__(self) -> None:
        self.spool = Spool(self.var / "spool" / "spool.sqlite3")
        self.holds = Holds(self.spool, self._obey_holds)

    # ------------------------------------------------------------------ life

    def run(self) -> None:
        """Until told to end. Nothing that the database does ends it."""
        stop = StopSocket(self.var / SOCKET, halt=self.halt, release=self.release)
        self._start_alone()
        try:
            while not self.ending.is_set():
                self._turn()
        finally:
            stop.close()
            self.probes.end()
            self._end_lines(self._all)
            connection.close()
            self.spool.close()

    def _start_alone(self) -> None:
        """Begin with what the spool remembers; the database may be away this morning."""
        kept = self.spool.config("wiring")
        if kept is not None:
            self._wire(from_body(kept))

    def _turn(self) -> None:
        step = self._clock.stepped(now(), wall())
        if step is not None:
            self.spool.record(facts=step_facts(self._stations, step, wall()))
        if not self.database and not self._retry_due.now(now()):
            self.ending.wait(BEAT)
            return
        try:
            self._upwards()
        except _AWAY as trouble:
            self._away(trouble)

    def _upwards(self) -> None:
        self._listen()
        if self._wiring_due.now(now()):
            self._rewire()
        self._recover()
        self._take()
        self._halted()
        self.probes.turn(busy=[one.line.url for one in self._all], at=wall())
        outputs.feed(self.sides)
        self._show()
        self._move()
        self._pruning.turn(self.spool, self.var / "blackbox", at=wall())
        self._wait()

    def _away(self, trouble: Exception) -> None:
        if not self._told:
            self._told = True
            log.warning("database_away", error=str(trouble).strip()[:200])
        self.database = self._listening = False
        self._shown.clear()
        self._wiring_due.at = 0.0
        try:
            connection.close()
        except _AWAY as error:
            log.warning("database_close", error=str(error)[:200])

    def _listen(self) -> None:
        if self._listening:
            return
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        log.info("database_here")
        self.database = self._listening = True
        self._told = False

    def _wait(self) -> None:
        """Until somebody notifies, a line tells something new, or a beat has passed."""
        inner = connection.connection
        ready, _, _ = select.select([inner.fileno(), self.spool.news], [], [], BEAT)
        self.spool.heard_news()
        if inner.fileno() in ready:
            with connection.wrap_database_errors:
                inner.poll()
            inner.notifies.clear()

    # ------------------------------------------------------------------ wiring

    def _rewire(self) -> None:
        lines = site.wiring(at=wall())
        self.spool.put_config("wiring", to_body(lines))
        self._wire(lines)

    def _wire(self, lines: tuple[LineWiring, ...]) -> None:
        wanted = {line.id: line for line in lines}
        running = {one.line.id: one for one in self._all}
        gone = [
            one
            for pk, one in running.items()
            if pk not in wanted or not one.line.same_port(wanted[pk])
        ]
        self._end_lines(gone)
        for one in gone:
            self.pumps.pop(one.line.id, None)
            self.sides.pop(one.line.id, None)
            if self.database:
                nozzles = [n.id for point in one.line.points for n in point.nozzles]
                live.silence(at=wall(), nozzles=nozzles)
        with self.holds.lock:
            self._wired = lines
            self.holds.waive(lines)
            for line in map(self.holds.put_on, lines):
                known = self.pumps.get(line.id) or self.sides.get(line.id)
                if known is None:
                    self._start(line)
                elif isinstance(known, PumpLine | GaugeLine):
                    known.rewire(line)

    def _obey_holds(self) -> None:
        """By the gauge's thread: pumps sell nothing of a tank that is held, from their next poll on."""
        for line in self._wired:
            if line.id in self.pumps:
                self.pumps[line.id].rewire(self.holds.put_on(line))

    def _start(self, line: LineWiring) -> None:
        boxes = self.var / "blackbox"
        if line.protocol in table.PUMPS:
            if not line.points:
                return
            self.pumps[line.id] = PumpLine(
                line,
                spool=self.spool,
                boxes=boxes,
                may_authorise=lambda: self.database,
                halted=self.halted,
            )
            self.pumps[line.id].start()
            return
        side = side_line(line, spool=self.spool, boxes=boxes, holds=self.holds)
        if side is not None:
            self.sides[line.id] = side
            side.start()

    @staticmethod
    def _end_lines(lines: Iterable[AnyLine]) -> None:
        for line in lines:
            line.end()
        for line in lines:
            line.join()

    # ------------------------------------------------------------------ emergency stop

    @property
    def halted(self) -> bool:
        return bool((self.spool.config("halted") or {}).get("halted"))

    def halt(self, who: str, *, local: bool = True) -> None:
        """Stop everything at once; durable, so that a restart does not let fuel flow."""
        for line in self.pumps.values():
            line.halt()
        self.spool.put_config("halted", {"halted": True, "who": who})
        if local:
            self._note(orders.STOP_ALL, who)

    def release(self, who: str, *, local: bool = True) -> None:
        self.spool.put_config("halted", {"halted": False, "who": who})
        for line in self.pumps.values():
            line.release()
        if local:
            self._note(orders.RELEASE_ALL, who)

    def _note(self, kind: str, who: str) -> None:
        at = wall()
        stations = {line.line.station for line in self.pumps.values()}
        self.spool.record(facts=[facts.halted(station, kind, who, at) for station in stations])

    def _halted(self) -> None:
        """Report a stop when every line has."""
        if not self._halting:
            return
        reports = {line.line.name: line.halt_report for line in self.pumps.values()}
        late = now() - min(self._halting.values()) > HALT_PATIENCE
        if not all(reports.values()) and not late:
            return
        text = "；".join(f"{name}{word or '没有完成'}" for name, word in reports.items())
        status = orders.DONE if all(reports.values()) else orders.FAILED
        for command in self._halting:
            self._answer(command, status, text)
        self._halting.clear()

    # ------------------------------------------------------------------ commands

    @property
    def _all(self) -> list[AnyLine]:
        return [*self.pumps.values(), *self.sides.values()]

    @property
    def _stations(self) -> set[int]:
        return {line.line.station for line in self._all}

    def _recover(self) -> None:
        """Once after each start: what was taken before and never answered."""
        if self._recovered:
            return
        self._recovered = True
        kept = self.spool.open_commands(orders.DONE, orders.FAILED, orders.VOID)
        granted = {
            point.visit.grant.id
            for line in self.pumps.values()
            for point in line.points.values()
            if point.visit is not None and point.visit.grant is not None
        }
        lost = taking.give_up_lost(
            stations=self._stations,
            journaled={int(one.id) for one in kept},
            granted=granted,
            at=wall(),
        )
        if lost:
            log.warning("commands_lost", count=lost)

    def _take(self) -> None:
        taken = taking.take(stations=self._stations, at=wall())
        if any(one.kind in (orders.PRICE, orders.REWIRE) for one in taken):
            self._rewire()
        for one in taken:
            self.spool.journal(id=str(one.id), body={"kind": one.kind}, state="TAKEN", at=wall())
            self._pass_on(one)

    def _pass_on(self, one: Taken) -> None:
        if one.kind == orders.STOP_ALL:
            self._halting[one.id] = now()
            self.halt("急停命令", local=False)
        elif one.kind == orders.RELEASE_ALL:
            self.release("解除急停命令", local=False)
            self._answer(one.id, orders.DONE, "已解除急停")
        elif one.kind == orders.REWIRE:
            self._answer(one.id, orders.DONE, "接线与价格已重新载入")
        elif one.kind == orders.SIGN:
            if not outputs.order(self.sides, one):
                self._answer(one.id, orders.FAILED, "价格牌没有接线")
        else:
            self._to_line(one)

    def _to_line(self, one: Taken) -> None:
        for line in self.pumps.values():
            for point in line.line.points:
                for nozzle in point.nozzles:
                    if nozzle.id == one.nozzle:
                        posted = nozzle.price_at(one.grant.asked_at) if one.grant else None
                        line.order(order_of(one, posted))
                        return
        self._answer(one.id, orders.FAILED, "油枪没有接线")

    def _answer(self, command: int, status: str, text: str) -> None:
        at = wall()
        fact = facts.command(command, status, text, at)
        self.spool.journal(id=str(command), body={}, state=status, at=at, why=text, fact=fact)

    # ------------------------------------------------------------------ upwards

    def _show(self) -> None:
        """Write nozzles that changed, and each line's health now and then."""
        boards = {
            nozzle.nozzle: (nozzle, line.live.heard_at)
            for line in self.pumps.values()
            for nozzle in line.board()
        }
        changed = [
            live.NozzleNow(
                nozzle=nozzle.nozzle,
                state=nozzle.state,
                litres=nozzle.litres,
                amount=nozzle.amount,
                unit_price=nozzle.unit_price,
                totalizer=nozzle.totalizer,
                totalizer_at=nozzle.totalizer_at,
                epoch=nozzle.epoch,
                lifted_at=nozzle.lifted_at,
                heard_at=heard_at if nozzle.state != "OFFLINE" else None,
            )
            for nozzle, heard_at in boards.values()
            if self._shown.get(nozzle.nozzle) != nozzle
        ]
        if changed:
            live.write_nozzles(changed, at=wall())
            self._shown.update({pk: nozzle for pk, (nozzle, _) in boards.items()})
        if self._lines_due.now(now()):
            self._show_lines(
                [pk for pk, (nozzle, _) in boards.items() if nozzle.state != "OFFLINE"]
            )

    def _show_lines(self, heard: list[int]) -> None:
        rows = [
            live.LineNow(
                line=one.line.id,
                is_open=one.live.is_open,
                heard_at=one.live.heard_at,
                polls=one.live.polls,
                answers=one.live.answers,
                bad_frames=one.live.bad_frames,
                error=one.live.error,
            )
            for one in self._all
        ]
        live.write_lines(rows, heard=heard, at=wall())
        live.write_poller(spool_state(self.spool, self._stations, wall()))
        outputs.show_signs(self.sides.values())

    def _move(self) -> None:
        """Bring waiting facts up; what was refused is tried again at longer intervals."""
        waiting = self.spool.waiting(BATCH)
        if self._again_due.now(now()):
            waiting += self.spool.waiting(BATCH, again=True)
        if not waiting:
            return
        moved = spooled.move(
            [spooled.Moving(fact.seq, fact.key, fact.kind, fact.body, fact.at) for fact in waiting]
        )
        self.spool.moved(moved.done)
        for seq, why in moved.refused:
            self.spool.refused(seq, why)
