"""The figures of a business day: live while it is open, frozen at its close, by one function.

Every figure is asked of rows by their own `day` (or, for what has none, by the time the day was
open), never of what something is now, so that a frozen day can be asked again at any time and
must answer the same. What a day carries on from the day before (unpaid fills, advances, 跑单) it
reads from the figures frozen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from finance.models import DayFigures
from finance.queries import forecourt, stored_value, takings, trade
from finance.queries.ask import ask, by_day
from finance.queries.frozen import from_json, to_json
from finance.queries.parts import (
    FUEL,
    Advance,
    Check,
    Correction,
    Density,
    FillRow,
    Head,
    Hour,
    NozzleDay,
    PersonDiscount,
    Product,
    Receivable,
    SessionDay,
    ShiftDay,
    Tally,
    TankDay,
    TenderDay,
    share,
)
from members.queries.value_liability import Liability
from station.models import BusinessDay
from station.money import NO_LITRES, ZERO, Litres, Yuan, permille, round_litres, round_yuan

AIR_BUOYANCY = Decimal("1.1")  # kg/m³: m = V20 × (ρ20 − 1.1)
TONNE = Decimal("0.001")
# Words that may be put right later without a figure having changed.
LABELS = frozenset(
    {"name", "category", "leader", "receiver", "cashier", "till", "person", "people"}
)


@dataclass(frozen=True)
class Figures:
    """Everything the evening report says about one day of one station."""

    station: str
    date: date
    opened_at: datetime
    cut_at: datetime | None
    head: Head = field(default_factory=Head)
    products: tuple[Product, ...] = ()
    densities: tuple[Density, ...] = ()
    hours: tuple[Hour, ...] = ()
    tanks: tuple[TankDay, ...] = ()
    tenders: tuple[TenderDay, ...] = ()
    shifts: tuple[ShiftDay, ...] = ()
    sessions: tuple[SessionDay, ...] = ()
    nozzles: tuple[NozzleDay, ...] = ()
    uses: tuple[FillRow, ...] = ()
    drive_offs: tuple[FillRow, ...] = ()
    receivable: Receivable = field(default_factory=Receivable)
    advances: tuple[Advance, ...] = ()
    unpaid: tuple[FillRow, ...] = ()
    late: tuple[FillRow, ...] = ()
    discounts: tuple[PersonDiscount, ...] = ()
    corrections: tuple[Correction, ...] = ()
    discrepancies: tuple[Tally, ...] = ()
    alarms: tuple[Tally, ...] = ()
    new_members: int = 0
    checks: tuple[Check, ...] = ()
    value: Liability | None = None

    @property
    def fuels(self) -> tuple[Product, ...]:
        return tuple(row for row in self.products if row.kind == FUEL)

    @property
    def shop(self) -> tuple[Product, ...]:
        return tuple(row for row in self.products if row.kind != FUEL)

    @property
    def litres(self) -> Litres:
        return sum((row.quantity for row in self.fuels), NO_LITRES)

    @property
    def fuel_net(self) -> Yuan:
        return sum((row.net for row in self.fuels), ZERO)

    @property
    def shop_net(self) -> Yuan:
        return sum((row.net for row in self.shop), ZERO)

    @property
    def margin(self) -> Yuan:
        return sum((row.margin for row in self.products), ZERO)

    @property
    def fuel_margin(self) -> Yuan:
        return sum((row.margin for row in self.fuels), ZERO)

    @property
    def shop_margin(self) -> Yuan:
        return sum((row.margin for row in self.shop), ZERO)

    @property
    def cost(self) -> Yuan:
        return sum((row.cost for row in self.products), ZERO)

    @property
    def over_short(self) -> Yuan:
        """长短款 of all tenders; over in one is never set against short in another on the page."""
        return sum((row.over_short for row in self.tenders), ZERO)

    @property
    def variance(self) -> Litres:
        return sum((row.variance for row in self.tanks if row.variance is not None), NO_LITRES)

    @property
    def variance_permille(self) -> Decimal | None:
        """损溢率 ‰ over the measured tanks."""
        sold = sum((row.sold for row in self.tanks if row.variance is not None), NO_LITRES)
        return permille(self.variance, sold)

    @property
    def basket(self) -> Yuan | None:
        """客单: shop net per sale with goods."""
        shops = self.head.shop_sales
        return round_yuan(self.shop_net / shops) if shops else None

    @property
    def conversion(self) -> Decimal | None:
        """油非转化率: the share of fuel sales that hold a shop line too."""
        return share(self.head.both_sales, self.head.fuel_sales)

    def tonnes(self, row: Product) -> Decimal | None:
        """Tonnes of a grade by its 标准密度; None where no density is known."""
        for known in self.densities:
            if known.code == row.code:
                kilograms = row.quantity / 1000 * (known.density20 - AIR_BUOYANCY)
                return (kilograms / 1000).quantize(TONNE)
        return None


def day_figures(*, day: BusinessDay) -> Figures:
    """The figures of a day: what was frozen if it is closed, else what the facts say now."""
    if day.status == BusinessDay.Status.CLOSED:
        return from_json(Figures, DayFigures.objects.values_list("body", flat=True).get(pk=day.pk))
    return figures_of_facts(day=day)


def figures_of_facts(*, day: BusinessDay) -> Figures:
    """The question itself, asked of the facts; for a closed day too, to compare with its frozen answer."""
    (figures,) = figures_of_days(days=[day])
    return figures


def figures_of_days(*, days: Sequence[BusinessDay]) -> list[Figures]:
    """The question asked of several days, one after the other, as if each was frozen before the next.

    One statement for each part of all days; what is carried on from day to day, five for each day.
    """
    before = _frozen_before(days[0])
    window = days_since(days[0], before.date if before else None)
    parts = _Parts(days)
    found: list[Figures] = []
    for day in days:
        before = parts.figures(day, before, window)
        window = [following.pk for following in days[len(found) + 1 : len(found) + 2]]
        found.append(before)
    return found


class _Parts:
    """The parts of the figures of some days, each asked once for all of them. By day id."""

    def __init__(self, days: Sequence[BusinessDay]) -> None:
        ids = [day.pk for day in days]
        self.products = trade.products(ids)
        self.heads = trade.heads(ids)
        self.hours = trade.hours(ids)
        self.discounts = trade.discounts(ids)
        self.corrections = trade.corrections(ids)
        self.new_members = trade.new_members(ids)
        self.tenders = takings.tenders(ids)
        self.sessions = takings.sessions(ids)
        self.tanks = forecourt.tanks(days)
        self.shifts = forecourt.shifts(ids)
        self.nozzles = forecourt.nozzles(ids)
        self.uses = forecourt.uses(ids)
        self.drive_offs = forecourt.drive_offs(ids)
        self.late = forecourt.late(ids)
        self.discrepancies = forecourt.discrepancies(ids)
        self.alarms = forecourt.alarms(ids)
        self.claimed = forecourt.claimed_litres(ids)
        self.densities = _densities(ids)

    def figures(self, day: BusinessDay, before: Figures | None, window: Sequence[int]) -> Figures:
        """Put together for one of the days; `before` are the figures frozen last, `window` the days since."""
        products = self.products.get(day.pk, ())
        head = self.heads.get(day.pk, Head())
        tenders = self.tenders.get(day.pk, ())
        moved = stored_value.movements(window)
        value = stored_value.owed(day=day.pk, carried=before.value if before else None, moved=moved)
        return Figures(
            station=day.station.name,
            date=day.date,
            opened_at=day.opened_at,
            cut_at=day.cut_at,
            head=head,
            products=products,
            densities=self.densities.get(day.pk, ()),
            hours=self.hours.get(day.pk, ()),
            tanks=self.tanks[day.pk],
            tenders=tenders,
            shifts=self.shifts.get(day.pk, ()),
            sessions=self.sessions.get(day.pk, ()),
            nozzles=self.nozzles.get(day.pk, ()),
            uses=self.uses.get(day.pk, ()),
            drive_offs=self.drive_offs.get(day.pk, ()),
            receivable=forecourt.receivable(
                carried=before.receivable.balance if before else ZERO, window=window
            ),
            advances=_advances(day, before, window),
            unpaid=forecourt.unpaid(
                day=day,
                window=window,
                carried=[row.fill for row in before.unpaid] if before else [],
            ),
            late=self.late.get(day.pk, ()),
            discounts=self.discounts.get(day.pk, ()),
            corrections=self.corrections.get(day.pk, ()),
            discrepancies=self.discrepancies.get(day.pk, ()),
            alarms=self.alarms.get(day.pk, ()),
            new_members=self.new_members.get(day.pk, 0),
            value=value,
            checks=(
                *_checks(head, products, tenders, self.claimed.get(day.pk)),
                *stored_value.checks(value=value, rows=moved.get(day.pk, {})),
            ),
        )


def frozen_figures(day: BusinessDay) -> Figures | None:
    """The frozen figures of a day; None while it is not closed."""
    body = DayFigures.objects.filter(pk=day.pk).values_list("body", flat=True).first()
    return None if body is None else from_json(Figures, body)


def differences_of(frozen: Figures, asked: Figures) -> list[str]:
    """Where two answers differ, as paths such as ``products/0/net``; words put right are no difference."""
    return list(_differences(to_json(frozen), to_json(asked), ""))


def days_since(day: BusinessDay, after: date | None) -> list[int]:
    """The business days after a date up to this day: those whose facts are not in any frozen figures."""
    days = BusinessDay.objects.filter(station_id=day.station_id, date__lte=day.date)
    if after is not None:
        days = days.filter(date__gt=after)
    return list(days.order_by("date").values_list("pk", flat=True))


def _differences(left: Any, right: Any, path: str) -> Sequence[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            found
            for key in left
            if key not in LABELS
            for found in _differences(left[key], right.get(key), f"{path}/{key}".lstrip("/"))
        ]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            found
            for index, pair in enumerate(zip(left, right, strict=True))
            for found in _differences(*pair, f"{path}/{index}")
        ]
    return [] if left == right else [path]


def _frozen_before(day: BusinessDay) -> Figures | None:
    """The figures of the last closed day before this one."""
    body = (
        DayFigures.objects.filter(station_id=day.station_id, date__lt=day.date)
        .order_by("-date")
        .values_list("body", flat=True)
        .first()
    )
    return None if body is None else from_json(Figures, body)


def _advances(
    day: BusinessDay, before: Figures | None, window: Sequence[int]
) -> tuple[Advance, ...]:
    """预付 with a balance at the end of the day, carried ones first."""
    balances = {row.document: row.balance for row in before.advances} if before else {}
    for document, amount in takings.movement_of_advances(window).items():
        balances[document] = balances.get(document, ZERO) + amount
    open_ones = {document: left for document, left in balances.items() if left}
    until = day.cut_at or forecourt.END_OF_TIME
    settled = takings.settled_prepays(list(open_ones), until) if open_ones else set()
    return tuple(
        Advance(document, left, document in settled) for document, left in sorted(open_ones.items())
    )


def _densities(days: Sequence[int]) -> dict[int, tuple[Density, ...]]:
    """标准密度 of each grade: of its last delivery up to the day, else the grade's own."""
    rows = ask(
        """
        SELECT day.id AS day_id, grade.code,
            COALESCE(last.issued_density, grade.density20) AS density20,
            CASE WHEN last.number IS NULL THEN '油品资料' ELSE last.number END AS source
        FROM station_businessday day CROSS JOIN station_grade grade LEFT JOIN LATERAL (
            SELECT delivery.number, delivery.issued_density FROM inventory_delivery delivery
            JOIN station_businessday posted ON posted.id = delivery.day_id
            WHERE delivery.station_id = day.station_id AND delivery.grade_id = grade.id
                AND delivery.status = 'POSTED' AND delivery.issued_density IS NOT NULL
                AND posted.date <= day.date
            ORDER BY posted.date DESC, delivery.posted_at DESC LIMIT 1) last ON TRUE
        WHERE day.id = ANY(%(days)s)
            AND COALESCE(last.issued_density, grade.density20) IS NOT NULL
        ORDER BY grade.position, grade.code
        """,
        days=list(days),
    )
    return {day: tuple(Density(**row) for row in found) for day, found in by_day(rows).items()}


def _checks(
    head: Head,
    products: Sequence[Product],
    tenders: Sequence[TenderDay],
    claims: tuple[Litres, Litres] | None,
) -> tuple[Check, ...]:
    """The sums that must meet, whichever way they are added."""
    lines = sum((row.net for row in products), ZERO)
    taken = sum((row.net for row in tenders), ZERO)
    advances = sum((row.advance for row in tenders), ZERO)
    claimed, sold = claims or (NO_LITRES, NO_LITRES)
    return (
        Check("收款合计 − 预收变动 = 应收合计", taken - advances, head.due),
        Check("明细合计 + 抹零 = 应收合计", lines + head.rounding, head.due),
        Check("认领加油升数 = 油品明细升数", round_litres(claimed), round_litres(sold)),
    )
