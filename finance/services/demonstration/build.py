"""Build the demo station with its history up to an instant: the way `make demo` fills a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from devices.models import NozzleState
from finance.services.demonstration import plan
from finance.services.demonstration.bulk import keys_and_indexes_after
from finance.services.demonstration.columns import MANY
from finance.services.demonstration.freezing import freeze_demo_days
from finance.services.demonstration.gauges import write_readings
from finance.services.demonstration.history import History
from finance.services.demonstration.loyalty import Loyalty
from finance.services.demonstration.oddities import Oddities
from finance.services.demonstration.prices import Prices, Segments
from finance.services.demonstration.purses import Purses
from finance.services.demonstration.regulars import add_regulars
from finance.services.demonstration.site import Site, build_site
from finance.services.demonstration.standings import A_YEAR, Standings
from finance.services.demonstration.supply import Supply
from finance.services.demonstration.trade import LOCAL, Drawer, litres
from finance.services.demonstration.traffic import Car, cars_of
from inventory.models import StockBalance
from station.models import BusinessDay, Crew, Shift

Progress = Callable[[str, int, int], None]
ROWS_AT_ONCE = 50_000
DAYS_AT_ONCE = 30
SIGNED_AFTER = timedelta(minutes=12)
CLOSED_AFTER = timedelta(minutes=25)
WAITING = 3  # fills not paid yet


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


@dataclass(frozen=True)
class Live:
    """A fill of the shift on duty that the till is still to sell: whose, and when he pays."""

    fill: int
    car: Car
    member: int | None


class Demo:
    """Writes one demo station from its first day up to `until`, which falls within its open day."""

    def __init__(
        self,
        *,
        days: int,
        until: datetime,
        seed: int = 92,
        busy: float = 1.0,
        members: int | None = None,
        live_sales: int = 0,
    ) -> None:
        self.until = until.astimezone(LOCAL)
        today = (
            self.until.date()
            if self.until >= day_start(self.until.date())
            else (self.until.date() - timedelta(days=1))
        )
        self.today = today
        self.first = today - timedelta(days=days)
        self.days = days
        self.live_sales = (
            live_sales  # fills of the shift on duty that are left to the till's services
        )
        self.live: list[Live] = []
        before = day_start(self.first) - timedelta(hours=12)
        with transaction.atomic():
            self.site: Site = build_site(at=before)
            regulars = add_regulars(
                self.site,
                count=plan.members_for(busy) if members is None else members,
                days=days,
                at=before,
                until=self.until,
                seed=seed,
            )
            founded = max(before, self.until - A_YEAR)
            self.standings = Standings(self.site.station, founded=founded)
            self.history = History(self.site, seed=seed, busy=busy)
            self.history.loyalty = self.loyalty = Loyalty(
                self.site.station, self.history.copier, self.standings, at=before
            )
            self.history.purses = self.purses = Purses(
                self.site, list(regulars.people.values()), at=before, chance=regulars.chance
            )
        self.history.regulars = regulars
        self.supply = Supply(self.history)
        self.prices = Prices(self.history, today=today, until=self.until)
        self.oddities = Oddities(self.history, today)

    @property
    def opens(self) -> datetime:
        """When the till's own services take over in the shift on duty."""
        return self.live[0].car.started if self.live else self.until - timedelta(minutes=1)

    def build(self, *, progress: Progress) -> Site:
        """Write the facts of every day, then close each whole one. Call it on an empty database."""
        with transaction.atomic(), keys_and_indexes_after(tuple(MANY)):
            for number in range(self.days + 1):
                date_ = self.first + timedelta(days=number)
                progress(f"营业日 {date_}", number, self.days)
                self._day(date_)
                self.history.copier.flush(at_least=ROWS_AT_ONCE)
            self._settle()
            progress("外键与索引", self.days, self.days)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self._close(progress)
        write_readings(self.site, until=self.until)
        return self.site

    def _close(self, progress: Progress) -> None:
        """Freeze the whole days, a month at a time."""
        days = list(
            BusinessDay.objects.filter(station=self.site.station, status=BusinessDay.Status.CUT)
            .select_related("station")
            .order_by("date")
        )
        for first in range(0, len(days), DAYS_AT_ONCE):
            month = days[first : first + DAYS_AT_ONCE]
            progress(f"日结 {month[0].date}", first, len(days))
            freeze_demo_days(
                days=[
                    (day, day_start(day.date) + timedelta(days=1) + CLOSED_AFTER) for day in month
                ],
                owner=self.site.owner,
                manager=self.site.manager,
            )
        progress("日结", len(days), len(days))

    def _day(self, date_: date) -> None:
        start, whole = day_start(date_), date_ < self.today
        day = self.history.copier.put(
            BusinessDay(
                station=self.site.station,
                date=date_,
                opened_at=start,
                status=BusinessDay.Status.CUT if whole else BusinessDay.Status.OPEN,
                cut_at=start + timedelta(days=1) if whole else None,
            )
        )
        if date_ == self.first:
            self.opened = day
            self.supply.open_stock(day, start)
            self.prices.open(day, start)
        self.loyalty.expire(start)
        if start <= self.standings.founded < start + timedelta(days=1):
            self.standings.evaluate(self.standings.founded)
        cars = cars_of(date_, start, self.history.chance, self.history.busy)
        for slot in slots_of(date_):
            if slot.starts > self.until:
                break
            inside = [car for car in cars if slot.starts <= car.started < slot.ends]
            self._shift(day, slot, inside)

    def _shift(self, day: BusinessDay, slot: Slot, cars: list[Car]) -> None:
        history = self.history
        running = slot.ends > self.until
        banked = slot.starts + timedelta(hours=2, minutes=40)
        if slot.ordinal == 1 and banked < self.until:
            self.supply.bank(day, banked)
        shift, cashiers = self._open_shift(day, slot, running=running)
        opened = dict(history.totals)
        drawers = history.open_drawers(shift, cashiers, tills=[2] if running else [1, 2])
        segments: Segments = {}
        edge = self.prices.edge(day, slot.starts, slot.ends)
        if running:
            self._running(day, shift, drawers[0], [car for car in cars if car.paid < self.until])
            return
        if edge is None:
            self.supply.drive(day, shift, drawers, cars, slot.starts)
        else:
            segments = self.prices.split(day, shift, drawers, cars, edge, opened)
        tests = self.oddities.during(day, slot.ordinal, shift, drawers, slot.starts)
        receiver = self._leader(day.date, slot.ordinal + 1)
        history.close_nozzles(day, shift, opened, tests, segments, slot.ends)
        history.close_books(day, shift, slot.ends, water=self.oddities.water(day, slot.ordinal))
        for drawer in drawers:
            short, reason = self.oddities.shortage(day, slot.ordinal, drawer.till)
            history.close_drawer(
                day, shift, drawer, slot.ends, receiver=receiver, short=short, reason=reason
            )
        history.sign(shift, receiver, slot.ends + SIGNED_AFTER)

    def _open_shift(
        self, day: BusinessDay, slot: Slot, *, running: bool
    ) -> tuple[Shift, list[int]]:
        """The shift, closed already if it is over, with its crew; returns it and its cashiers."""
        put, users = self.history.copier.put, self.site.users
        shift = put(
            Shift(
                station=self.site.station, day=day, ordinal=slot.ordinal, name=slot.name, opened_at=slot.starts,
                leader_id=self._leader(day.date, slot.ordinal),
                status=Shift.Status.OPEN if running else Shift.Status.CLOSED,
                handed_over_at=None if running else slot.ends,
                closed_at=None if running else slot.ends + SIGNED_AFTER,
                receiver_id=None if running else self._leader(day.date, slot.ordinal + 1),
            )
        )  # fmt: skip
        turn = (day.date.toordinal() * 3 + slot.ordinal) % 2
        cashiers = [users[f"shouyin{2 * turn + place}"].pk for place in (1, 2)]
        attendants = [
            users[f"jiayou{(day.date.toordinal() + slot.ordinal + step) % 6 + 1}"].pk
            for step in range(4)
        ]
        for post, people in ((Crew.Post.CASHIER, cashiers), (Crew.Post.ATTENDANT, attendants)):
            for user in people:
                put(Crew(shift_id=shift.pk, user_id=user, post=post))
        self.history.attendants = attendants
        return shift, cashiers

    def _leader(self, date_: date, ordinal: int) -> int:
        """Cashiers take turns as 班长; the one who hands over is never the one who receives."""
        turn = (date_.toordinal() * 3 + ordinal) % 2
        return self.site.users[f"shouyin{2 * turn + 1}"].pk

    # -- the end --------------------------------------------------------------------------------

    def _running(self, day: BusinessDay, shift: Shift, drawer: Drawer, cars: list[Car]) -> None:
        """The shift on duty: one till sells, the last three cars have not paid yet."""
        history = self.history
        paid, waiting = cars[:-WAITING], cars[-WAITING:]
        first = max(len(paid) - self.live_sales, 0)
        history.write_cars(day, shift, [drawer], paid[:first])
        for car in paid[first:]:
            fill, _ = history.write_fill(day, shift, car)
            self.live.append(Live(fill, car, history.buyer(car)))
        for car in waiting:
            history.write_fill(day, shift, car)

    def _settle(self) -> None:
        """Bring what is kept beside the facts to where they end."""
        history, site = self.history, self.site
        history.copier.finish()
        history.close_drawers()
        history.settle_numbers()
        self.loyalty.settle()
        self.standings.settle()
        self.purses.settle(first=self.opened, at=day_start(self.first))
        for item, quantity in history.stock.items():
            StockBalance.objects.filter(place=site.place, item=item).update(quantity=quantity)
        for number, nozzle in site.nozzles.items():
            NozzleState.objects.filter(nozzle=nozzle).update(
                totalizer=Decimal(litres(history.totals[number])), totalizer_at=self.until
            )
        self.oddities.finish(self.until)
