"""Prices of the demo: put into force at a midnight, which splits the night shift in two."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from devices.models import TotalizerReading
from finance.services.demonstration import plan
from finance.services.demonstration.history import History
from finance.services.demonstration.trade import LOCAL, Drawer, half_up, litres, yuan
from finance.services.demonstration.traffic import Car
from sales.models import PriceDownload
from station.models import BusinessDay, PriceCeiling, PriceChange, PriceLine, Shift

Segments = dict[int, list[dict[str, str]]]


class Prices:
    """Changes the demo station's prices every fourteen days, and where one is planted."""

    def __init__(self, history: History, *, today: date, until: datetime) -> None:
        self.history = history
        self.today = today
        self.until = until
        self.change: PriceChange | None = None

    def open(self, day: BusinessDay, at: datetime) -> None:
        """The prices that the station began with."""
        self.history.prices = self._put_into_force(day, at)

    def edge(self, day: BusinessDay, starts: datetime, ends: datetime) -> datetime | None:
        """Midnight within a shift where a price window falls on it, or where one is planted."""
        history = self.history
        if history.price_edges:
            history.prices = history.price_edges[0][1]
            history.price_edges = []
        midnight = datetime.combine(day.date + timedelta(days=1), datetime.min.time(), LOCAL)
        if not starts < midnight < ends or midnight > self.until:
            return None
        planted = day.date == self.today - timedelta(days=plan.PRICE_DAYS_AGO)
        regular = (
            midnight.date().toordinal() % 14 == 0
            and abs((self.today - day.date).days - plan.PRICE_DAYS_AGO) > 13
        )
        if not (planted or regular):
            return None
        history.price_edges = [(midnight, self._put_into_force(day, midnight))]
        return midnight

    def split(
        self,
        day: BusinessDay,
        shift: Shift,
        drawers: list[Drawer],
        cars: list[Car],
        edge: datetime,
        opened: dict[int, int],
    ) -> Segments:
        """Fills before and after a price change, and the segments that the totalizers split them into."""
        history = self.history
        history.write_cars(day, shift, drawers, [car for car in cars if car.started < edge])
        at_edge = dict(history.totals)
        history.write_cars(day, shift, drawers, [car for car in cars if car.started >= edge])
        segments: Segments = {}
        for number, nozzle in history.site.nozzles.items():
            code = nozzle.tank.grade.code
            old, new = history.prices[code], history.price_edges[0][1][code]
            segments[number] = [
                _segment(old, opened[number], at_edge[number]),
                _segment(new, at_edge[number], history.totals[number]),
            ]
            self._download(shift, number, old, new, at_edge[number], edge)
        return segments

    def _download(
        self, shift: Shift, number: int, old: int, new: int, total: int, at: datetime
    ) -> None:
        """The price at one pump, read back from it at the totalizer where it stood."""
        history, change = self.history, self.change
        assert change is not None
        pump, shown = history.pumps[number], litres(total)
        history.copier.add(
            TotalizerReading, history.ids[TotalizerReading].next(), pump.id, 0, shown, None, at, at, "PRICE",
            change.number,
        )  # fmt: skip
        history.copier.put(
            PriceDownload(
                change_id=change.pk, nozzle_id=pump.id, shift_id=shift.pk, old_price=yuan(old), price=yuan(new),
                status=PriceDownload.Status.DONE, totalizer=shown, done_at=at + timedelta(seconds=4), attempts=1,
            )
        )  # fmt: skip

    def _put_into_force(self, day: BusinessDay, at: datetime) -> dict[str, int]:
        """A price change of the past, planned and approved the evening before, with its ceilings."""
        history, site = self.history, self.history.site
        steps = plan.window_number(at.date())
        prices = {row.code: plan.price_on(row, steps) for row in plan.GRADES}
        before = history.prices if self.change else {}
        self.change = history.copier.put(
            PriceChange(
                station=site.station,
                number=history.number("PC", 0, day.date),
                status=PriceChange.Status.IN_FORCE,
                effective_at=at,
                note="演示调价窗口",
                planned_by=site.manager,
                planned_at=at - timedelta(hours=6),
                approved_by=site.owner,
                approved_at=at - timedelta(hours=5),
                in_force_at=at,
            )
        )
        for code, price in prices.items():
            old = yuan(before[code]) if code in before else None
            grade = site.grades[code]
            history.copier.put(
                PriceLine(change_id=self.change.pk, grade=grade, old_price=old, price=price)
            )
            history.copier.put(
                PriceCeiling(
                    zone=site.station.price_zone, grade=grade, effective_at=at,
                    ceiling=price + Decimal("0.12"), notice="演示公告，非官方文件",
                )
            )  # fmt: skip
        return {code: int(price * 100) for code, price in prices.items()}


def _segment(price: int, opening: int, closing: int) -> dict[str, str]:
    """One price segment of a nozzle as the shift report keeps it."""
    return {
        "price": yuan(price),
        "opening": litres(opening),
        "closing": litres(closing),
        "litres": litres(closing - opening),
        "amount": yuan(half_up((closing - opening) * price, 100)),
    }
