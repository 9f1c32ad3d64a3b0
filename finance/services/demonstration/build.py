"""Build the demo station with its history up to an instant: the way `make demo` fills a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from devices.models import NozzleState, TotalizerReading
from finance.services.demonstration import plan
from finance.services.demonstration.history import History
from finance.services.demonstration.oddities import Oddities
from finance.services.demonstration.site import Site, build_site, put_prices_into_force
from finance.services.demonstration.supply import Supply
from finance.services.demonstration.trade import LOCAL, Drawer, half_up, litres, yuan
from finance.services.demonstration.traffic import Car, cars_of
from inventory.models import StockBalance
from sales.models import PriceDownload
from station.models import BusinessDay, Crew, Shift

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Slot:
    """One shift of a day: its ordinal, name and edges."""

    ordinal: int
    name: str
    starts: datetime
    ends: datetime


def day_start(day: date) -> datetime:
    """When a business day of the demo begins."""
    return datetime.combine(day, plan.DAY_STARTS, LOCAL)


def slots_of(day: date) -> list[Slot]:
    """The three shifts of a business day."""
    start = day_start(day)
    return [
        Slot(
            number,
            name,
            start + timedelta(hours=8 * (number - 1)),
            start + timedelta(hours=8 * number),
        )
        for number, (name, _, _) in enumerate(plan.SHIFTS, 1)
    ]


class Demo:
    """Writes one demo station from its first day up to `until`, which falls within its open day."""

    def __init__(self, *, days: int, until: datetime, seed: int = 92, busy: float = 1.0) -> None:
        self.until = until.astimezone(LOCAL)
        today = (
            self.until.date()
            if self.until >= day_start(self.until.date())
            else (self.until.date() - timedelta(days=1))
        )
        self.today = today
        self.first = today - timedelta(days=days)
        self.days = days
        with transaction.atomic():
            self.site: Site = build_site(at=day_start(self.first) - timedelta(hours=12))
        self.history = History(self.site, seed=seed, busy=busy)
        self.supply = Supply(self.history)
        self.oddities = Oddities(self.history, today)

    def build(self, *, freeze: Callable[[BusinessDay, datetime], None], progress: Progress) -> Site:
        """Write every day; `freeze` closes each whole one. Refuses nothing: it is called on an empty database."""
        for number in range(self.days + 1):
            date_ = self.first + timedelta(days=number)
            progress(f"营业日 {date_}", number, self.days + 1)
            with transaction.atomic():
                day = self._day(date_)
            if date_ < self.today:
                freeze(day, day_start(date_) + timedelta(days=1, minutes=25))
        with transaction.atomic():
            self._settle()
        progress("完成", self.days + 1, self.days + 1)
        return self.site

    def _day(self, date_: date) -> BusinessDay:
        start = day_start(date_)
        day = BusinessDay.objects.create(station=self.site.station, date=date_, opened_at=start)
        if date_ == self.first:
            self.supply.open_stock(day, start)
            self._prices(day, start, first=True)
        cars = cars_of(date_, start, self.history.chance, self.history.busy)
        for slot in slots_of(date_):
            if slot.starts > self.until:
                break
            inside = [car for car in cars if slot.starts <= car.started < slot.ends]
            self._shift(day, slot, inside)
        self.history.copier.flush()
        if date_ < self.today:
            BusinessDay.objects.filter(pk=day.pk).update(
                status=BusinessDay.Status.CUT, cut_at=start + timedelta(days=1)
            )
            day.refresh_from_db()
        return day

    def _shift(self, day: BusinessDay, slot: Slot, cars: list[Car]) -> None:
        history = self.history
        running = slot.ends > self.until
        banked = slot.starts + timedelta(hours=2, minutes=40)
        if slot.ordinal == 1 and banked < self.until:
            self.supply.bank(day, banked)
        shift = self._open_shift(day, slot)
        opened = dict(history.totals)
        drawers = history.open_drawers(shift, tills=[2] if running else [1, 2])
        segments: dict[int, list[dict[str, str]]] = {}
        edge = self._price_edge(day, slot, shift)
        if running:
            self._running(day, shift, drawers[0], [car for car in cars if car.paid < self.until])
            return
        if edge is None:
            self.supply.drive(day, shift, drawers, cars, slot.starts)
        else:
            segments = self._with_edge(day, shift, drawers, cars, edge, opened)
        tests = self.oddities.during(day, slot.ordinal, shift, drawers, slot.starts)
        closed = slot.ends + timedelta(minutes=12)
        receiver = self._leader(day.date, slot.ordinal + 1)
        history.close_nozzles(day, shift, opened, tests, segments, slot.ends)
        history.close_books(day, shift, slot.ends, water=self.oddities.water(day, slot.ordinal))
        for drawer in drawers:
            short, reason = self.oddities.shortage(day, slot.ordinal, drawer.till)
            history.close_drawer(
                day, shift, drawer, slot.ends, receiver=receiver, short=short, reason=reason
            )
        history.sign(shift, receiver, closed)
        history.end_shift(shift, drawers, slot.ends, receiver)

    def _open_shift(self, day: BusinessDay, slot: Slot) -> Shift:
        site, users = self.site, self.site.users
        leader = self._leader(day.date, slot.ordinal)
        shift = Shift.objects.create(
            station=site.station,
            day=day,
            ordinal=slot.ordinal,
            name=slot.name,
            opened_at=slot.starts,
            leader_id=leader,
        )
        turn = (day.date.toordinal() * 3 + slot.ordinal) % 2
        cashiers = [users[f"shouyin{2 * turn + 1}"], users[f"shouyin{2 * turn + 2}"]]
        attendants = [
            users[f"jiayou{(day.date.toordinal() + slot.ordinal + step) % 6 + 1}"]
            for step in range(4)
        ]
        Crew.objects.bulk_create(
            [Crew(shift=shift, user=user, post=Crew.Post.CASHIER) for user in cashiers]
            + [Crew(shift=shift, user=user, post=Crew.Post.ATTENDANT) for user in attendants]
        )
        return shift

    def _leader(self, date_: date, ordinal: int) -> int:
        """Cashiers take turns as 班长; the one who hands over is never the one who receives."""
        turn = (date_.toordinal() * 3 + ordinal) % 2
        return self.site.users[f"shouyin{2 * turn + 1}"].pk

    # -- prices ---------------------------------------------------------------------------------

    def _prices(self, day: BusinessDay, at: datetime, *, first: bool = False) -> None:
        steps = plan.window_number(at.date())
        prices = {row.code: plan.price_on(row, steps) for row in plan.GRADES}
        put_prices_into_force(site=self.site, day=day, at=at, prices=prices)
        fen = {code: int(price * 100) for code, price in prices.items()}
        if first:
            self.history.prices = fen
        else:
            self.history.price_edges = [(at, fen)]

    def _price_edge(self, day: BusinessDay, slot: Slot, shift: Shift) -> datetime | None:
        """Midnight within the night shift where a price window falls on it, or where one is planted."""
        if self.history.price_edges:
            self.history.prices = self.history.price_edges[0][1]
            self.history.price_edges = []
        midnight = datetime.combine(day.date + timedelta(days=1), datetime.min.time(), LOCAL)
        if not slot.starts < midnight < slot.ends or midnight > self.until:
            return None
        planted = day.date == self.today - timedelta(days=plan.PRICE_DAYS_AGO)
        regular = (
            midnight.date().toordinal() % 14 == 0
            and abs((self.today - day.date).days - plan.PRICE_DAYS_AGO) > 13
        )
        if not (planted or regular):
            return None
        self._prices(day, midnight)
        return midnight

    def _with_edge(
        self,
        day: BusinessDay,
        shift: Shift,
        drawers: list[Drawer],
        cars: list[Car],
        edge: datetime,
        opened: dict[int, int],
    ) -> dict[int, list[dict[str, str]]]:
        """Fills before and after a price change, and the segments that the totalizers split them into."""
        history = self.history
        before = [car for car in cars if car.started < edge]
        after = [car for car in cars if car.started >= edge]
        history.write_cars(day, shift, drawers, before)
        at_edge = dict(history.totals)
        history.write_cars(day, shift, drawers, after)
        change = self.site.station.price_changes.order_by("-pk")[0]
        segments: dict[int, list[dict[str, str]]] = {}
        readings, downloads = [], []
        for number, nozzle in self.site.nozzles.items():
            code = nozzle.tank.grade.code
            old, new = history.prices[code], history.price_edges[0][1][code]
            segments[number] = [
                segment(old, opened[number], at_edge[number]),
                segment(new, at_edge[number], history.totals[number]),
            ]
            reading = Decimal(litres(at_edge[number]))
            readings.append(
                TotalizerReading(
                    pk=history.ids[TotalizerReading].next(),
                    nozzle=nozzle,
                    litres=reading,
                    occurred_at=edge,
                    kind="PRICE",
                    document=change.number,
                )
            )
            downloads.append(
                PriceDownload(
                    change=change, nozzle=nozzle, shift=shift, old_price=Decimal(yuan(old)), price=Decimal(yuan(new)),
                    status=PriceDownload.Status.DONE, totalizer=reading, done_at=edge + timedelta(seconds=4),
                    attempts=1,
                )
            )  # fmt: skip
        TotalizerReading.objects.bulk_create(readings)
        PriceDownload.objects.bulk_create(downloads)
        return segments

    # -- the end --------------------------------------------------------------------------------

    def _running(self, day: BusinessDay, shift: Shift, drawer: Drawer, cars: list[Car]) -> None:
        """The shift on duty: one till sells, the last three cars have not paid yet."""
        history = self.history
        paid, waiting = cars[:-3], cars[-3:]
        history.write_cars(day, shift, [drawer], paid)
        for car in waiting:
            history.write_fill(day, shift, car)

    def _settle(self) -> None:
        history, site = self.history, self.site
        history.settle_numbers()
        for item, quantity in history.stock.items():
            StockBalance.objects.filter(station=site.station, item=item).update(quantity=quantity)
        for number, nozzle in site.nozzles.items():
            NozzleState.objects.filter(nozzle=nozzle).update(
                totalizer=Decimal(litres(history.totals[number])), totalizer_at=self.until
            )
        self.oddities.finish(self.until)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def segment(price: int, opening: int, closing: int) -> dict[str, str]:
    """One price segment of a nozzle as the shift report keeps it."""
    return {
        "price": yuan(price),
        "opening": litres(opening),
        "closing": litres(closing),
        "litres": litres(closing - opening),
        "amount": yuan(half_up((closing - opening) * price, 100)),
    }
