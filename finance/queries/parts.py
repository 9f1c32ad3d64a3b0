"""The parts of a day's figures: frozen values, each one table of the 加油站日报.

Signs: physical − book, received − issued, counted − due; negative is loss. Litres have three
places, yuan two. Margins are before VAT: net − tax − cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from station.money import NO_LITRES, ZERO, Litres, Yuan, permille, round_litres, round_yuan

FUEL, GOODS, SERVICE = "FUEL", "GOODS", "SERVICE"


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """part / whole as a ratio of four places; None where there is no whole."""
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001")) if whole else None


@dataclass(frozen=True)
class Product:
    """One product sold: a grade, an item or a service. Refunds are taken off."""

    kind: str
    code: str
    name: str
    category: str
    quantity: Decimal
    list_amount: Yuan
    discount: Yuan
    net: Yuan
    tax: Yuan
    cost: Yuan
    count: int
    refunded: Yuan = ZERO
    id: int = 0

    @property
    def margin(self) -> Yuan:
        """毛利 before VAT."""
        return self.net - self.tax - self.cost

    @property
    def margin_rate(self) -> Decimal | None:
        """毛利率, a share of the net before VAT."""
        return share(self.margin, self.net - self.tax)

    @property
    def average_price(self) -> Yuan | None:
        """均价: net per unit."""
        return round_yuan(self.net / self.quantity) if self.quantity else None

    @property
    def per_car(self) -> Litres | None:
        """单车升数."""
        return round_litres(self.quantity / self.count) if self.count else None


@dataclass(frozen=True)
class Density:
    """标准密度 that turned litres into tonnes, and where it was taken from."""

    code: str
    density20: Decimal
    source: str


@dataclass(frozen=True)
class Head:
    """Counts and totals over the sales of the day."""

    sales: int = 0
    fuel_lines: int = 0
    fuel_sales: int = 0
    shop_sales: int = 0
    both_sales: int = 0
    corrections: int = 0
    due: Yuan = ZERO
    rounding: Yuan = ZERO
    discount: Yuan = ZERO
    tax: Yuan = ZERO


@dataclass(frozen=True)
class Hour:
    """One hour of the clock: fuel by when the nozzle was hung up, goods by when they were sold."""

    hour: int
    count: int
    litres: Litres
    net: Yuan


@dataclass(frozen=True)
class TankDay:
    """日平衡 of one tank."""

    number: int
    grade: str
    opening: Litres
    received: Litres
    pumped: Litres
    returned: Litres
    other: Litres
    sold: Litres
    book: Litres
    physical: Litres | None
    variance: Litres | None
    reason: str = ""
    price: Yuan | None = None

    @property
    def variance_permille(self) -> Decimal | None:
        """损溢率 ‰ of the litres sold; None where nothing was measured or sold."""
        return None if self.variance is None else permille(self.variance, self.sold)

    @property
    def closing(self) -> Litres:
        return self.book if self.physical is None else self.physical


@dataclass(frozen=True)
class TenderDay:
    """One tender: net = received − refunded + moved = fuel + shop + advance."""

    code: str
    name: str
    count: int
    received: Yuan
    refunded: Yuan
    moved: Yuan
    net: Yuan
    fuel: Yuan
    shop: Yuan
    advance: Yuan
    litres: Litres
    over_short: Yuan = ZERO


@dataclass(frozen=True)
class ShiftDay:
    """One shift: what was sold in it, and how its counts came out."""

    number: str
    name: str
    leader: str
    receiver: str
    opened_at: datetime
    handed_over_at: datetime | None
    litres: Litres
    fuel: Yuan
    shop: Yuan
    sales: int
    over_short: Yuan
    id: int = 0


@dataclass(frozen=True)
class SessionDay:
    """One till session: 应缴, 实缴 and 长短款. Counted is empty until it was counted."""

    id: int
    till: str
    cashier: str
    shift: str
    float_amount: Yuan
    received: Yuan
    dropped: Yuan
    expected: Yuan | None
    counted: Yuan | None
    over_short: Yuan
    reason: str


@dataclass(frozen=True)
class NozzleDay:
    """枪泵码: what the totalizers ran in closed shifts, and the fills recorded on the day."""

    number: int
    grade: str
    tank: int
    opening: Decimal | None
    closing: Decimal | None
    run: Litres
    tests: Litres
    own_use: Litres
    sold: Litres
    claimed: Litres
    difference: Litres
    fills: int
    litres: Litres
    amount: Yuan
    id: int = 0


@dataclass(frozen=True)
class FillRow:
    """A fill that the day must name: unpaid, late, returned, used or driven off with."""

    fill: int
    nozzle: int
    grade: str
    litres: Litres
    amount: Yuan
    occurred_at: datetime
    date: date
    document: str = ""
    text: str = ""
    people: str = ""


@dataclass(frozen=True)
class Advance:
    """预付 not used up at the end of the day: to be filled, or to be refunded."""

    document: str
    balance: Yuan
    is_refund_due: bool


@dataclass(frozen=True)
class PersonDiscount:
    """Discounts given by one person for one reason."""

    person: str
    reason: str
    count: int
    amount: Yuan


@dataclass(frozen=True)
class Correction:
    """A refund or a reversal of the day, with who did it, who approved it and why."""

    document: str
    kind: str
    original: str
    amount: Yuan
    person: str
    approver: str
    reason: str


@dataclass(frozen=True)
class Tally:
    """How often something odd happened, with its money."""

    kind: str
    count: int
    amount: Yuan = ZERO


@dataclass(frozen=True)
class Check:
    """Two ways to the same sum. They agree, or the close stops."""

    name: str
    left: Decimal
    right: Decimal

    @property
    def holds(self) -> bool:
        return self.left == self.right

    @property
    def difference(self) -> Decimal:
        return self.left - self.right


@dataclass(frozen=True)
class Receivable:
    """跑单 outstanding at the end of the day: carried + new − recovered or written off."""

    carried: Yuan = ZERO
    new: Yuan = ZERO
    settled: Yuan = ZERO

    @property
    def balance(self) -> Yuan:
        return self.carried + self.new - self.settled


def total_litres(rows: tuple[Product, ...]) -> Litres:
    """Σ quantities of fuel rows."""
    return sum((row.quantity for row in rows if row.kind == FUEL), NO_LITRES)
