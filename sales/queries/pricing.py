"""Prices: what a change will do, how it reached each pump, and what is posted now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet, Sum

from devices.models import Fill, NozzleState, SignRow
from devices.queries.signs import rows_in_use
from inventory.queries.books import levels
from inventory.queries.costs import fuel_costs
from sales.models import PriceDownload, SignStep
from station.models import Grade, Nozzle, PriceCeiling, PriceChange, PriceLine, Station
from station.money import FEN, NO_LITRES, Litres, Yuan, round_yuan, tax_within
from station.queries.prices import ceiling_at, newest, prices_at

WHAT_IF_DAYS = 30


@dataclass(frozen=True)
class Effect:
    """What a new price of one grade would do. Money in yuan with VAT, margin before VAT."""

    grade: Grade
    old: Yuan | None
    new: Yuan
    ceiling: PriceCeiling | None
    cost: Decimal | None  # 元/升 before VAT
    margin_old: Decimal | None
    margin_new: Decimal | None
    tank_litres: Litres
    revaluation: Yuan | None
    litres_30d: Litres
    what_if: Yuan | None

    @property
    def step(self) -> Yuan | None:
        """The rise (or fall, negative) in yuan per litre."""
        return None if self.old is None else self.new - self.old

    @property
    def step_size(self) -> Yuan | None:
        """The step without its direction."""
        return None if self.step is None else abs(self.step)

    @property
    def revaluation_size(self) -> Yuan | None:
        """The revaluation without its direction."""
        return None if self.revaluation is None else abs(self.revaluation)

    @property
    def what_if_size(self) -> Yuan | None:
        """The what-if without its direction."""
        return None if self.what_if is None else abs(self.what_if)

    @property
    def room(self) -> Yuan | None:
        """How far below the ceiling the new price stays; negative is above it."""
        return None if self.ceiling is None else self.ceiling.ceiling - self.new


def effects(
    *, station: Station, prices: Mapping[Grade, Yuan], effective_at: datetime, at: datetime
) -> list[Effect]:
    """What these prices (元/升 by grade) would do from `effective_at` on, as known at `at`."""
    in_force = prices_at(station=station, at=at)
    costs = fuel_costs(station=station, at=at)
    in_tanks: dict[int, Litres] = {}
    for level in levels(station):
        grade_id = level.tank.grade_id
        in_tanks[grade_id] = in_tanks.get(grade_id, NO_LITRES) + level.litres
    sold = _litres_since(station, at - timedelta(days=WHAT_IF_DAYS))
    return [
        _effect(
            grade=grade,
            old=in_force.get(grade.pk),
            new=new,
            ceiling=ceiling_at(station=station, grade=grade, at=effective_at),
            cost=costs.get(grade.pk),
            tank_litres=in_tanks.get(grade.pk, NO_LITRES),
            litres_30d=sold.get(grade.pk, NO_LITRES),
        )
        for grade, new in prices.items()
    ]


def _effect(
    *,
    grade: Grade,
    old: Yuan | None,
    new: Yuan,
    ceiling: PriceCeiling | None,
    cost: Decimal | None,
    tank_litres: Litres,
    litres_30d: Litres,
) -> Effect:
    step = None if old is None else new - old
    return Effect(
        grade=grade,
        old=old,
        new=new,
        ceiling=ceiling,
        cost=cost,
        margin_old=_margin(old, cost, grade.tax_rate),
        margin_new=_margin(new, cost, grade.tax_rate),
        tank_litres=tank_litres,
        revaluation=None if step is None else round_yuan(tank_litres * step),
        litres_30d=litres_30d,
        what_if=None if step is None else round_yuan(litres_30d * step),
    )


def _margin(price: Yuan | None, cost: Decimal | None, tax_rate: Decimal) -> Decimal | None:
    """Gross margin per litre before VAT, four places: cents per litre matter here."""
    if price is None or cost is None:
        return None
    return (price - tax_within(price, tax_rate) - cost).quantize(FEN * FEN)


def _litres_since(station: Station, since: datetime) -> dict[int, Litres]:
    rows = (
        Fill.objects.filter(station=station, day__date__gte=since.date())
        .order_by()
        .values_list("grade_id")
        .annotate(total=Sum("litres"))
    )
    return dict(rows)


def grades_sold(station: Station) -> QuerySet[Grade]:
    """The grades that a station's nozzles draw, in their order."""
    drawn = Nozzle.objects.filter(station=station, active=True, tank__grade=OuterRef("pk"))
    return Grade.objects.filter(Exists(drawn), active=True).order_by("position", "code")


