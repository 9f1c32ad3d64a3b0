"""What the demo station turned over: fills, drawers, shelves and numbers. What was sold is `till`'s."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from devices.models import Fill
from finance.services.demonstration import plan
from finance.services.demonstration.bulk import Copier
from finance.services.demonstration.columns import TABLES
from finance.services.demonstration.site import Site, opening_totalizer
from finance.services.demonstration.traffic import Car
from inventory.models import Item, StockMove
from station.models import BusinessDay, Nozzle, NumberSeries, Shift, TillSession
from station.services.strapping import cylinder

LOCAL = ZoneInfo("Asia/Shanghai")
FLOAT_FEN = 50_000
LIFTED_BEFORE = timedelta(seconds=12)


def yuan(fen: int) -> str:
    """Fen as numeric(…,2) text."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def litres(centilitres: int) -> str:
    """Centilitres as numeric(…,3) text."""
    sign, centilitres = ("-", -centilitres) if centilitres < 0 else ("", centilitres)
    return f"{sign}{centilitres // 100}.{centilitres % 100:02d}0"


def half_up(numerator: int, denominator: int) -> int:
    """Integer division, half up; both positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def tax_in(gross_fen: int) -> int:
    """13 % VAT within a gross amount, in fen."""
    return gross_fen - half_up(gross_fen * 100, 113)


@dataclass
class TankRun:
    """A tank in the making: what is really in it, and what its book opens on (centilitres)."""

    number: int
    actual: int
    opening: int
    pumped: int = 0
    received: int = 0
    returned: int = 0
    cost_micro: int = 0  # yuan per litre × 1e6, before VAT


@dataclass
class Drawer:
    """One till session in the making."""

    id: int
    till: int
    cashier: int
    takings: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    drops: int = 0


@dataclass(frozen=True)
class Goods:
    """An item of the shop as its lines repeat it."""

    id: int
    kind: str
    code: str
    name: str
    category: str
    fen: int
    cost_fen: int


@dataclass(frozen=True)
class Pump:
    """A nozzle as its fills repeat it."""

    id: int
    tank: int
    tank_id: int
    grade_id: int
    grade_name: str
    kind: str  # as the till names its category


class Trade:
    """Writes what moved at the pumps and on the shelves, and keeps the running figures."""

    def __init__(self, site: Site, *, seed: int, busy: float = 1.0) -> None:
        self.site = site
        self.station = site.station.pk
        self.place = site.place.pk
        self.chance = random.Random(seed)
        self.busy = busy
        self.copier = Copier(TABLES)
        self.ids = self.copier.ids
        self.series: dict[str, int] = {}
        self.totals = {number: int(opening_totalizer(number) * 100) for number in site.nozzles}
        self.tanks = {number: self._new_tank(number) for number in site.tanks}
        self.stock: dict[int, int] = {}
        self.heights = heights()
        self.prices: dict[str, int] = {row.code: int(row.price * 100) for row in plan.GRADES}
        self.price_edges: list[tuple[datetime, dict[str, int]]] = []
        self.carried: dict[int, int] = {}
        self.attendants: list[int] = []
        self.pumps = {number: _pump(nozzle) for number, nozzle in site.nozzles.items()}
        self.goods = [_goods(item) for item in site.items]
        self.tills = {number: till.pk for number, till in site.tills.items()}
        self.tenders = {code: tender.pk for code, tender in site.tenders.items()}

    def _new_tank(self, number: int) -> TankRun:
        full = int(plan.TANK_CAPACITY_L * 100)
        litres_now = full * (70 - 6 * number) // 100
        grade = plan.GRADES[number - 1]
        cost = (grade.price - grade.margin) / Decimal("1.13")
        return TankRun(
            number=number, actual=litres_now, opening=litres_now, cost_micro=int(cost * 1_000_000)
        )

    def number(self, kind: str, till: int, day: date) -> str:
        """The next number of a series, as `station.services.numbering` would give it."""
        prefix = f"{kind}{self.site.station.code}-{till}-{day:%Y%m%d}-"
        self.series[prefix] = self.series.get(prefix, 0) + 1
        return f"{prefix}{self.series[prefix]:04d}"

    def settle_numbers(self) -> None:
        """Write where each number series stands, so that live documents continue it."""
        NumberSeries.objects.bulk_create(
            [NumberSeries(prefix=prefix, last=last) for prefix, last in self.series.items()],
            batch_size=2000,
        )

    def price_at(self, code: str, moment: datetime) -> int:
        """Fen per litre of a grade at an instant of the day being written."""
        price = self.prices[code]
        for edge, prices in self.price_edges:
            if edge <= moment:
                price = prices[code]
        return price

    def attendant(self, nozzle: int) -> int | None:
        """The attendant on the island of a nozzle, in the shift being written."""
        return (
            self.attendants[(nozzle - 1) // 8 % len(self.attendants)] if self.attendants else None
        )

    def open_drawers(self, shift: Shift, cashiers: list[int], *, tills: list[int]) -> list[Drawer]:
        """A drawer at each of the tills, one for each cashier of the shift's crew.

        Money goes into drawers that are not counted yet; `close_drawers` moves them on.
        """
        running = shift.status == Shift.Status.OPEN
        status = TillSession.Status.OPEN if running else TillSession.Status.ENDED
        drawers = []
        for till, cashier in zip(
            tills, reversed(cashiers) if tills == [2] else cashiers, strict=False
        ):
            session = self.copier.put(
                TillSession(
                    station_id=self.station, shift_id=shift.pk, till_id=self.tills[till], cashier_id=cashier,
                    float_amount=yuan(FLOAT_FEN), opened_at=shift.opened_at, status=status,
                    ended_at=shift.handed_over_at,
                )
            )  # fmt: skip
            drawers.append(Drawer(id=session.pk, till=till, cashier=cashier))
        return drawers

    def write_fill(
        self, day: BusinessDay, shift: Shift, car: Car, *, source: str = "PUMP"
    ) -> tuple[int, int]:
        """One fill out of its tank; returns its id and its fen."""
        price = self.price_at(car.grade, car.started)
        fen = half_up(car.centilitres * price, 100)
        total = self.totals[car.nozzle] = self.totals[car.nozzle] + car.centilitres
        pump = self.pumps[car.nozzle]
        tank = self.tanks[pump.tank]
        tank.pumped += car.centilitres
        # The meter's own error and the warmth of the day: what the gauge sees and the book does not.
        tank.actual -= car.centilitres + self.chance.randrange(-4, 9)
        id_, started, ended = self.ids[Fill].next(), str(car.started), str(car.ended)
        self.copier.add(
            Fill, id_, self.station, pump.id, pump.tank_id, pump.grade_id, day.id, shift.id, source,
            litres(car.centilitres), yuan(price), yuan(fen), 0, litres(total), "",
            car.started - LIFTED_BEFORE, started, ended, ended, "[]", "",
        )  # fmt: skip
        return id_, fen

    def stock_move(self, day: BusinessDay, goods: Goods, quantity: int, *, kind: str, document: str, line: int,
                   at: datetime | str, actor: int) -> None:  # fmt: skip
        """One movement of the shelf, with its running balance."""
        balance = self.stock[goods.id] = self.stock.get(goods.id, 0) + quantity
        self.copier.add(
            StockMove, self.ids[StockMove].next(), self.station, self.place, goods.id, day.id, kind, quantity, balance,
            yuan(goods.cost_fen), document, line, at, at, actor, "",
        )  # fmt: skip


def _pump(nozzle: Nozzle) -> Pump:
    tank, grade = nozzle.tank, nozzle.tank.grade
    return Pump(nozzle.pk, tank.number, tank.pk, grade.pk, grade.name, grade.get_kind_display())


def _goods(item: Item) -> Goods:
    kind = "SERVICE" if item.kind == "SERVICE" else "GOODS"
    fen, cost = int(item.price * 100), int(item.cost * 100)
    return Goods(item.pk, kind, item.code, item.name, item.category.name, fen, cost)


def heights() -> list[int]:
    """Centilitres of the demo tank at each millimetre, to 0.1 L."""
    marks = cylinder(diameter_mm=plan.TANK_DIAMETER_MM, length_mm=plan.TANK_LENGTH_MM, step_mm=1)
    return [int(volume * 100) for _, volume in marks]


def denominations(fen: int) -> dict[str, int]:
    """A drawer's count by denomination, the fewest notes first."""
    counts = {}
    for name, worth in (("100", 10_000), ("50", 5_000), ("20", 2_000), ("10", 1_000), ("5", 500), ("1", 100),
                        ("0.5", 50), ("0.1", 10), ("0.01", 1)):  # fmt: skip
        counts[name], fen = divmod(fen, worth)
    return {name: count for name, count in counts.items() if count}
