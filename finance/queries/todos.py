"""What wants doing, ranked: the three things that the owner or the manager should do first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Min, Sum

from devices.models import NozzleState
from finance.queries.ask import ask
from finance.queries.figures import Figures
from finance.queries.links import link
from inventory.queries.attributions import waiting
from inventory.queries.books import Level
from sales.models import Discrepancy, Prepay, PriceDownload
from sales.queries.cash import Custody
from sales.queries.discrepancies import INVOLVED
from sales.queries.pricing import live_downloads
from sales.queries.unpaid import unpaid_fills
from station.models import Alert, BusinessDay, PriceChange, Station
from station.money import ZERO, Litres, round_to
from station.queries import settings, wording

# Cash kept longer than this is not on its way to the bank any more.
BANK_WITHIN = timedelta(days=3)
STALE = timedelta(minutes=30)
URGENT, SOON, NOTE = 3, 2, 1


@dataclass(frozen=True)
class Todo:
    """One thing to do. `rank` orders; `level` is its colour: 3 red, 2 amber, 1 blue."""

    rank: int
    level: int
    text: str
    href: str = ""

    @property
    def icon(self) -> str:
        return {URGENT: "alert-octagon", SOON: "alert-triangle", NOTE: "info-circle"}[self.level]


def todos(
    *,
    station: Station,
    at: datetime,
    figures: Figures,
    levels: Sequence[Level],
    custody: Custody,
    month_permille: Decimal | None,
) -> list[Todo]:
    """Everything that wants doing at a station now, most urgent first."""
    found = [
        *_tanks(station, levels, at),
        *_prices(station),
        *_alerts(station),
        *_days(station, at),
        *_discrepancies(station),
        *_fills(station, at),
        *_cash(custody, at),
        *_variance(station, month_permille),
        *_attributions(station),
        *_refunds(station),
        *_drive_offs(figures),
    ]
    return sorted(found, key=lambda todo: -todo.rank)


def _tanks(station: Station, levels: Sequence[Level], at: datetime) -> Iterable[Todo]:
    """Tanks below their low mark, with the hours that the last week's pace leaves them."""
    low = [level for level in levels if level.is_low]
    if not low:
        return
    pace = litres_per_hour(station, at)
    for level in low:
        yield Todo(
            95,
            URGENT,
            f"{level.tank.number} 号罐 {level.tank.grade.code} {_how_low(level, pace)}",
            link("inventory:tank", level.tank.pk),
        )


def _how_low(level: Level, pace: dict[int, Decimal]) -> str:
    if level.litres < 0:  # no tank holds less than nothing: something was not written down
        return f"账面比空罐还少 {wording.litres(-level.litres)} 升，请补录卸油单或量油"
    hours = hours_left(level, pace)
    lasts = f"，照近 7 天的销量约够 {hours} 小时" if hours is not None else ""
    return f"只剩 {wording.litres(level.litres)} 升{lasts}，请订油"


def litres_per_hour(station: Station, at: datetime) -> dict[int, Decimal]:
    """What each tank sold per hour over the frozen days of the last week, by tank number."""
    rows = ask(
        """
        SELECT tank_number, SUM(sold_l) / (24 * COUNT(*)) AS pace FROM finance_daytank
        WHERE station_id = %(station)s AND date >= %(since)s GROUP BY tank_number
        """,
        station=station.pk,
        since=at.date() - timedelta(days=8),
    )
    return {row["tank_number"]: row["pace"] for row in rows}


def hours_left(level: Level, pace: dict[int, Decimal]) -> Decimal | None:
    """可售小时: saleable litres at the last week's pace; None without one."""
    per_hour = pace.get(level.tank.number)
    if not per_hour or per_hour <= 0:
        return None
    saleable: Litres = level.saleable
    return round_to(saleable / per_hour, Decimal(1))


def _prices(station: Station) -> Iterable[Todo]:
    failed = (
        live_downloads()
        .filter(change__station=station, status=PriceDownload.Status.FAILED)
        .select_related("nozzle", "change")
    )
    names = "、".join(str(row.nozzle) for row in failed.order_by("nozzle__number"))
    if names:
        yield Todo(90, URGENT, f"调价没有下发成功：{names}，仍按旧价，请检查", link("sales:prices"))
    for change in PriceChange.objects.filter(
        station=station, status=PriceChange.Status.PLANNED
    ).select_related("planned_by")[:2]:
        yield Todo(
            80,
            SOON,
            f"{change.planned_by.name} 的调价单等待审批，执行时间 "
            f"{wording.local(change.effective_at)}",
            link("sales:price_change", change.number),
        )


