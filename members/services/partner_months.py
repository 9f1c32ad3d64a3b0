"""对账: a partner's figures of a month are noted, and the month is closed; then it says the same for ever.

A month that is closed takes no exchange and no reversal any more: the database refuses it, with the
partner locked, so that whatever was under way is in the statement or in no month of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localdate

from members.models import (
    ExchangePartner,
    Move,
    PartnerBill,
    PartnerStatement,
    PartnerStatementLine,
)
from members.queries.import_files import Unreadable
from members.queries.partner_bills import Line, read_bill
from members.queries.partner_months import Month, bill_of, is_closed, last_of, month_of
from station.errors import Refusal
from station.models import User
from station.services.audit import Subject

LARGEST = 5 * 1024 * 1024  # bytes of a file
MOST = 2**31 - 1


class MonthRefused(Refusal):
    """A month that cannot be closed, or a bill that cannot be noted."""


def _about(partner: ExchangePartner) -> Subject:
    return Subject(partner.station, f"partner:{partner.code}")


def tell_file(
    *,
    partner: ExchangePartner,
    month: date,
    name: str,
    content: bytes,
    at: datetime,
    actor: User,
) -> PartnerBill:
    """Note a partner's file of a month; the newest counts, the same again is the same.

    Refuses MonthRefused a file that cannot be read, and a month that is closed or has not begun.
    """
    if len(content) > LARGEST:
        raise MonthRefused("没有登记：文件超过 5 MB。")
    try:
        lines = read_bill(name, content)
    except Unreadable as error:
        raise MonthRefused(f"没有登记：{error}") from error
    made = PartnerBill(partner=partner, month=month, file=name[:200], lines=lines)
    made.exchanges = len(lines)
    made.out = _net(lines, Move.OUT, Move.OUT_BACK)
    made.into = _net(lines, Move.IN, Move.IN_BACK)
    return _tell(made, at, actor)


def tell_figures(
    *,
    partner: ExchangePartner,
    month: date,
    exchanges: int,
    out: int,
    into: int,
    at: datetime,
    actor: User,
) -> PartnerBill:
    """Note what a partner says of a month in three figures. Refuses as `tell_file` does."""
    if not all(-MOST <= one <= MOST for one in (exchanges, out, into)) or exchanges < 0:
        raise MonthRefused("没有登记：数字不对。")
    made = PartnerBill(partner=partner, month=month, exchanges=exchanges, out=out, into=into)
    return _tell(made, at, actor)


def _net(lines: Sequence[Line], there: str, back: str) -> int:
    sign = {str(there): 1, str(back): -1}
    return sum(sign.get(move, 0) * points for _, move, points in lines)


@transaction.atomic
def _tell(bill: PartnerBill, at: datetime, actor: User) -> PartnerBill:
    partner = _held(bill.partner)
    if bill.month > localdate(at):
        raise MonthRefused("没有登记：这个月还没有开始。")
    if is_closed(partner=partner, day=bill.month):
        raise MonthRefused("没有登记：这个月已经结账。")
    last = bill_of(partner=partner, month=bill.month)
    if last is not None and _said(last) == _said(bill):
        return last
    bill.told_by, bill.told_at = actor, at
    bill.save(force_insert=True)
    _about(partner).note(
        "members.partner.bill_told",
        at,
        actor,
        after={
            "月份": f"{bill.month:%Y-%m}",
            "笔数": str(bill.exchanges),
            "换出": str(bill.out),
            "换入": str(bill.into),
            **({"文件": bill.file} if bill.file else {}),
        },
    )
    return bill


def _said(bill: PartnerBill) -> tuple[object, ...]:
    lines = [tuple(one) for one in bill.lines]
    return bill.exchanges, bill.out, bill.into, bill.file, lines


def _held(partner: ExchangePartner) -> ExchangePartner:
    """The partner under a lock that exchanges wait for (they hold his key while they are written)."""
    rows = ExchangePartner.objects.select_related("station").select_for_update(of=("self",))
    return rows.get(pk=partner.pk)


@transaction.atomic
def close(
    *, partner: ExchangePartner, month: date, words: str, at: datetime, actor: User
) -> PartnerStatement:
    """Freeze a month with a partner: lines, sums, and what he said of them. Twice is once. Audited.

    Refuses MonthRefused a month that is not over, one without anything in it, one that is not what
    the ledger says, and, where he said nothing or something else, one without words on it.
    """
    partner = _held(partner)
    known = PartnerStatement.objects.filter(partner=partner, month=month).first()
    if known is not None:
        return known
    if last_of(month) >= localdate(at):
        raise MonthRefused("没有结账：这个月还没有过完。")
    told = month_of(partner=partner, month=month)
    if not told.lines and told.bill is None:
        raise MonthRefused("没有结账：这个月没有积分互换，不用结。")
    if not told.is_booked:
        raise MonthRefused("没有结账：有互换单与会员积分流水不符，请先在逐笔里点开查清。")
    if len(words.strip()) < 2 and (told.bill is None or told.differences):
        why = f"与对方账单有 {told.differences} 处不同" if told.bill else "还没有登记对方的账单"
        raise MonthRefused(f"没有结账：{why}。请先和对方核清，或写明原因再结。")
    made = _written(told, words.strip()[:200], at, actor)
    _about(partner).note(
        "members.partner.closed",
        at,
        actor,
        reason=made.words,
        after={
            "月份": f"{month:%Y-%m}",
            "换出": str(made.points_out),
            "换入": str(made.points_in),
            "手续费": str(made.fee),
            "不同处": str(made.differences),
        },
    )
    return made


def _written(told: Month, words: str, at: datetime, actor: User) -> PartnerStatement:
    made = PartnerStatement.objects.create(
        partner=told.partner,
        month=told.month,
        exchanges=told.exchanges,
        out=told.out,
        into=told.into,
        points_out=told.points_out,
        points_in=told.points_in,
        fee=told.fee,
        booked=told.booked,
        bill=told.bill,
        differences=told.differences,
        words=words,
        closed_by=actor,
        closed_at=at,
    )
    PartnerStatementLine.objects.bulk_create(
        PartnerStatementLine(
            statement=made,
            day=one.day,
            order_id=one.order_id,
            partner_no=one.partner_no,
            move=one.move,
            theirs=one.theirs,
            told=one.told,
            points=one.points,
            fee=one.fee,
            booked=one.booked,
        )
        for one in told.lines
    )
    return made
