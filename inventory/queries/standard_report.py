"""损耗剔温 as a report: each tank twice, as measured and without the temperature, beside its usual band."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.urls import reverse

from inventory.queries.loss_bands import FEWEST, LEARNED_FROM, Band
from inventory.queries.losses import Day, TankDays
from inventory.queries.reconciliation import rate_of
from inventory.queries.reconciliation_report import MOST_CHARTS, SIGN, Cells
from inventory.queries.standard_losses import total_of
from station.money import NO_LITRES, Litres
from station.queries import wording
from station.queries.charts import Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable

FORMULA = (
    "V20 平衡：损溢 V20 = 实存 V20 −（期初 V20 + 实收 V20 − 净付油 × VCF），VCF 取期初与期末的平均；"
    "剔温损溢 = 损溢 V20 ÷ 期末 VCF；罐存温差 = 损溢 Vt − 剔温损溢；"
    "进油温差 = 实收 × β ×（罐内油温 − 发油温度），属进油损溢。缺一次油温的不计。"
)


def report(*, tanks: Sequence[TankDays], period: str, k: Decimal, head: Head) -> Report:
    """损耗剔温 of every tank over a range."""
    return Report(
        title="损耗剔温",
        period=period,
        head=head,
        figures=tuple(
            Figure(
                f"{one.tank} {one.tank.grade.code} 剔温损溢",
                _free(one.days),
                "gain_loss",
                note=f"量油损溢 {wording.gain_loss(_raw(one.days))}",
            )
            for one in tanks[:4]
        ),
        charts=tuple(_chart(one) for one in tanks[:MOST_CHARTS] if len(one.days) > 1),
        tables=(_sums(tanks), _days(tanks)),
        remarks=(
            SIGN,
            FORMULA,
            f"常态：最近 {LEARNED_FROM} 天每日损溢率的中位数 ± {k.normalize():f} × 绝对中位差，"
            f"不足 {FEWEST} 天的写“数据不足”；倍数在“限额与参数”里改。",
        ),
        signatures=("制表", "计量员", "站长"),
        landscape=True,
    )


def _raw(days: Sequence[Day]) -> Litres | None:
    known = [day.thermal.variance for day in days if day.thermal.variance is not None]
    return total_of(known) if known else None


def _free(days: Sequence[Day]) -> Litres | None:
    """The sum over the days that are known."""
    known = [day.thermal.free for day in days if day.thermal.free is not None]
    return total_of(known) if known else None


def _chart(one: TankDays) -> Chart:
    return Chart(
        f"{one.tank} {one.tank.grade.code}：每日损溢，量油与剔温",
        tuple(f"{day.row.date:%m-%d}" for day in one.days),
        (
            Series("量油损溢 Vt", tuple(day.thermal.variance for day in one.days)),
            Series("剔温损溢", tuple(day.thermal.free for day in one.days)),
        ),
        "line",
        "gain_loss",
        "升",
        "日期",
        summed=False,
    )


def _sums(tanks: Sequence[TankDays]) -> ReportTable:
    """Two lines a tank."""
    rows: list[Cells] = []
    for one in tanks:
        rows.append(_sum_row(one, "量油 Vt", one.days, one.raw, free=False))
        rows.append(_sum_row(one, "剔温", one.days, one.free, free=True))
    return ReportTable(
        "各罐",
        (
            Column("油罐", kind="code"),
            Column("油品", kind="grade"),
            Column("口径"),
            Column("天数", kind="count"),
            Column("损溢量", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("常态中位", kind="loss_rate"),
            Column("常态下限", kind="loss_rate"),
            Column("常态上限", kind="loss_rate"),
            Column("常态外天数", kind="count"),
            Column("判断", kind="state"),
        ),
        rows,
        empty="这个期间没有油罐账。",
    )


def _sum_row(
    one: TankDays, label: str, days: Sequence[Day], band: Band | None, *, free: bool
) -> Cells:
    known = [day for day in days if _value(day, free=free) is not None]
    litres = total_of(_value(day, free=free) for day in known) if known else None
    sold = sum((day.thermal.sold for day in known), NO_LITRES)
    outside = [day for day in known if _outside(day, band, free=free)]
    return (
        str(one.tank),
        one.tank.grade.code,
        label,
        len(known),
        litres,
        None if litres is None else rate_of(litres, sold),
        band.middle if band else None,
        band.low if band else None,
        band.high if band else None,
        len(outside) if band else None,
        _state(band, bool(outside)),
    )


def _state(band: Band | None, outside: bool) -> Linked:
    if band is None:
        return Linked("数据不足", tone="off")
    return Linked("有常态外", tone="wait") if outside else Linked("常态", tone="good")


def _value(day: Day, *, free: bool) -> Litres | None:
    return day.thermal.free if free else day.thermal.variance


def _rate(day: Day, *, free: bool) -> Decimal | None:
    litres = _value(day, free=free)
    return None if litres is None else rate_of(litres, day.thermal.sold)


def _outside(day: Day, band: Band | None, *, free: bool) -> bool:
    rate = _rate(day, free=free)
    return band is not None and rate is not None and not band.holds(rate)


def _days(tanks: Sequence[TankDays]) -> ReportTable:
    return ReportTable(
        "逐日",
        (
            Column("日期", kind="code"),
            Column("油罐", kind="code"),
            Column("油品", kind="grade"),
            Column("期初油温(℃)"),
            Column("期末油温(℃)"),
            Column("损溢 Vt", kind="gain_loss"),
            Column("损溢 V20", kind="gain_loss"),
            Column("罐存温差", kind="gain_loss"),
            Column("剔温损溢", kind="gain_loss"),
            Column("剔温损溢率", kind="loss_rate"),
            Column("进油损溢", kind="gain_loss"),
            Column("进油温差", kind="gain_loss"),
            Column("判断", kind="state"),
        ),
        [_day_row(one, day) for one in tanks for day in one.days],
        empty="这个期间没有油罐账。",
    )


def _day_row(one: TankDays, day: Day) -> Cells:
    told = day.thermal
    return (
        Linked(
            f"{day.row.date}",
            reverse("inventory:reconciliation-day", args=[one.tank.pk, day.row.date]),
        ),
        str(one.tank),
        one.tank.grade.code,
        _temp(told.opening_temp),
        _temp(told.closing_temp),
        told.variance,
        told.variance_v20,
        told.stock,
        told.free,
        told.free_permille,
        told.delivered if told.deliveries else None,
        told.received if told.deliveries else None,
        _judged(one, day),
    )


def _judged(one: TankDays, day: Day) -> Linked | str:
    if day.thermal.free is None:
        return Linked("缺油温" if day.thermal.variance is not None else "未量油", tone="off")
    if one.free is None:
        return Linked("数据不足", tone="off")
    if _outside(day, one.free, free=True):
        return Linked("常态外", tone="wait")
    return Linked("常态", tone="good")


def _temp(temp: Decimal | None) -> str:
    return "—" if temp is None else f"{temp:.1f}"