def _alerts(station: Station) -> Iterable[Todo]:
    live = Alert.objects.filter(station=station, status__in=[Alert.Status.OPEN]).order_by("-pk")
    for alert in live[:10]:
        if alert.level == Alert.Level.CRITICAL:
            yield Todo(85, URGENT, alert.text, alert.url or link("station:alerts"))
        elif alert.level == Alert.Level.WARNING:
            yield Todo(50, SOON, alert.text, alert.url or link("station:alerts"))


def _days(station: Station, at: datetime) -> Iterable[Todo]:
    for day in BusinessDay.objects.filter(station=station, status=BusinessDay.Status.CUT).order_by(
        "date"
    )[:2]:
        waits = at - day.cut_at if day.cut_at else timedelta()
        late = waits > timedelta(hours=12)
        yield Todo(
            88 if late else 60,
            URGENT if late else SOON,
            f"{wording.local(day.date)} 还没有日结，已截止 {wording.duration(waits)}",
            link("finance:day", day.date),
        )


def _discrepancies(station: Station) -> Iterable[Todo]:
    held = Discrepancy.objects.filter(station=station, status=Discrepancy.Status.OPEN).aggregate(
        count=Count("pk"), amount=INVOLVED
    )
    if held["count"]:
        yield Todo(
            75,
            SOON,
            f"{held['count']} 项待处理，涉及 {wording.yuan(held['amount'])}",
            link("sales:discrepancies"),
        )


def _fills(station: Station, at: datetime) -> Iterable[Todo]:
    stale = unpaid_fills(station=station).filter(occurred_at__lt=at - STALE)
    held = stale.aggregate(count=Count("pk"), amount=Sum("amount"), first=Min("occurred_at"))
    if held["count"]:
        yield Todo(
            70,
            SOON,
            f"{held['count']} 笔加油超过半小时没有收款，共 {wording.yuan(held['amount'])}，"
            f"最早 {wording.local(held['first'])}",
            link("sales:wall"),
        )


def _cash(custody: Custody, at: datetime) -> Iterable[Todo]:
    old = [row for row in custody.holdings if row.amount and at - row.since > BANK_WITHIN]
    if old:
        amount = sum((row.amount for row in old), ZERO)
        first = min(row.since for row in old)
        holders = "、".join(dict.fromkeys(row.holder for row in old))
        yield Todo(
            72,
            SOON,
            f"现金 {wording.yuan(amount)} 超过 3 天没有存行（{holders}，最早 "
            f"{wording.local(first)}）",
            link("sales:custody"),
        )


def _variance(station: Station, month_permille: Decimal | None) -> Iterable[Todo]:
    limit = settings.number("inventory.variance_rate_limit", station)
    if month_permille is not None and abs(month_permille) > limit:
        word = "损" if month_permille < 0 else "溢"
        yield Todo(
            65,
            SOON,
            f"本月累计{word} {wording.permille(abs(month_permille))}，超过限额 {limit}‰，请查明",
            link("finance:report", "tanks"),
        )


def _attributions(station: Station) -> Iterable[Todo]:
    """Variances over the limits that nobody has told the cause of, or approved, however old."""
    held = waiting(station)
    words = [
        *([f"{held.open} 项损溢未归因"] if held.open else []),
        *([f"{held.proposed} 项归因待审批"] if held.proposed else []),
    ]
    if words and held.since:
        yield Todo(
            64,
            SOON,
            f"{'，'.join(words)}，最早 {wording.local(held.since)}",
            link("inventory:attributions"),
        )


def _refunds(station: Station) -> Iterable[Todo]:
    held = Prepay.objects.filter(station=station, refund_due__gt=0, refunded_at=None).aggregate(
        count=Count("pk"), amount=Sum("refund_due")
    )
    if held["count"]:
        yield Todo(
            40,
            NOTE,
            f"{held['count']} 笔预付应退 {wording.yuan(held['amount'])}，等顾客来取",
            link("sales:prepays"),
        )


def _drive_offs(figures: Figures) -> Iterable[Todo]:
    balance = figures.receivable.balance
    if balance > 0:
        yield Todo(30, NOTE, f"跑单未追回 {wording.yuan(balance)}", link("sales:drive_offs"))


def offline_nozzles(station: Station) -> list[NozzleState]:
    """Nozzles that the wire does not hear, by number."""
    states = NozzleState.objects.filter(
        nozzle__station=station, nozzle__active=True, state=NozzleState.State.OFFLINE
    )
    return list(states.select_related("nozzle").order_by("nozzle__number"))
