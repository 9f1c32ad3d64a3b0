"""Limits against abuse are asked in the transaction of the act: before points are given or spent.

A sale goes through whatever a limit says: its points are withheld, or wait for somebody to look. What
is refused (spending, an adjustment) leaves its case after the refusal has undone everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.timezone import localtime

from members.models import Action, Metric, PointsTxn, RiskCase
from members.queries.risk import Hit, over, tank_of
from station.errors import Refusal
from station.models import Station, User

ASK = "如有误，请站长在「异常名单」里核实。"


@dataclass(frozen=True)
class Act:
    """What was done when a limit was met, as the case keeps it."""

    at: datetime
    station_id: int | None
    document: str = ""
    member_id: int | None = None
    staff: User | None = None


class OverTheLimit(Refusal):
    """A limit refuses the act; `keep` leaves the cases when the transaction is undone."""

    def __init__(self, words: str, hits: Sequence[Hit], act: Act, tag: str) -> None:
        super().__init__(words)
        self.hits, self.act, self.tag = tuple(hits), act, tag

    def keep(self) -> None:
        """Leave the cases of what was refused; the same attempt again leaves no second one."""
        record(hits=self.hits, act=self.act, tag=self.tag)


@contextmanager
def kept() -> Iterator[None]:
    """Around the transaction of an act that a limit may refuse: its case outlives the refusal."""
    try:
        yield
    except OverTheLimit as refusal:
        refusal.keep()
        raise


@transaction.atomic(savepoint=False)
def record(
    *, hits: Sequence[Hit], act: Act, tag: str, points: int = 0, held: PointsTxn | None = None
) -> None:
    """One case per hit, once per act (`tag`). One statement; none without hits."""
    RiskCase.objects.bulk_create(
        [
            RiskCase(
                rule_id=hit.rule_id,
                metric=hit.metric,
                action=hit.action,
                key=f"{hit.metric}:{tag}"[:120],
                station_id=act.station_id,
                member_id=act.member_id,
                staff=act.staff,
                document=act.document,
                value=hit.value,
                limit=hit.limit,
                points=points if hit.action != Action.NOTIFY else 0,
                held=held if hit.action == Action.HOLD else None,
                words=hit.words,
                date=localtime(act.at).date(),
                occurred_at=act.at,
            )
            for hit in hits
        ],
        ignore_conflicts=True,
    )


def said(hits: Sequence[Hit]) -> str:
    """The hits in one line."""
    return "；".join(hit.words for hit in hits)


@dataclass(frozen=True)
class Gain:
    """The points of a sale as limits see them, before they are given."""

    member_id: int
    station: Station
    at: datetime
    document: str
    points: int
    litres: Decimal
    diesel: bool
    nozzles: tuple[int, ...]
    plate_index: str
    cashier: User | None
    attendants: tuple[int, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether the points of a sale are given, and what was over which limit."""

    gain: Gain
    hits: tuple[Hit, ...]

    @property
    def blocks(self) -> bool:
        """Nothing is given."""
        return any(hit.action == Action.BLOCK for hit in self.hits)

    @property
    def holds(self) -> bool:
        """They are given, and wait for somebody to look."""
        return not self.blocks and any(hit.action == Action.HOLD for hit in self.hits)

    @property
    def words(self) -> str:
        """Why they wait, for the ledger and the till."""
        held = [hit for hit in self.hits if hit.action == Action.HOLD]
        return f"待核实：{said(held)}" if self.holds else ""

    def leave(self, held: PointsTxn | None = None) -> None:
        """Leave the cases, in the sale's transaction."""
        if not self.hits:
            return
        gain = self.gain
        act = Act(gain.at, gain.station.pk, gain.document, gain.member_id, gain.cashier)
        record(hits=self.hits, act=act, tag=gain.document, points=gain.points, held=held)


def judge(gain: Gain) -> Verdict:
    """Every limit of earning at once. One statement. The member and his account are locked."""
    metrics = [Metric.POINTS_MEMBER, Metric.STAFF]
    if gain.litres:
        metrics += [Metric.FILLS, Metric.LITRES]
    if gain.nozzles:
        metrics.append(Metric.OTHER_PUMP)
    if gain.plate_index:
        metrics += [Metric.PLATES, Metric.POINTS_PLATE]
    hands = [*gain.attendants, *([gain.cashier.pk] if gain.cashier else [])]
    hits = over(
        metrics=metrics,
        at=gain.at,
        member=gain.member_id,
        points=gain.points,
        litres=gain.litres,
        nozzles=list(gain.nozzles),
        plate=gain.plate_index,
        hands=hands,
        **tank_of(station=gain.station, diesel=gain.diesel),
    )
    return Verdict(gain, tuple(hits))


def demand_spend(
    *, member_id: int, at: datetime, station_id: int | None, actor: User | None, undone: str
) -> None:
    """Refuses OverTheLimit what a member may not spend yet. One statement."""
    hits = over(metrics=[Metric.PHONE_CHANGED], at=at, member=member_id)
    act = Act(at, station_id, "", member_id, actor)
    tag = f"{member_id}:{localtime(at).date()}"
    if any(hit.action == Action.BLOCK for hit in hits):
        words = f"{undone}：这位会员{said(hits)}，为防盗用暂不能用积分。{ASK}"
        raise OverTheLimit(words, hits, act, tag)
    record(hits=hits, act=act, tag=tag)


def judge_adjustment(*, actor: User, act: Act, tag: str) -> list[Hit]:
    """The limit of adjustments by one person, who is locked first: two at once are counted.

    Two statements. Refuses OverTheLimit where the limit blocks.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('risk:adjusts'), %s)", [actor.pk])
    hits = over(metrics=[Metric.ADJUSTS], at=act.at, actor=actor.pk)
    if any(hit.action == Action.BLOCK for hit in hits):
        raise OverTheLimit(f"没有调整：{said(hits)}。{ASK}", hits, act, tag)
    return hits


def watch_refund(*, act: Act) -> None:
    """A refund that moves points, counted by its cashier; it is never refused. One statement."""
    if act.staff is not None:
        hits = over(metrics=[Metric.REFUNDS], at=act.at, actor=act.staff.pk, document=act.document)
        record(hits=hits, act=act, tag=act.document)
