"""What is planted: a short drawer, a drive-off, a missed fill, a pump test, water in a tank.

`plan` holds when and how much; tests and pages look for exactly these.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from devices.models import Fill, TotalizerGap
from finance.services.demonstration import plan
from finance.services.demonstration.history import History
from finance.services.demonstration.trade import Drawer, litres, yuan
from finance.services.demonstration.traffic import Car
from sales.models import DriveOff, FillClaim, LateEntry
from station.models import Alert, BusinessDay, Shift
from station.services import alerts, sealing


class Oddities:
    """Plants each oddity on its day, counted back from today."""

    def __init__(self, history: History, today: date) -> None:
        self.history = history
        self.today = today

    def _ago(self, day: BusinessDay) -> int:
        return (self.today - day.date).days

    def during(
        self, day: BusinessDay, ordinal: int, shift: Shift, drawers: list[Drawer], starts: datetime
    ) -> dict[int, int]:
        """Extra facts at the end of a shift; returns the test litres per nozzle (centilitres)."""
        tests: dict[int, int] = {}
        late = starts + timedelta(hours=7, minutes=40)
        ago = self._ago(day)
        if ordinal == 1 and day.date.toordinal() % plan.TEST_EVERY_DAYS == 0:
            number = day.date.toordinal() // plan.TEST_EVERY_DAYS % 32 + 1
            tests[number] = self.history.test_nozzle(day, shift, number, late)
        if ago == plan.DRIVE_OFF_DAYS_AGO and ordinal == 2:
            self._drive_off(day, shift, late)
        if ago == plan.MISSED_DAYS_AGO and ordinal == 2:
            self._missed(day, shift, drawers[0], late + timedelta(minutes=5))
        return tests

    def shortage(self, day: BusinessDay, ordinal: int, till: int) -> tuple[int, str]:
        """Fen short (negative) and its reason, where it was planted."""
        here = self._ago(day) == plan.SHORT_DAYS_AGO
        if here and ordinal == plan.SHORT_SHIFT and till == plan.SHORT_TILL:
            return int(plan.SHORT_AMOUNT * 100), plan.SHORT_REASON
        return 0, ""

    def water(self, day: BusinessDay, ordinal: int) -> dict[int, int]:
        """Millimetres of water per tank at the handover of a shift."""
        planted = self._ago(day) == plan.WATER_DAYS_AGO and ordinal == 3
        return {plan.WATER_TANK: plan.WATER_MM} if planted else {}

    def finish(self, at: datetime) -> None:
        """Raise what is still open when the story ends: the water."""
        tank = self.history.site.tanks[plan.WATER_TANK]
        alerts.raise_alert(
            station=self.history.site.station,
            key=f"water:{tank.pk}",
            kind="罐内水高",
            level=Alert.Level.CRITICAL,
            text=f"{tank}（{tank.grade}）水高 {plan.WATER_MM} mm，超过上限 {tank.water_limit_mm} mm："
            "请停用该罐油枪并排水",
            url=f"/inventory/tanks/{tank.pk}/",
            at=at,
        )

    def _car(self, nozzle: int, centilitres: int, at: datetime) -> Car:
        grade = plan.GRADES[(nozzle - 1) % 4].code
        return Car(started=at - timedelta(seconds=70), ended=at, nozzle=nozzle, grade=grade, centilitres=centilitres,
                   paid=at + timedelta(seconds=60), tender="CASH", shop=())  # fmt: skip

    def _drive_off(self, day: BusinessDay, shift: Shift, at: datetime) -> None:
        history, site = self.history, self.history.site
        fill, fen = history.write_fill(day, shift, self._car(9, 38_40, at))
        history.carried[9] = history.carried.get(9, 0) + fen
        number = history.number("DO", 0, day.date)
        history.copier.add(
            FillClaim, history.ids[FillClaim].next(), site.station.pk, fill, "DRIVE_OFF", number, day.pk,
            at + timedelta(minutes=6), None, None, None, "",
        )  # fmt: skip
        key = history.new_key(at)
        when = at + timedelta(minutes=6)
        history.copier.put(
            DriveOff(
                station=site.station, number=number, fill_id=fill, amount=yuan(fen), key=key,
                plate_sealed=sealing.seal(key, plan.DRIVE_OFF_PLATE),
                plate_index=sealing.blind_index("plate", plan.DRIVE_OFF_PLATE),
                note="加满后驶离，向滇池路方向", day_id=day.pk, shift_id=shift.pk, actor_id=shift.leader_id,
                occurred_at=when, recorded_at=when,
            )
        )  # fmt: skip

    def _missed(self, day: BusinessDay, shift: Shift, drawer: Drawer, at: datetime) -> None:
        """A fill that the line did not hear: a gap first, then typed in from the pump's display and sold."""
        history, site = self.history, self.history.site
        nozzle, missed = plan.MISSED_NOZZLE, int(plan.MISSED_LITRES * 100)
        before = history.totals[nozzle]
        car = self._car(nozzle, missed, at)
        price = history.price_at(car.grade, car.started)
        fill, fen = history.write_fill(day, shift, car, source=Fill.Source.MANUAL)
        history.carried[nozzle] = history.carried.get(nozzle, 0) + fen
        history.write_sale(day, shift, drawer, car, fill, fen)
        gap = history.copier.put(
            TotalizerGap(
                nozzle=site.nozzles[nozzle], station=site.station, shift_id=shift.pk, litres_from=litres(before),
                litres_to=litres(before + missed), unit_price=yuan(price), found_at=at,
                explained_at=at + timedelta(minutes=9), explained_by_id=shift.leader_id, fill_id=fill,
                reason="线路瞬断漏采，按机显补录",
            )
        )  # fmt: skip
        history.copier.put(
            LateEntry(
                station=site.station, number=history.number("LE", 0, day.date), fill_id=fill, gap_id=gap.pk,
                reason="线路瞬断漏采，按机显补录", actor_id=shift.leader_id, approved_by=site.manager,
                at=at + timedelta(minutes=9),
            )
        )  # fmt: skip
