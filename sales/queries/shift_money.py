"""班报 C 收款 and D 缴款: what each tender brought, and what each drawer handed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from sales.models import Tender
from sales.queries.mix import TenderSum
from sales.queries.sessions import FACES, TenderDue
from sales.queries.shifts import SessionReport, ShiftReport
from station.models import Shift
from station.money import ZERO, Yuan
from station.queries.columns import Column, Value
from station.queries.reporting import Linked, ReportTable

Row = Sequence[Value | Linked]


def money_tables(told: ShiftReport) -> tuple[ReportTable, ...]:
    """C and D of the 班报; nothing for somebody who still has to count blind."""
    if told.blind:
        return ()
    return _tenders(told), _drawers(told)


def _tenders(told: ShiftReport) -> ReportTable:
    dues: dict[int, list[TenderDue]] = defaultdict(list)
    for report in told.sessions:
        for due in report.dues:
            dues[due.tender.pk].append(due)
    columns = (
        Column("付款方式"),
        Column("笔数", kind="count"),
        Column("油品金额", kind="yuan"),
        Column("非油金额", kind="yuan"),
        Column("预收", kind="yuan"),
        Column("其中退款", kind="yuan"),
        Column("应收", kind="yuan"),
        Column("实收", kind="yuan"),
        Column("长款", kind="yuan"),
        Column("短款", kind="yuan"),
    )
    lines = [
        _tender_line(tender, got or TenderSum(), group)
        for tender in told.tenders
        for got, group in [(told.mix.tenders.get(tender.pk), dues.get(tender.pk, []))]
        if got is not None or group
    ]
    sums = [
        sum((line.money[index] or ZERO for line in lines), ZERO)
        for index in range(len(columns) - 2)
    ]
    return ReportTable(
        "C 收款",
        columns,
        [
            (Linked(line.name, _sales(told.shift, line.tender)), line.count, *line.money)
            for line in lines
        ],
        ("合计", sum(line.count for line in lines), *sums),
        note="实收为点款数去掉备用金和零星收支；长款不得抵短款，分列",
    )


@dataclass(frozen=True)
class _TenderLine:
    """One row of C: its money in the order of the columns."""

    tender: str
    name: str
    count: int
    money: tuple[Yuan | None, ...]


def _tender_line(tender: Tender, got: TenderSum, group: Sequence[TenderDue]) -> _TenderLine:
    parts = [due.difference for due in group if due.difference is not None]
    over: Yuan = sum((part for part in parts if part > 0), ZERO)
    short: Yuan = -sum((part for part in parts if part < 0), ZERO)
    counted = got.total + over - short if group and len(parts) == len(group) else None
    money = (got.fuel, got.shop, got.advance, got.refunds, got.total, counted, over, short)
    return _TenderLine(tender.code, tender.name, got.count, money)


def _sales(shift: Shift, tender: str) -> str:
    """The sales of a shift that were paid with a tender."""
    return f"{reverse('sales:sales')}?{urlencode({'shift': shift.pk, 'tender': tender})}"


def _drawers(told: ShiftReport) -> ReportTable:
    columns = (
        Column("收银台"),
        Column("移交人"),
        Column("备用金", kind="yuan"),
        Column("现金销售", kind="yuan"),
        Column("现金退款", kind="yuan"),
        Column("零星收入", kind="yuan"),
        Column("零星支出", kind="yuan"),
        Column("中途缴款", kind="yuan"),
        Column("应有现金", kind="yuan"),
        Column("实点", kind="yuan"),
        Column("面额×张数"),
        Column("长短款", kind="over_short"),
        Column("原因"),
        Column("缴款单号", kind="code"),
        Column("接收人"),
    )
    return ReportTable("D 缴款", columns, [_drawer(report) for report in told.sessions])


def _drawer(report: SessionReport) -> Row:
    session = report.session
    count = getattr(session, "count", None)
    cash = next((due for due in report.dues if due.tender.kind == Tender.Kind.CASH), None)
    # Before the count is made nobody reads off this form what the drawer should hold.
    shown = cash if report.counted else None
    return (
        Linked(session.till.name, reverse("sales:session", args=[session.pk])),
        session.cashier.name,
        session.float_amount,
        shown.received if shown else None,
        shown.refunded if shown else None,
        report.moved.paid_in,
        report.moved.paid_out,
        report.moved.drops,
        shown.expected if shown else None,
        shown.counted if shown else None,
        faces(count.denominations) if count else "",
        shown.difference if shown else None,
        "；".join(due.reason for due in report.dues if due.reason),
        count.deposit_slip if count else "",
        str(count.accepted_by or "") if count else "",
    )


def faces(denominations: dict[str, int]) -> str:
    """What was counted, largest first: 100×13、50×1."""
    return "、".join(
        f"{face}×{denominations[face]}" for face, _ in FACES if denominations.get(face)
    )
