"""A month with a partner: as it stands beside what he says of it, or as it was closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.timezone import localdate

from members.models import (
    ExchangePartner,
    Move,
    PartnerBill,
    PartnerStatement,
    PartnerStatementLine,
)
from members.queries.exchanges import StatementLine, Way, ledger_sum, statement

SHOWN = 24  # months on a partner's page


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One move: `theirs` as we have it, `told` as he says; None where there is none. Points unsigned."""

    partner_no: str
    move: str
    theirs: int | None
    told: int | None
    compared: bool  # whether he told line by line
    day: date | None = None
    order_id: int | None = None
    order: str = ""
    member: str = ""
    points: int = 0  # signed as the member's ledger is, like fee and booked
    fee: int = 0
    booked: int = 0

    @property
    def agrees(self) -> bool:
        """Whether both say the same of it."""
        return not self.compared or self.theirs == self.told

    @property
    def is_booked(self) -> bool:
        """Whether the ledger says what the order says."""
        return self.booked == self.points + self.fee

    @property
    def words(self) -> str:
        """What is different, or that nothing is."""
        if not self.is_booked:
            return "与积分流水不符"
        if not self.compared:
            return "未逐笔核对"
        if self.told is None:
            return "对方没有这一笔"
        if self.theirs is None:
            return "我方没有这一笔"
        return "相符" if self.agrees else f"对方 {self.told} 分"


@dataclass(frozen=True, slots=True)
class Month:
    """A month with its lines and sums, closed or not. `out` and `into` are his points, unsigned."""

    partner: ExchangePartner
    month: date
    lines: tuple[MonthLine, ...]
    exchanges: int
    out: int
    into: int
    points_out: int
    points_in: int
    fee: int
    booked: int
    bill: PartnerBill | None
    closed: PartnerStatement | None

    @property
    def differences(self) -> int:
        """How many lines differ, else how many of the three sums."""
        lines = sum(not one.agrees for one in self.lines)
        return lines or sum(ours != his for _, ours, his in self.sums if his is not None)

    @property
    def sums(self) -> tuple[tuple[str, int, int | None], ...]:
        """Number of moves and his points both ways: ours, and what he says of them."""
        bill = self.bill
        return (
            ("笔数", self.exchanges, bill.exchanges if bill else None),
            ("换出(对方积分)", self.out, bill.out if bill else None),
            ("换入(对方积分)", self.into, bill.into if bill else None),
        )

    @property
    def is_booked(self) -> bool:
        """Whether every line, and their sum, is what the ledger says."""
        mine = self.points_in - self.points_out - self.fee
        return mine == self.booked and all(one.is_booked for one in self.lines)


def last_of(month: date) -> date:
    """The last day of a month that is named by its first."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def is_closed(*, partner: ExchangePartner, day: date) -> bool:
    """Whether the month of a day was closed with a partner. One statement."""
    rows = PartnerStatement.objects.filter(partner=partner, month=day.replace(day=1))
    return rows.exists()


def bill_of(*, partner: ExchangePartner, month: date) -> PartnerBill | None:
    """What the partner told of a month last. One statement."""
    rows = PartnerBill.objects.filter(partner=partner, month=month).select_related("told_by")
    return rows.order_by("-pk").first()


def month_of(*, partner: ExchangePartner, month: date) -> Month:
    """A month as it was closed, or, while it is open, as it stands now."""
    rows = PartnerStatement.objects.select_related("bill__told_by", "closed_by")
    closed = rows.filter(partner=partner, month=month).first()
    return _frozen(partner, closed) if closed else _live(partner, month)


def _live(partner: ExchangePartner, month: date) -> Month:
    span = {"since": month, "until": last_of(month)}
    ours = statement(partner=partner, **span)
    bill = bill_of(partner=partner, month=month)
    lines = compared(ours, bill)
    return Month(
        partner=partner,
        month=month,
        lines=lines,
        exchanges=len(ours),
        out=_net(lines, Move.OUT, Move.OUT_BACK),
        into=_net(lines, Move.IN, Move.IN_BACK),
        points_out=-sum(one.points for one in ours if one.order.way == Way.OUT),
        points_in=sum(one.points for one in ours if one.order.way == Way.IN),
        fee=-sum(one.fee for one in ours),
        booked=ledger_sum(partner=partner, **span),
        bill=bill,
        closed=None,
    )


def _frozen(partner: ExchangePartner, closed: PartnerStatement) -> Month:
    rows = PartnerStatementLine.objects.filter(statement=closed).order_by("pk")
    by_line = bool(closed.bill and closed.bill.lines)
    return Month(
        partner=partner,
        month=closed.month,
        lines=tuple(_line(one, by_line) for one in rows.select_related("order__member")),
        exchanges=closed.exchanges,
        out=closed.out,
        into=closed.into,
        points_out=closed.points_out,
        points_in=closed.points_in,
        fee=closed.fee,
        booked=closed.booked,
        bill=closed.bill,
        closed=closed,
    )


def _line(one: PartnerStatementLine, by_line: bool) -> MonthLine:
    return MonthLine(
        partner_no=one.partner_no,
        move=one.move,
        theirs=one.theirs,
        told=one.told,
        compared=by_line,
        day=one.day,
        order_id=one.order_id,
        order=one.order.number if one.order else "",
        member=one.order.member.number if one.order else "",
        points=one.points,
        fee=one.fee,
        booked=one.booked,
    )


def compared(ours: Sequence[StatementLine], bill: PartnerBill | None) -> tuple[MonthLine, ...]:
    """Our lines beside the partner's, then those that he alone has. Pure."""
    told = {(str(no), str(move)): int(points) for no, move, points in (bill.lines if bill else [])}
    by_line = bool(told)
    lines = []
    for one in ours:
        move = f"{one.order.way}{'_BACK' if one.reversal else ''}"
        lines.append(
            MonthLine(
                partner_no=one.order.partner_no,
                move=move,
                theirs=abs(one.theirs),
                told=told.pop((one.order.partner_no, move), None),
                compared=by_line,
                day=one.day,
                order_id=one.order.pk,
                order=one.order.number,
                member=one.order.member.number,
                points=one.points,
                fee=one.fee,
                booked=one.booked,
            )
        )
    his = [MonthLine(no, move, None, points, True) for (no, move), points in told.items()]
    return (*lines, *his)


def _net(lines: Sequence[MonthLine], there: str, back: str) -> int:
    sign = {str(there): 1, str(back): -1}
    return sum(sign.get(one.move, 0) * (one.theirs or 0) for one in lines)


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month in the list of a partner's page."""

    month: date
    closed: PartnerStatement | None
    told: bool
    over: bool


def months_of(*, partner: ExchangePartner, today: date) -> list[MonthRow]:
    """The months since a partner was added, the newest first, at most two years. Two statements."""
    rows = PartnerStatement.objects.filter(partner=partner).select_related("closed_by")
    closed = {one.month: one for one in rows}
    bills = PartnerBill.objects.filter(partner=partner)
    told = set(bills.values_list("month", flat=True))
    first = localdate(partner.created_at).replace(day=1)
    months: list[MonthRow] = []
    month = today.replace(day=1)
    while len(months) < SHOWN and month >= first:
        over = last_of(month) < today
        months.append(MonthRow(month, closed.get(month), month in told, over))
        month = (month - timedelta(days=1)).replace(day=1)
    return months
