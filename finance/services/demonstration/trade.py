"""What the demo station sold: fills, sales with their lines and payments, and the shelves."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from devices.models import Fill
from finance.services.demonstration import plan
from finance.services.demonstration.bulk import Copier, Ids
from finance.services.demonstration.columns import TABLES
from finance.services.demonstration.site import Site, cylinder_litres, opening_totalizer
from finance.services.demonstration.traffic import Car
from inventory.models import StockMove
from members.models import Purchase
from sales.models import (
    FillClaim,
    Payment,
    Sale,
    SaleLine,
)
from station.models import BusinessDay, Crew, NumberSeries, Shift, TillSession

LOCAL = ZoneInfo("Asia/Shanghai")
FLOAT_FEN = 50_000


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

    pk: int
    till: int
    cashier: int
    takings: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    drops: int = 0


class Trade:
    """Writes what the demo station sold: fills, sales, payments, stock."""

    def __init__(self, site: Site, *, seed: int, busy: float = 1.0) -> None:
        self.site = site
        self.chance = random.Random(seed)
        self.busy = busy
        self.copier = Copier(*TABLES)
        self.ids = {model: Ids(model) for model, _ in TABLES}
        self.series: dict[str, int] = {}
        self.totals = {number: int(opening_totalizer(number) * 100) for number in site.nozzles}
        self.tanks = {number: self._new_tank(number) for number in site.tanks}
        self.stock: dict[int, int] = {}
        self.heights = [int(cylinder_litres(mm) * 100) for mm in range(plan.TANK_DIAMETER_MM + 1)]
        self.prices: dict[str, int] = {row.code: int(row.price * 100) for row in plan.GRADES}
        self.price_edges: list[tuple[datetime, dict[str, int]]] = []
        self.carried: dict[int, int] = {}
        self.attendants: list[int] = []

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
        for prefix, last in self.series.items():
            NumberSeries.objects.update_or_create(prefix=prefix, defaults={"last": last})

    def price_at(self, code: str, moment: datetime) -> int:
        """Fen per litre of a grade at an instant of the day being written."""
        price = self.prices[code]
        for edge, prices in self.price_edges:
            if edge <= moment:
                price = prices[code]
        return price

    # -- one shift ------------------------------------------------------------------------------

    def write_cars(
        self, day: BusinessDay, shift: Shift, drawers: list[Drawer], cars: list[Car]
    ) -> None:
        """The fills and sales of some cars of a shift, in the order they finished."""
        for index, car in enumerate(cars):
            drawer = drawers[index % len(drawers)]
            fill, fen = self.write_fill(day, shift, car)
            self.carried[car.nozzle] = self.carried.get(car.nozzle, 0) + fen
            self.write_sale(day, shift, drawer, car, fill, fen)

    def attendant(self, nozzle: int) -> int | None:
        """The attendant on the island of a nozzle, in the shift being written."""
        return (
            self.attendants[(nozzle - 1) // 8 % len(self.attendants)] if self.attendants else None
        )

    def open_drawers(self, shift: Shift, *, tills: list[int]) -> list[Drawer]:
        """A drawer at each of the tills, one for each cashier of the shift's crew."""
        crew = list(shift.crew.order_by("pk").values_list("user_id", "post"))
        cashiers = [user for user, post in crew if post == Crew.Post.CASHIER]
        self.attendants = [user for user, post in crew if post == Crew.Post.ATTENDANT]
        drawers = []
        for till, cashier in zip(
            tills, reversed(cashiers) if tills == [2] else cashiers, strict=False
        ):
            session = TillSession.objects.create(
                station=self.site.station,
                shift=shift,
                till=self.site.tills[till],
                cashier_id=cashier,
                float_amount=Decimal(FLOAT_FEN) / 100,
                opened_at=shift.opened_at,
            )
            drawers.append(Drawer(pk=session.pk, till=till, cashier=cashier))
        return drawers

    def write_fill(
        self, day: BusinessDay, shift: Shift, car: Car, *, source: str = "PUMP"
    ) -> tuple[int, int]:
        price = self.price_at(car.grade, car.started)
        fen = half_up(car.centilitres * price, 100)
        self.totals[car.nozzle] += car.centilitres
        tank = self.tanks[plan_tank(car.grade)]
        tank.pumped += car.centilitres
        # The meter's own error and the warmth of the day: what the gauge sees and the book does not.
        tank.actual -= car.centilitres + self.chance.randrange(-4, 9)
        pk = self.ids[Fill].next()
        site = self.site
        self.copier.add(
            Fill, pk, site.station.pk, site.nozzles[car.nozzle].pk, site.tanks[tank.number].pk,
            site.grades[car.grade].pk, day.pk, shift.pk, source, litres(car.centilitres), yuan(price), yuan(fen),
            0, litres(self.totals[car.nozzle]), "", car.started - timedelta(seconds=12), car.started, car.ended,
            car.ended, "[]", "",
        )  # fmt: skip
        return pk, fen

    def write_sale(
        self, day: BusinessDay, shift: Shift, drawer: Drawer, car: Car, fill: int, fuel_fen: int
    ) -> None:
        """The sale of one car: its fuel line, its goods, what was paid, and the claim on its fill."""
        site, at = self.site, car.paid
        number = self.number("S", drawer.till, day.date)
        pk = self.ids[Sale].next()
        goods_fen = [int(site.items[index].price * 100) for index in car.shop]
        due = fuel_fen + sum(goods_fen)
        tax = tax_in(fuel_fen) + sum(tax_in(fen) for fen in goods_fen)
        self.copier.add(
            Sale, pk, site.station.pk, number, "SALE", "TILL", day.pk, shift.pk, drawer.pk,
            site.tills[drawer.till].pk, drawer.cashier, f"demo:{number}", yuan(due), "0.00", "0.00", yuan(due),
            yuan(tax), "", at, at,
        )  # fmt: skip
        grade = site.grades[car.grade]
        cost_micro = self.tanks[plan_tank(car.grade)].cost_micro
        attendant = self.attendant(car.nozzle)
        self._line(
            day, shift, pk, 1, "FUEL", fill, grade.pk, None, grade.name, litres(car.centilitres),
            yuan(self.price_at(car.grade, car.started)), fuel_fen, half_up(car.centilitres * cost_micro, 1_000_000),
            attendant,
        )  # fmt: skip
        self._purchase(
            day,
            number,
            1,
            at,
            "FUEL",
            grade.code,
            "油品",
            litres(car.centilitres),
            fuel_fen,
            car.tender,
        )
        self._goods(day, shift, drawer, car, pk, number)
        self._payments(day, shift, drawer, car, pk, number, due)
        self.copier.add(
            FillClaim, self.ids[FillClaim].next(), site.station.pk, fill, "SALE", number, day.pk, at, attendant, None,
            None, "",
        )  # fmt: skip

    def _goods(
        self, day: BusinessDay, shift: Shift, drawer: Drawer, car: Car, sale: int, number: str
    ) -> None:
        """The shop lines of a sale, from its second line on."""
        for position, index in enumerate(car.shop, 2):
            item = self.site.items[index]
            fen = int(item.price * 100)
            kind = "SERVICE" if item.kind == "SERVICE" else "GOODS"
            cost = int(item.cost * 100)
            self._line(day, shift, sale, position, kind, None, None, item.pk, item.name, "1.000", yuan(fen), fen, cost,
                       None)  # fmt: skip
            self._purchase(
                day,
                number,
                position,
                car.paid,
                kind,
                item.code,
                item.category.name,
                "1.000",
                fen,
                car.tender,
            )
            if kind == "GOODS":
                self.stock_move(
                    day,
                    item.pk,
                    -1,
                    "SALE",
                    number,
                    position,
                    car.paid,
                    drawer.cashier,
                    str(item.cost),
                )

    def _line(self, day: BusinessDay, shift: Shift, sale: int, position: int, kind: str, fill: int | None,
              grade: int | None, item: int | None, name: str, quantity: str, price: str, fen: int, cost: int,
              attendant: int | None) -> None:  # fmt: skip
        self.copier.add(
            SaleLine, self.ids[SaleLine].next(), sale, position, self.site.station.pk, day.pk, shift.pk, kind, fill,
            grade, item, None, name, quantity, price, yuan(fen), "0.00", yuan(fen), "", "0.13000", yuan(tax_in(fen)),
            yuan(cost), attendant,
        )  # fmt: skip

    def _purchase(self, day: BusinessDay, number: str, line: int, at: datetime, kind: str, product: str,
                  category: str, quantity: str, fen: int, tender: str) -> None:  # fmt: skip
        self.copier.add(
            Purchase, self.ids[Purchase].next(), self.site.station.pk, None, day.pk, number, line, at, kind, product,
            category, quantity, yuan(fen), 0, f'["{tender}"]', None,
        )  # fmt: skip

    def stock_move(self, day: BusinessDay, item: int, quantity: int, kind: str, document: str, line: int, at: datetime,
               actor: int, cost: str) -> None:  # fmt: skip
        """One movement of the shelf, with its running balance."""
        self.stock[item] = self.stock.get(item, 0) + quantity
        self.copier.add(
            StockMove, self.ids[StockMove].next(), self.site.station.pk, item, day.pk, kind, f"{quantity}.000",
            f"{self.stock[item]}.000", cost, document, line, at, at, actor, "",
        )  # fmt: skip

    def _payments(self, day: BusinessDay, shift: Shift, drawer: Drawer, car: Car, sale: int, number: str,
                  due: int) -> None:  # fmt: skip
        given, change = due, 0
        if car.tender == "CASH":
            note = 10_000 if due <= 10_000 else 5_000
            given = -(-due // note) * note
            change = given - due
        reference = (
            f"{self.chance.randrange(10**6):06d}"
            if car.tender in {"BANKCARD", "VOUCHER", "PLATFORM"}
            else ""
        )
        parts = [("PAYMENT", given)] + ([("CHANGE", -change)] if change else [])
        for position, (kind, fen) in enumerate(parts, 1):
            self.copier.add(
                Payment, self.ids[Payment].next(), self.site.station.pk, f"{number}-{position}", number, sale, kind,
                self.site.tenders[car.tender].pk, yuan(fen), "SUCCESS", reference, drawer.pk, day.pk, shift.pk,
                car.paid, car.paid,
            )  # fmt: skip
        drawer.takings[car.tender] += due


def plan_tank(code: str) -> int:
    """The tank of a grade in the demo."""
    return next(row.tank for row in plan.GRADES if row.code == code)


def denominations(fen: int) -> dict[str, int]:
    """A drawer's count by denomination, the fewest notes first."""
    counts = {}
    for name, worth in (("100", 10_000), ("50", 5_000), ("20", 2_000), ("10", 1_000), ("5", 500), ("1", 100),
                        ("0.5", 50), ("0.1", 10), ("0.01", 1)):  # fmt: skip
        counts[name], fen = divmod(fen, worth)
    return {name: count for name, count in counts.items() if count}


def json_text(value: object) -> str:
    """JSON for a column that is copied."""
    return json.dumps(value, ensure_ascii=False)
