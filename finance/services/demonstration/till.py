"""What the tills of the demo did: sales with their lines and payments, points, and top-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from finance.services.demonstration.loyalty import Act, Loyalty
from finance.services.demonstration.purses import Purse, Purses, TopUpTold
from finance.services.demonstration.regulars import Regulars
from finance.services.demonstration.trade import (
    Drawer,
    Goods,
    Trade,
    half_up,
    litres,
    tax_in,
    yuan,
)
from finance.services.demonstration.traffic import Car
from members.models import Purchase
from members.queries.earning import BasketLine
from sales.models import FillClaim, Payment, Sale, SaleLine, TopUp
from sales.queries.points_payment import REASON, with_points, worth
from sales.queries.totals import PricedLine
from station.models import BusinessDay, Shift

WITH_SLIP = {"BANKCARD", "VOUCHER", "PLATFORM"}
VALUE = "MEMBER"


@dataclass
class Line:
    """A line of a sale in the making: fuel, or one piece of goods. `cut` is what points paid (fen)."""

    position: int
    kind: str
    product: str
    category: str
    name: str
    quantity: str
    fen: int
    goods: Goods | None = None
    cut: int = 0
    points: int = 0

    @property
    def net(self) -> int:
        return self.fen - self.cut


@dataclass(frozen=True)
class Ticket:
    """The head of a sale in the making."""

    id: int
    number: str
    day: BusinessDay
    shift: Shift
    drawer: Drawer
    member: int | None
    at: datetime

    @property
    def act(self) -> Act:
        """The same as points see it."""
        return Act(self.number, self.at, self.day.date, self.drawer.cashier)


class Till(Trade):
    """Writes sales as the tills of the demo made them, with what members got and gave."""

    regulars: Regulars | None = None
    loyalty: Loyalty | None = None
    purses: Purses | None = None

    def write_cars(
        self, day: BusinessDay, shift: Shift, drawers: list[Drawer], cars: list[Car]
    ) -> None:
        """The fills and sales of some cars of a shift, in the order they finished."""
        for index, car in enumerate(cars):
            drawer = drawers[index % len(drawers)]
            fill, fen = self.write_fill(day, shift, car)
            self.carried[car.nozzle] = self.carried.get(car.nozzle, 0) + fen
            self.write_sale(day, shift, drawer, car, fill, fen)

    def buyer(self, car: Car) -> int | None:
        """The member whose car it is, where the station knows members."""
        return self.regulars.buyer(car) if self.regulars else None

    def write_sale(
        self, day: BusinessDay, shift: Shift, drawer: Drawer, car: Car, fill: int, fuel_fen: int
    ) -> None:
        """The sale of one car: its lines, its points, what was paid, and the claim on its fill."""
        member = self.buyer(car)
        lines = self._lines(car, fuel_fen)
        topped = self.purses.wants(member, self.chance) if self.purses else None
        number = self.number("S", drawer.till, day.date)
        ticket = Ticket(self.ids[Sale].next(), number, day, shift, drawer, member, car.paid)
        self._points(ticket, lines, car.centilitres)
        list_fen, due = sum(line.fen for line in lines), sum(line.net for line in lines)
        purse = self._purse(ticket, topped, car.tender, due)
        tender = VALUE if purse else car.tender
        tax, at = sum(tax_in(line.net) for line in lines), str(car.paid)
        self.copier.add(
            Sale, ticket.id, self.station, number, "SALE", "TILL", day.id, shift.id, drawer.id,
            self.tills[drawer.till], drawer.cashier, member, f"demo:{number}", yuan(list_fen), yuan(list_fen - due),
            "0.00", yuan(due), yuan(tax), "", at, at,
        )  # fmt: skip
        self._fuel(ticket, lines[0], car, fill, tender)
        for line in lines[1:]:
            self._sell(ticket, line, tender)
        self._payments(ticket, tender, due, purse)
        self.copier.add(
            FillClaim, self.ids[FillClaim].next(), self.station, fill, "SALE", number, day.id, at,
            self.attendant(car.nozzle), None, None, "",
        )  # fmt: skip

    def _lines(self, car: Car, fuel_fen: int) -> list[Line]:
        pump = self.pumps[car.nozzle]
        fuel = Line(
            1, "FUEL", car.grade, pump.kind, pump.grade_name, litres(car.centilitres), fuel_fen
        )
        shop = [self.goods[index] for index in car.shop]
        return [fuel] + [
            Line(place, one.kind, one.code, one.category, one.name, "1.000", one.fen, one)
            for place, one in enumerate(shop, 2)
        ]

    # -- members --------------------------------------------------------------------------------

    def _points(self, ticket: Ticket, lines: Sequence[Line], centilitres: int) -> None:
        """What the member pays with points, what he earns, and how it counts for his tier."""
        loyalty, member = self.loyalty, ticket.member
        if loyalty is None or member is None:
            return
        due = Decimal(sum(line.fen for line in lines)) / 100
        points = loyalty.wishes(member, due, self.chance, ticket.at)
        if points:
            told = with_points(
                [_priced(line) for line in lines], points, worth(points, loyalty.program)
            )
            for line, paid in zip(lines, told, strict=True):
                line.cut = int(paid.by_points * 100)
            loyalty.spend(member, {paid.position: paid.points for paid in told}, ticket.act)
        earned = loyalty.earn(member, [_earning(line) for line in lines], ticket.act)
        for line in lines:
            line.points = earned.get(line.position, 0)
        loyalty.standings.bought(member, sum(line.net for line in lines), centilitres, ticket.at)

    def _purse(
        self, ticket: Ticket, topped: TopUpTold | None, tender: str, due: int
    ) -> Purse | None:
        """The account that pays, topped up before where its owner does so."""
        purses = self.purses
        if purses is None or ticket.member is None:
            return None
        if topped:
            self._top_up(ticket, purses.by_member[ticket.member], topped, tender)
        amount = Decimal(due) / 100
        purse = purses.can_pay(ticket.member, amount)
        if purse:
            purses.spend(purse, amount, ticket.number, ticket.day, ticket.at, ticket.drawer.cashier)
        return purse

    def _top_up(self, ticket: Ticket, purse: Purse, told: TopUpTold, tender: str) -> None:
        """Money taken for stored value: an advance of the same drawer, under its own number."""
        assert self.purses is not None
        day, drawer = ticket.day, ticket.drawer
        code = "WECHAT" if tender in {"VOUCHER", "PLATFORM"} else tender
        number = self.number("VC", drawer.till, day.date)
        self.copier.put(
            TopUp(
                station=self.site.station, number=number, account_id=purse.id, plan=told.plan,
                principal=told.plan.amount, bonus=told.plan.bonus, withheld=Decimal("0.00"),
                tender_id=self.tenders[code], day_id=day.pk, shift_id=ticket.shift.pk, session_id=drawer.id,
                cashier_id=drawer.cashier, client_key=f"demo:{number}", rule=told.rule, occurred_at=ticket.at,
                recorded_at=ticket.at,
            )
        )  # fmt: skip
        self.purses.top_up(purse, told, number, day, ticket.at, drawer.cashier)
        self._pay(ticket, number, 1, "ADVANCE", code, int(told.plan.amount * 100), self._slip(code))
        drawer.takings[code] += int(told.plan.amount * 100)

    # -- rows -----------------------------------------------------------------------------------

    def _fuel(self, ticket: Ticket, line: Line, car: Car, fill: int, tender: str) -> None:
        """The fuel line of a sale, and what was bought as members see it."""
        pump, at = self.pumps[car.nozzle], str(ticket.at)
        cost = half_up(car.centilitres * self.tanks[pump.tank].cost_micro, 1_000_000)
        net, cut, attendant = yuan(line.net), yuan(line.cut), self.attendant(car.nozzle)
        self.copier.add(
            SaleLine, self.ids[SaleLine].next(), ticket.id, 1, self.station, ticket.day.id, ticket.shift.id, "FUEL",
            fill, pump.grade_id, None, None, line.name, line.quantity, yuan(self.price_at(car.grade, car.started)),
            yuan(line.fen), cut, net, REASON if line.cut else "", "0.13000", yuan(tax_in(line.net)), yuan(cost),
            attendant,
        )  # fmt: skip
        self.copier.add(
            Purchase, self.ids[Purchase].next(), self.station, ticket.member, ticket.day.id, ticket.number, 1, at,
            "FUEL", line.product, line.category, line.quantity, net, line.points, f'["{tender}"]', attendant, "",
            ticket.drawer.cashier, pump.id, "",
        )  # fmt: skip

    def _sell(self, ticket: Ticket, line: Line, tender: str) -> None:
        """One shop line of a sale, from its second line on."""
        goods, at = line.goods, str(ticket.at)
        assert goods is not None
        net, cut, whole = yuan(line.net), yuan(line.cut), yuan(line.fen)
        self.copier.add(
            SaleLine, self.ids[SaleLine].next(), ticket.id, line.position, self.station, ticket.day.id,
            ticket.shift.id, goods.kind, None, None, goods.id, None, goods.name, "1.000", whole, whole, cut, net,
            REASON if line.cut else "", "0.13000", yuan(tax_in(line.net)), yuan(goods.cost_fen), None,
        )  # fmt: skip
        self.copier.add(
            Purchase, self.ids[Purchase].next(), self.station, ticket.member, ticket.day.id, ticket.number,
            line.position, at, goods.kind, goods.code, goods.category, "1.000", net, line.points, f'["{tender}"]',
            None, "", ticket.drawer.cashier, None, "",
        )  # fmt: skip
        if goods.kind == "GOODS":
            self.stock_move(
                ticket.day,
                goods,
                -1,
                kind="SALE",
                document=ticket.number,
                line=line.position,
                at=at,
                actor=ticket.drawer.cashier,
            )

    def _payments(self, ticket: Ticket, tender: str, due: int, purse: Purse | None) -> None:
        given, change = due, 0
        if tender == "CASH":
            note = 10_000 if due <= 10_000 else 5_000
            given = -(-due // note) * note
            change = given - due
        reference = purse.number if purse else self._slip(tender)
        parts = [("PAYMENT", given), ("CHANGE", -change)] if change else [("PAYMENT", given)]
        for position, (kind, fen) in enumerate(parts, 1):
            self._pay(ticket, ticket.number, position, kind, tender, fen, reference, ticket.id)
        ticket.drawer.takings[tender] += due

    def _slip(self, tender: str) -> str:
        return f"{self.chance.randrange(10**6):06d}" if tender in WITH_SLIP else ""

    def _pay(
        self,
        ticket: Ticket,
        document: str,
        position: int,
        kind: str,
        tender: str,
        fen: int,
        reference: str,
        sale: int | None = None,
    ) -> None:
        at = str(ticket.at)
        self.copier.add(
            Payment, self.ids[Payment].next(), self.station, f"{document}-{position}", document, sale, kind,
            self.tenders[tender], yuan(fen), "SUCCESS", reference, ticket.drawer.id, ticket.day.id, ticket.shift.id,
            at, at,
        )  # fmt: skip


def _priced(line: Line) -> PricedLine:
    amount = Decimal(line.fen) / 100
    return PricedLine(
        line.position, line.kind, line.name, line.product, line.category, Decimal(line.quantity), amount, amount,
        Decimal("0.13"), Decimal(0),
    )  # fmt: skip


def _earning(line: Line) -> BasketLine:
    return BasketLine(
        position=line.position,
        kind=line.kind,
        product=line.product,
        category=line.category,
        quantity=Decimal(line.quantity),
        net=_amount(line.net),
        list_amount=_amount(line.fen),
        by_points=_amount(line.cut),
        name=line.name,
    )


def _amount(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)
