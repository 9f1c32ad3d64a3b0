"""账实明细: what the books of one tank on one day are made of, down to shift, delivery, movement and dip."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from inventory.models import DeliveryTank, Dip, TankMovement
from inventory.queries.reconciliation import Dated, Grain, dated_books, lines_of
from inventory.queries.reconciliation_report import FORMULA, SIGN, Cells, total_of
from station.models import BusinessDay, Tank
from station.money import NO_LITRES
from station.queries import wording
from station.queries.columns import Column, Value
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable


def report(*, tank: Tank, day: BusinessDay, head: Head) -> Report:
    """账实明细 of a tank on a day."""
    first = day.date.replace(day=1)
    rows = [
        row
        for row in dated_books(station=day.station, since=first, until=day.date, shifts=True)
        if row.book.tank.pk == tank.pk
    ]
    lines = lines_of(rows, since=first, grain=Grain.SHIFT)
    own = [line for line in lines if line.date == day.date]
    whole = total_of(own)
    running = lines[-1].running if lines else total_of([])
    last = own[-1].books[0] if own else None
    return Report(
        title="账实明细",
        period=f"{wording.local(day.date)}，{tank} {tank.grade}",
        head=head,
        figures=(
            Figure("损溢", whole.variance, "gain_loss", note=_rate(whole.permille)),
            Figure("账存", last.book if last else None, "litres", "升"),
            Figure("实存", last.physical if last else None, "litres", "升"),
            Figure("当月累计", running.variance, "gain_loss", note=_rate(running.permille)),
        ),
        tables=(
            _shifts(rows, day),
            _deliveries(tank, day),
            _movements(tank, day),
            _dips(tank, day),
        ),
        remarks=(SIGN, FORMULA),
        signatures=("制表", "计量员", "站长"),
        landscape=True,
    )


def _rate(rate: object) -> str:
    return "不计损溢率" if rate is None else f"损溢率 {wording.loss_rate(rate)}"  # type: ignore[arg-type]


def _shifts(rows: Sequence[Dated], day: BusinessDay) -> ReportTable:
    """班结损溢: opened on what the shift before was measured at, closed on its own measurement."""
    made: list[Cells] = []
    before: Dip | None = None
    for row in rows:
        book = row.book
        if row.date == day.date and book.shift is not None:
            made.append(
                (
                    book.shift.name,
                    book.shift.handed_over_at,
                    _height(before),
                    book.opening,
                    _height(book.dip),
                    book.physical,
                    book.received,
                    Linked(book.pumped, _fills(book.tank, day)),
                    book.returned,
                    book.other,
                    book.book,
                    book.variance,
                    book.variance_permille,
                    book.reason,
                )
            )
        before = book.dip
    return ReportTable(
        "各班",
        (
            Column("班次"),
            Column("交接班时间", kind="moment"),
            Column("接班油高(mm)", kind="count", minor=True),
            Column("接班油量(L)", kind="litres"),
            Column("交班油高(mm)", kind="count", minor=True),
            Column("交班油量(L)", kind="litres"),
            Column("卸油量(L)", kind="litres"),
            Column("付油量(L)", kind="litres"),
            Column("回罐量(L)", kind="litres", minor=True),
            Column("移库与调整(L)", kind="litres", minor=True),
            Column("账存(L)", kind="litres"),
            Column("损溢量", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("交班说明"),
        ),
        made,
    )


def _height(dip: Dip | None) -> Value:
    return None if dip is None else dip.total_height_mm


def _fills(tank: Tank, day: BusinessDay) -> str:
    query = {"since": day.date, "until": day.date, "grade": tank.grade_id}
    return f"{reverse('devices:fills')}?{urlencode(query)}"


def _deliveries(tank: Tank, day: BusinessDay) -> ReportTable:
    """进油损溢 of the tank on the day: what the depot issued is of the whole note."""
    parts = (
        DeliveryTank.objects.filter(tank=tank, delivery__day=day)
        .select_related("delivery", "before", "after")
        .order_by("delivery__posted_at", "pk")
    )
    return ReportTable(
        "卸油",
        (
            Column("卸油单", kind="code"),
            Column("出库单号", kind="code"),
            Column("入账时间", kind="moment"),
            Column("卸前净油(L)", kind="litres"),
            Column("卸后净油(L)", kind="litres"),
            Column("期间付油(L)", kind="litres"),
            Column("实收 Vt(L)", kind="litres"),
            Column("实收 V20(L)", kind="litres"),
        ),
        [
            (
                Linked(
                    part.delivery.number, reverse("inventory:delivery", args=[part.delivery.number])
                ),
                part.delivery.note_no,
                part.delivery.posted_at,
                part.before.net_l if part.before else None,
                part.after.net_l if part.after else None,
                part.sold_during_l,
                part.received_l,
                part.received_v20_l,
            )
            for part in parts
        ],
        empty="当日没有卸油入账。",
    )


def _movements(tank: Tank, day: BusinessDay) -> ReportTable:
    rows = (
        TankMovement.objects.filter(tank=tank, day=day)
        .exclude(kind=TankMovement.Kind.DELIVERY)
        .select_related("actor")
        .order_by("occurred_at", "pk")
    )
    return ReportTable(
        "回罐、移库与调整",
        (
            Column("时间", kind="moment"),
            Column("类别"),
            Column("入罐(L)", kind="litres"),
            Column("出罐(L)", kind="litres"),
            Column("单据", kind="code"),
            Column("原因"),
            Column("经手人"),
        ),
        [
            (
                row.occurred_at,
                row.get_kind_display(),
                row.litres if row.litres > 0 else NO_LITRES,
                -row.litres if row.litres < 0 else NO_LITRES,
                row.document,
                row.reason,
                row.actor.name if row.actor else "",
            )
            for row in rows
        ],
        empty="当日没有回罐、移库或调整。",
    )


def _dips(tank: Tank, day: BusinessDay) -> ReportTable:
    """What was measured while the day was open, and shortly after its cut while it was counted."""
    until = (day.cut_at + timedelta(hours=1)) if day.cut_at else None
    rows = Dip.objects.filter(tank=tank, occurred_at__gte=day.opened_at)
    rows = rows.filter(occurred_at__lte=until) if until else rows
    return ReportTable(
        "罐存记录",
        (
            Column("时间", kind="moment"),
            Column("用途"),
            Column("来源"),
            Column("油水总高(mm)", kind="count"),
            Column("水高(mm)", kind="count"),
            Column("油温(℃)"),
            Column("净油 Vt(L)", kind="litres"),
            Column("V20(L)", kind="litres"),
            Column("计量人"),
        ),
        [
            (
                row.occurred_at,
                row.get_purpose_display(),
                row.get_source_display(),
                row.total_height_mm,
                row.water_height_mm,
                "" if row.temp_c is None else f"{row.temp_c:.1f}",
                row.net_l,
                row.v20_l,
                row.actor.name if row.actor else "液位仪",
            )
            for row in rows.select_related("actor").order_by("occurred_at", "pk")[:200]
        ],
        empty="当日没有量油。",
    )
