"""One fuelling point as the line knows it: link, condition, visit, meters, orders.

It hears the codec's events and decides what to ask next, one job at a time (`jobs.py`). It opens
no port and reads no clock. Whatever must not be lost goes to the spool in one transaction with
the state it changes, before the head is told anything that makes it forget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from devices.line import facts, orders
from devices.line.board import NozzleLive, states
from devices.line.link import Ask, Instant, Job, Link
from devices.line.orders import Grant, Order
from devices.line.settling import Meter, Wires, carried
from devices.line.visit import Visit, read_visit
from devices.line.wiring import LineWiring, NozzleWiring, PointWiring
from devices.protocols import asks, base
from devices.protocols.asks import Command
from devices.protocols.base import Condition, Decimals, Event, Seconds
from devices.spool import Fact, Spool

RUNNING = frozenset(
    {Condition.AUTHORISED, Condition.FUELLING, Condition.SUSPENDED, Condition.LIMIT}
)
SCALE = "SCALE"  # the alarm of a head that counts in other decimals than its wiring says


@dataclass(slots=True)
class Point:
    line: LineWiring
    wiring: PointWiring
    codec: base.Codec
    spool: Spool
    frame: Callable[[], int]  # number of the latest frame in the black box
    may_authorise: Callable[[], bool]  # the database is there, or the policy goes on without it
    crowded: Callable[[], bool] = lambda: False  # others on the line fuel: what can wait does
    halted: bool = False
    link: Link = field(init=False)
    synced: bool = False
    scaled: bool = False  # its decimals were looked at when it was synchronised
    unclosed: bool = False  # the head waits to be told that it may forget a finished fill
    told: str = ""  # the transaction of the head that was told last
    doubt: str = ""  # why nothing of it is believed: its decimals are not the wiring's
    alone: bool = True  # the head was out of sight since its meters were last read
    condition: Condition | None = None
    nozzle: int = 0
    out: bool = False
    litres: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    meters: dict[int, Meter] = field(default_factory=dict)
    foreign: dict[int, Decimals] = field(default_factory=dict)  # meters kept under other decimals
    read_at: dict[int, datetime] = field(default_factory=dict)
    held: dict[int, Decimal] = field(default_factory=dict)  # prices that the head confirmed
    visit: Visit | None = None
    next_lift: datetime | None = None
    orders: list[Order] = field(default_factory=list)
    retry_at: Seconds = 0.0
    audit_at: Seconds = 0.0
    failures: int = 0  # authorisations in a row that the head did not take
    alarmed: set[str] = field(default_factory=set)
    heard_at: datetime | None = None
    moment: Instant = field(init=False)
    _job: Job | None = None
    _ask: Ask | None = None
    _until: Seconds = 0.0

    def __post_init__(self) -> None:
        self.link = Link(self.codec.timing)
        self._remember()

    # ------------------------------------------------------------------ names

    @property
    def address(self) -> int:
        return self.wiring.address

    @property
    def name(self) -> str:
        """Key of the durable state; survives a change of line."""
        return f"dispenser:{self.line.station}:{self.wiring.dispenser}"

    @property
    def subject(self) -> str:
        return f"{self.wiring.dispenser} 号机"

    @property
    def running(self) -> bool:
        return self.condition in RUNNING

    @property
    def busy(self) -> bool:
        return self._job is not None or self.codec.busy(self.address)

    def wires(self, position: int) -> Wires:
        nozzle = self.wiring.nozzle(position)
        return Wires(self.wiring.decimals, nozzle.digits if nozzle else 8)

    def wanted_price(self, nozzle: NozzleWiring, at: datetime) -> Decimal | None:
        """The granted price while a grant is on, else the price in force."""
        visit = self.visit
        if visit is not None and visit.grant is not None and visit.nozzle == nozzle.position:
            if visit.grant.price is not None:
                return visit.grant.price
            if visit.ran and visit.price is not None:
                return visit.price  # a fill under way ends at its own price
        return nozzle.price_at(at)

    # ------------------------------------------------------------------ memory

    def _remember(self) -> None:
        body = self.spool.live(self.name) or {"meters": {}, "visit": None}
        self.told = body.get("told", "")
        for nozzle in self.wiring.nozzles:
            known = body["meters"].get(str(nozzle.position))
            if known is not None and known["epoch"] >= nozzle.epoch:
                self.meters[nozzle.position] = facts.read_meter(known)
                kept = facts.read_places(known, self.wiring.decimals)
                if kept != self.wiring.decimals:
                    self.foreign[nozzle.position] = kept
            elif nozzle.totalizer is not None:  # a new spool, or a meter changed by hand
                self.meters[nozzle.position] = Meter(nozzle.epoch, nozzle.totalizer)
        if body["visit"] is not None:
            self.visit = read_visit(body["visit"])

    def save(
        self,
        new: Sequence[Fact] = (),
        *,
        visit: Visit | None,
        meters: dict[int, Meter] | None = None,
        told: str = "",
    ) -> None:
        """Make facts, visit and meters durable together, and only then believe them."""
        meters, told = {**self.meters, **(meters or {})}, told or self.told
        kept = None if visit is None else visit.body()
        body = facts.point_body(meters, self.foreign, self.wiring.decimals, kept, told)
        self.spool.record(facts=new, live={self.name: body})
        self.meters, self.visit, self.told = meters, visit, told

    def rewire(self, line: LineWiring, wiring: PointWiring) -> None:
        """Take new prices and modes, and a meter that somebody changed."""
        self.line, self.wiring = line, wiring
        for nozzle in wiring.nozzles:
            known = self.meters.get(nozzle.position)
            if known is not None and nozzle.epoch > known.epoch and nozzle.totalizer is not None:
                self.meters[nozzle.position] = Meter(nozzle.epoch, nozzle.totalizer)
                self.foreign.pop(nozzle.position, None)
                self.synced = False

    # ------------------------------------------------------------------ hearing

    def hear(self, events: Sequence[Event], *, answered: bool, moment: Instant) -> None:
        """One exchange is over: take in what it brought and go on with the job."""
        self.moment = moment
        if answered:
            self.heard_at = moment.at
            if self.link.answered():
                self._back()
        for event in events:
            self._one(event)
            if self._ask is not None and self._meets(event):
                self._resume(event)
        self._tick()

    def _meets(self, event: Event) -> bool:
        assert self._ask is not None
        if isinstance(event, base.GaveUp) and event.command == self._ask.command:
            self._resume(None)
            return False
        return self._ask.wants(event)

    def _one(self, event: Event) -> None:
        match event:
            case base.Silence():
                if self.link.missed():
                    self._gone()
            case base.Status():
                self._status(event)
            case base.NozzleSelected():
                self._selected(event)
            case base.Delivered():
                self.litres, self.amount = event.litres, event.amount
            case base.TotalsRead() if event.nozzle in self.foreign:
                self._carry(event)
            case base.PricesRead():
                self.held.update(dict(event.prices))
            case base.PumpAlarm():
                self.alarm("DEVICE", f"{self.subject} 报警：{event.code}（{event.raw:02X}）")
                self.synced = self.synced and event.code not in ("CPU_RESET", "POWER_FAIL")

    def _status(self, event: base.Status) -> None:
        before, self.condition = self.condition, event.condition
        self.out = event.nozzle_out
        self.nozzle = event.nozzle or self.nozzle
        self.unclosed = event.unclosed
        if event.condition is Condition.UNPROGRAMMED:
            self.synced = False
            self.held.clear()
        if event.condition in (Condition.IDLE, Condition.CALLING) and before != event.condition:
            self.litres = self.amount = Decimal(0)
        visit = self.visit
        if visit is not None and not visit.ran and visit.grant is not None and self.running:
            visit.ran, visit.authorised_at = True, self.moment.at  # it took what it was given
            self.save([facts.authorisation(visit.grant.id, "SENT", self.moment.at)], visit=visit)
        if visit is None or not visit.ran:
            return
        if event.condition is Condition.IDLE and visit.ended_at is None:
            visit.ended_at = self.moment.at
        if event.condition is Condition.FUELLING and visit.started_at is None:
            visit.started_at = self.moment.at
            grant, at = visit.grant, self.moment.at
            fuels = [] if grant is None else [facts.authorisation(grant.id, "FUELLING", at)]
            self.save(fuels, visit=visit)

    def _selected(self, event: base.NozzleSelected) -> None:
        self.out = event.nozzle_out
        if event.nozzle:
            self.nozzle = event.nozzle
            if event.price is not None and not (self.visit and self.visit.ran):
                self.held[event.nozzle] = event.price
        if not event.nozzle_out:
            if self.visit is not None and self.visit.untouched:
                self.visit = None  # lifted and hung again, and nobody tried to authorise it
            return
        if self.visit is None or self.visit.left_for(event.nozzle):
            self.visit = self.new_visit(event.nozzle)
        elif self.visit.ended_at is not None:
            self.next_lift = self.moment.at  # the next customer; the last fill is still being read
        elif self.visit.lifted_at is None and event.nozzle == self.visit.nozzle:
            self.visit.lifted_at = self.moment.at

    def _carry(self, totals: base.TotalsRead) -> None:
        """The wiring's decimals were changed: say once what the kept meter means under them.

        Where wrong decimals were told before, the books go on in the next epoch of the meter.
        """
        number, nozzle = totals.nozzle, self.wiring.nozzle(totals.nozzle)
        kept = self.meters[number]
        meter = carried(kept, totals, self.foreign.pop(number), self.wiring.decimals)
        new: list[Fact] = []
        if meter.litres != kept.litres and nozzle is not None:
            meter = replace(meter, epoch=kept.epoch + 1)
            new.append(facts.rescaled(nozzle.id, kept, meter, self.moment.at))
        self.save(new, visit=self.visit, meters={number: meter})

    def new_visit(self, nozzle: int, *, lifted: bool = True) -> Visit:
        at = self.next_lift or self.moment.at
        self.next_lift = None
        serial = f"{facts.millis(self.moment.at):x}"[-12:]
        return Visit(nozzle, serial, self.frame(), lifted_at=at if lifted else None)

    def _back(self) -> None:
        self.synced = False
        self.clear("SILENCE")

    def _gone(self) -> None:
        self._unknown()
        self.alarm("SILENCE", f"{self.subject} 无应答")

    def _unknown(self) -> None:
        """Nothing assumed about the head holds any more."""
        self.synced, self.alone = False, True
        self.condition, self.unclosed = None, False
        if self.codec.abilities.reads_prices:  # else they are ours, and go with each preset
            self.held.clear()
        self.drop_job()
        self.codec.preempt(self.address)
        self.codec.forget(self.address)

    def lost(self, moment: Instant) -> None:
        """The port went away under all heads of the line; that is one alarm, not one of each."""
        self.moment = moment
        if self.link.online:
            self.link.online, self.link.hits = False, 0
        self._unknown()

    def alarm(self, kind: str, text: str, nozzle: NozzleWiring | None = None) -> None:
        subject = f"{nozzle.number} 号枪" if nozzle else self.subject
        self.alarmed.add(kind)
        self.spool.record(facts=[self.alarm_fact(kind, text, subject, nozzle)])

    def alarm_fact(
        self, kind: str, text: str, subject: str, nozzle: NozzleWiring | None, *, over: bool = False
    ) -> Fact:
        return facts.alarm(
            kind=kind,
            subject=subject,
            text=text,
            at=self.moment.at,
            station=self.line.station,
            nozzle=nozzle.id if nozzle else None,
            line=self.line.id,
            over=over,
        )

    def clear(self, kind: str) -> None:
        """The machine is well again; also after a restart, when nobody knows who raised it."""
        self.alarmed.discard(kind)
        self.spool.record(facts=[self.alarm_fact(kind, "已恢复", self.subject, None, over=True)])

    # ------------------------------------------------------------------ jobs

    def drop_job(self) -> None:
        if self._job is not None:
            self._job.close()
        self._job = self._ask = None

    def _tick(self) -> None:
        from devices.line import jobs  # thin: jobs are written against Point

        if self._ask is not None and self.moment.now >= self._until:
            self._resume(None)
        if self._job is None and self.link.online and self.moment.now >= self.retry_at:
            self._job = jobs.choose(self)
            if self._job is not None:
                self._resume(None)

    def _resume(self, reply: Event | None) -> None:
        """Run the job up to its next question. A job that fails leaves everything to be redone."""
        job, self._ask = self._job, None
        assert job is not None
        try:
            while True:
                ask = job.send(reply)
                if ask.command is None or self._submitted(ask.command):
                    break
                reply = None
        except StopIteration:
            self._job = None
            return
        except BaseException:
            self._job = None
            self.retry_at = self.moment.now + 1
            raise
        self._ask, self._until = ask, self.moment.now + ask.patience

    def _submitted(self, command: Command) -> bool:
        try:
            self.codec.submit(command)
        except (base.Unsupported, base.Malformed):
            return False
        return True

    # ------------------------------------------------------------------ orders

    def order(self, order: Order, at: datetime) -> None:
        """Take an order; a stop for this point goes before everything else."""
        if self.halted and order.kind == orders.AUTHORISE:
            self.answer(order, orders.FAILED, "急停中，解除急停后再授权", at)
        elif order.kind == orders.STOP:
            self.orders.insert(0, order)
        else:
            self.orders.append(order)

    def answer(self, order: Order, status: str, text: str, at: datetime) -> None:
        """Say what became of an order, durably; a failed grant fails with it.

        A grant that a visit holds ends with the visit: the head may have taken it unheard.
        """
        if order in self.orders:
            self.orders.remove(order)
        held = self.visit is not None and self.visit.holds(order.grant)
        failed = order.kind == orders.AUTHORISE and status != orders.DONE
        if order.grant is not None and failed and not held:
            gone = "EXPIRED" if status == orders.VOID else "FAILED"
            self.spool.record(facts=[facts.authorisation(order.grant.id, gone, at)])
        fact = facts.command(order.id, status, text, at)
        self.spool.journal(id=str(order.id), body={}, state=status, why=text, at=at, fact=fact)

    def orders_of(self, grant: Grant | None) -> list[Order]:
        """Orders that still wait to give a grant."""
        wanted = [one for one in self.orders if one.kind == orders.AUTHORISE]
        return [one for one in wanted if one.grant and grant and one.grant.id == grant.id]

    def expire(self, at: datetime) -> None:
        """Void what is late."""
        loose = self.link.online and self.wiring.loose(self.codec.abilities)
        for order in [one for one in self.orders if one.late(at, loose=loose)]:
            why = orders.why_late(online=self.link.online, doubt=self.doubt, loose=loose)
            self.answer(order, orders.VOID, f"超时未执行：{why}", at)

    def halt(self, moment: Instant) -> None:
        """Emergency stop: nothing queued survives, and the head is told at once."""
        self.moment, self.halted = moment, True
        for order in list(self.orders):
            self.answer(order, orders.VOID, "急停", moment.at)
        if self.visit is not None and self.visit.started_at is None:
            self.visit.outcome = "CANCELLED"
        self.drop_job()
        self.codec.preempt(self.address)
        self.codec.submit(asks.Stop(address=self.address))

    def live(self) -> list[NozzleLive]:
        """Each nozzle as the wall shows it."""
        return states(self)