@dataclass(frozen=True)
class Posted:
    """One line of the price board: what a grade costs now, since when, and what comes next."""

    grade: Grade
    price: Yuan | None
    since: datetime | None
    ceiling: PriceCeiling | None
    next_price: Yuan | None
    next_at: datetime | None
    signs: tuple[SignRow, ...] = ()  # the rows of price signs that show it
    waiting: PriceLine | None = None  # a rise that waits for them


def price_board(*, station: Station, at: datetime) -> list[Posted]:
    """The posted price of every grade sold at `at`, with the next one that is approved."""
    now_lines = {
        line.grade_id: line for line in newest(station=station, at=at).select_related("change")
    }
    next_lines = {
        line.grade_id: line
        for line in PriceLine.objects.filter(
            change__station=station, change__status=PriceChange.Status.APPROVED
        )
        .select_related("change")
        .order_by("grade_id", "change__effective_at", "change_id")
        .distinct("grade_id")
    }
    rows: dict[int | None, list[SignRow]] = defaultdict(list)
    for row in rows_in_use(station):
        rows[row.grade_id].append(row)
    waiting = {line.grade_id: line for line in waiting_lines(station)}
    board = []
    for grade in grades_sold(station):
        current, coming = now_lines.get(grade.pk), next_lines.get(grade.pk)
        board.append(
            Posted(
                grade=grade,
                price=current.price if current else None,
                since=current.holds_from if current else None,
                ceiling=ceiling_at(station=station, grade=grade, at=at),
                next_price=coming.price if coming else None,
                next_at=coming.change.effective_at if coming else None,
                signs=tuple(rows[grade.pk]),
                waiting=waiting.get(grade.pk),
            )
        )
    return board


def waiting_lines(station: Station) -> QuerySet[PriceLine]:
    """Rises that wait for the price sign: no price yet, and no later one has overtaken them."""
    steps = SignStep.objects.filter(
        change=OuterRef("change"),
        grade=OuterRef("grade"),
        status__in=[SignStep.Status.WAITING, SignStep.Status.ASKED],
    )
    return PriceLine.objects.filter(
        Exists(steps), change__station=station, held=True
    ).select_related("change")


def sign_steps(change: PriceChange) -> QuerySet[SignStep]:
    """How a change stands at each row of the price signs."""
    return change.sign_steps.select_related("row__sign", "grade", "done_by", "command").order_by(
        "grade__position", "row__sign__name", "row__row"
    )


def live_downloads() -> QuerySet[PriceDownload]:
    """Downloads still to be done: not read back yet, and no later change wants the same nozzle."""
    newer = PriceDownload.objects.filter(nozzle=OuterRef("nozzle"), pk__gt=OuterRef("pk"))
    return PriceDownload.objects.exclude(status=PriceDownload.Status.DONE).filter(~Exists(newer))


@dataclass(frozen=True)
class PumpPrice:
    """How a change stands at one nozzle: the word, what the pump holds, and what is in the way."""

    download: PriceDownload
    held: Yuan | None
    state: str
    superseded: bool

    @property
    def word(self) -> str:
        """One of 已执行, 已被新价取代, 失败待重试, 执行中, 未执行."""
        if self.download.status == PriceDownload.Status.DONE:
            return "已执行"
        if self.superseded:
            return "已被新价取代"
        if self.download.status == PriceDownload.Status.FAILED:
            return "失败，重试中"
        return "下发中" if self.download.command_id else "未执行"

    @property
    def tone(self) -> str:
        """The tone of the word."""
        if self.superseded and self.download.status != PriceDownload.Status.DONE:
            return "off"
        return {"DONE": "good", "FAILED": "bad"}.get(self.download.status, "wait")


def pump_prices(change: PriceChange) -> list[PumpPrice]:
    """A change at each of its nozzles, by nozzle number. Two statements."""
    newer = PriceDownload.objects.filter(nozzle=OuterRef("nozzle"), pk__gt=OuterRef("pk"))
    downloads = (
        change.downloads.select_related("nozzle__tank__grade", "nozzle__dispenser", "command")
        .annotate(superseded=Exists(newer))
        .order_by("nozzle__number")
    )
    states = {
        state.nozzle_id: state
        for state in NozzleState.objects.filter(nozzle__station_id=change.station_id)
    }
    rows = []
    for download in downloads:
        state = states.get(download.nozzle_id)
        rows.append(
            PumpPrice(
                download=download,
                held=state.unit_price if state else None,
                state=state.get_state_display() if state else "离线",
                superseded=download.superseded,
            )
        )
    return rows
