"""Ninety days (or ten years) of the demo station, copied in bulk with the database's guards on.

It ties out: every litre in totalizers, fills, sales and tanks agrees, every yuan in sales,
payments and drawers. What does not agree is planted, and `plan` says where.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F

from devices.models import TotalizerReading
from finance.services.demonstration import plan
from finance.services.demonstration.site import Site
from finance.services.demonstration.till import Till
from finance.services.demonstration.trade import (
    FLOAT_FEN,
    Drawer,
    denominations,
    half_up,
    litres,
    yuan,
)
from finance.services.demonstration.traffic import Car
from inventory.models import Dip, TankBook, TankMovement
from sales.models import (
    CashMovement,
    FillClaim,
    FillUse,
    SessionCount,
    SessionTender,
    ShiftNozzle,
    ShiftSignature,
)
from station.models import BusinessDay, DataKey, Shift, TillSession
from station.services import sealing

COUNTED_AFTER, CLOSED_AFTER = timedelta(minutes=4), timedelta(minutes=9)


class History(Till):
    """The past of one demo station: what was sold, and how each shift was closed."""

    held: list[tuple[int, int]]  # sessions whose takings are not at the bank yet, with their fen

    def __init__(self, site: Site, *, seed: int, busy: float = 1.0) -> None:
        super().__init__(site, seed=seed, busy=busy)
        self.held = []

    def new_key(self, at: datetime) -> DataKey:
        """A key to seal with. It is written by the connection that copies, so that ends first."""
        self.copier.wait()
        return sealing.new_key(at=at)

    def dip(self, day: BusinessDay, shift: Shift | None, number: int, at: datetime, purpose: str,
            *, water_mm: int = 0, document: str = "") -> tuple[int, int]:  # fmt: skip
        """Dip a tank: the nearest whole millimetre of what is really in it. Returns (id, centilitres)."""
        tank = self.tanks[number]
        height = min(
            max(bisect_left(self.heights, tank.actual + self.heights[water_mm]), 1),
            plan.TANK_DIAMETER_MM,
        )
        total, water = self._table(height), self._table(water_mm)
        # Buried oil hardly changes its temperature from dip to dip.
        temp = Decimal(199 + self.chance.randrange(60) // 20) / 10
        net = total - water
        beta = plan.GRADES[number - 1].expansion
        v20 = (Decimal(net) / 100 * (1 - (temp - 20) * beta)).quantize(Decimal("0.01"))
        pk = self.ids[Dip].next()
        self.copier.add(
            Dip, pk, self.station, self.site.tanks[number].pk, day.pk, shift.pk if shift else None, "DIP",
            purpose, height, water_mm, temp, litres(total), litres(water), litres(net), v20, document, at, at,
            shift.leader_id if shift else self.site.manager.pk, "",
        )  # fmt: skip
        return pk, net

    def _table(self, height: int) -> int:
        """Centilitres by the strapping table's marks, interpolated to 0.1 L as `strapping` does."""
        low = height - height % 10
        if height == low:
            return self.heights[low]
        step = (self.heights[low + 10] - self.heights[low]) * (height - low)
        return (self.heights[low] + half_up(step, 10) + 5) // 10 * 10

    def close_books(
        self, day: BusinessDay, shift: Shift, at: datetime, *, water: dict[int, int]
    ) -> None:
        """Handover dips and the frozen tank books of a shift."""
        for number, tank in self.tanks.items():
            dip, net = self.dip(day, shift, number, at, "HANDOVER", water_mm=water.get(number, 0))
            book = tank.opening + tank.received - tank.pumped + tank.returned
            self.copier.add(
                TankBook, self.ids[TankBook].next(), self.site.tanks[number].pk, day.pk, shift.pk,
                litres(tank.opening), True, litres(tank.received), litres(tank.pumped), litres(tank.returned),
                "0.000", litres(tank.pumped - tank.returned), litres(book), dip, litres(net), litres(net - book), "",
                at,
            )  # fmt: skip
            tank.opening, tank.pumped, tank.received, tank.returned = net, 0, 0, 0

    def close_nozzles(self, day: BusinessDay, shift: Shift, opened: dict[int, int], tests: dict[int, int],
                      segments: dict[int, list[dict[str, str]]], at: datetime) -> None:  # fmt: skip
        """泵码交接: the frozen rows and the handover readings."""
        for number, pump in self.pumps.items():
            run = self.totals[number] - opened[number]
            sold = litres(run - tests.get(number, 0))
            amount = yuan(self.carried.get(number, 0))
            closing = litres(self.totals[number])
            self.copier.add(
                ShiftNozzle, self.ids[ShiftNozzle].next(), shift.id, day.id, pump.id, pump.tank_id, pump.grade_id,
                litres(opened[number]), closing, 0, litres(run), 0, 0, litres(run), litres(tests.get(number, 0)), 0,
                sold, amount, sold, amount, 0, 0, json.dumps(segments.get(number, [])), "",
            )  # fmt: skip
            self.copier.add(
                TotalizerReading, self.ids[TotalizerReading].next(), pump.id, 0, closing, None, at, at, "HANDOVER",
                shift.number,
            )  # fmt: skip
        self.carried = {}

    def close_drawer(self, day: BusinessDay, shift: Shift, drawer: Drawer, at: datetime, *, receiver: int,
                     short: int = 0, reason: str = "") -> None:  # fmt: skip
        """Count and hand over one till session; `close_drawers` marks it closed."""
        if drawer.drops:
            dropped_at = at - timedelta(hours=2)
            number = self.number("C", drawer.till, day.date)
            self.copier.add(
                CashMovement, self.ids[CashMovement].next(), self.station, number, drawer.id, day.pk, "DROP",
                yuan(-drawer.drops), "中途缴款", f"demo:{number}", drawer.cashier, shift.leader_id, dropped_at,
                dropped_at,
            )  # fmt: skip
        for code, tender in self.tenders.items():
            expected = drawer.takings.get(code, 0)
            if code == "CASH":
                expected += FLOAT_FEN - drawer.drops
            elif not expected:
                continue
            counted = expected + (short if code == "CASH" else 0)
            self.copier.add(
                SessionTender, self.ids[SessionTender].next(), drawer.id, tender, day.pk, yuan(expected),
                yuan(counted), yuan(counted - expected), reason if counted != expected else "",
            )  # fmt: skip
        cash = drawer.takings.get("CASH", 0) + FLOAT_FEN - drawer.drops + short
        self.copier.put(
            SessionCount(
                session_id=drawer.id,
                denominations=denominations(cash),
                cash_counted=yuan(cash),
                counted_by_id=drawer.cashier,
                counted_at=at + COUNTED_AFTER,
                accepted_by_id=receiver,
                accepted_at=at + CLOSED_AFTER,
                approved_by=self.site.manager if short else None,
            )
        )
        self.held.append((drawer.id, cash - FLOAT_FEN))

    def close_drawers(self) -> None:
        """Mark every counted session closed; their payments are there by now."""
        TillSession.objects.filter(status=TillSession.Status.ENDED).update(
            status=TillSession.Status.CLOSED,
            counted_at=F("ended_at") + COUNTED_AFTER,
            closed_at=F("ended_at") + CLOSED_AFTER,
        )

    def sign(self, shift: Shift, receiver: int, at: datetime) -> None:
        """Both sign, and the manager after them."""
        for role, user in (
            ("GIVER", shift.leader_id),
            ("RECEIVER", receiver),
            ("APPROVER", self.site.manager.pk),
        ):
            self.copier.add(
                ShiftSignature, self.ids[ShiftSignature].next(), shift.pk, role, user, at
            )

    def test_nozzle(self, day: BusinessDay, shift: Shift, number: int, at: datetime) -> int:
        """A 20-litre pump test that went back into its tank. Returns its centilitres."""
        nozzle = self.site.nozzles[number]
        grade = nozzle.tank.grade
        tested = int(plan.TEST_LITRES * 100)
        car = Car(started=at, ended=at + timedelta(seconds=50), nozzle=number, grade=grade.code, centilitres=tested,
                  paid=at, tender="", shop=())  # fmt: skip
        fill, _ = self.write_fill(day, shift, car)
        document = self.number("U", 0, day.date)
        tank = self.tanks[nozzle.tank.number]
        tank.returned += tested
        tank.actual += tested
        manager, leader = self.site.manager.pk, shift.leader_id
        when = at + timedelta(minutes=3)
        self.copier.add(
            FillUse, self.ids[FillUse].next(), self.station, document, "TEST", fill, day.pk, shift.pk,
            "20 升标准罐自检", leader, manager, when, when,
        )  # fmt: skip
        self.copier.add(
            FillClaim, self.ids[FillClaim].next(), self.station, fill, "TEST", document, day.pk, when, None,
            None, None, "",
        )  # fmt: skip
        self.copier.add(
            TankMovement, self.ids[TankMovement].next(), self.station, nozzle.tank.pk, day.pk, shift.pk,
            "TEST_RETURN", litres(tested), None, document, when, when, leader, "自检回罐",
        )  # fmt: skip
        return tested
