"""What comes in: opening stock, tankers when a tank runs low, goods for the shelves."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from finance.services.demonstration import plan
from finance.services.demonstration.history import History
from finance.services.demonstration.trade import Drawer, Goods, half_up, litres, yuan
from finance.services.demonstration.traffic import Car
from inventory.models import Delivery, DeliveryTank, Dip, FuelCost, TankMovement
from sales.models import Deposit, DepositLine
from station.models import BusinessDay, Shift
from station.services import sealing

ORDER_AT, TRUCK = Decimal("0.30"), 15_000_00  # of the capacity; centilitres a truck brings
UNLOADING = timedelta(minutes=38)


class Supply:
    """Keeps the demo station's tanks and shelves filled."""

    def __init__(self, history: History) -> None:
        self.history = history

    def open_stock(self, day: BusinessDay, at: datetime) -> None:
        """上线初值 of tanks and shelves."""
        history, site = self.history, self.history.site
        for number, tank in history.tanks.items():
            _, net = history.dip(day, None, number, at, Dip.Purpose.OPENING)
            tank.opening = net
            document = f"OPEN-{site.station.code}-{number}"
            cost = Decimal(tank.cost_micro) / 1_000_000
            history.copier.add(
                TankMovement, history.ids[TankMovement].next(), site.station.pk, site.tanks[number].pk, day.pk, None,
                "OPENING", litres(net), cost, document, at, at, site.manager.pk, "",
            )  # fmt: skip
            self._cost(number, tank.cost_micro, net, f"{document}/{number}", at)
        self._receive(day, self._shelf(), 160, "OPENING", at)

    def drive(
        self,
        day: BusinessDay,
        shift: Shift,
        drawers: list[Drawer],
        cars: list[Car],
        starts: datetime,
    ) -> None:
        """The cars of a shift, with a tanker in between where a tank needs one, and goods in the morning."""
        if shift.ordinal == 1:
            self._shelves(day, starts + timedelta(minutes=50))
        for place, number in enumerate(self._thirsty(shift)):
            opens = starts + timedelta(hours=1 + 2 * place, minutes=17)
            ends = opens + UNLOADING
            # The tank's nozzles stand still while it is filled: those cars drive on.
            cars = [car for car in cars if not _meets(car, plan_grade(number), opens, ends)]
            self.history.write_cars(
                day, shift, drawers, [car for car in cars if car.ended <= opens]
            )
            self._tanker(day, shift, number, opens, ends)
            cars = [car for car in cars if car.ended > opens]
        self.history.write_cars(day, shift, drawers, cars)

    def bank(self, day: BusinessDay, at: datetime) -> None:
        """存行: every drawer that was handed over and not yet brought to the bank."""
        history, site = self.history, self.history.site
        held = [(session, fen) for session, fen in history.held if fen > 0]
        history.held = []
        if not held:
            return
        deposit = history.copier.put(
            Deposit(
                station_id=history.station,
                number=history.number("CD", 0, day.date),
                day_id=day.pk,
                amount=yuan(sum(fen for _, fen in held)),
                bank="工商银行滇池路支行",
                slip_no=f"{day.date:%y%m%d}01",
                actor=site.manager,
                client_key=f"demo:bank:{day.date}",
                occurred_at=at,
            )
        )
        for session, fen in held:
            history.copier.put(
                DepositLine(deposit_id=deposit.pk, session_id=session, amount=yuan(fen))
            )

    def _thirsty(self, shift: Shift) -> list[int]:
        """The tanks that get a tanker in this shift, the emptiest first; none by night."""
        if shift.ordinal == 3:
            return []
        need = int(plan.TANK_CAPACITY_L * 100 * ORDER_AT)
        low = [
            number
            for number, tank in self.history.tanks.items()
            if tank.actual < need + self._daily(number) // 2
        ]
        return sorted(low, key=lambda number: self.history.tanks[number].actual)[:3]

    def _daily(self, number: int) -> int:
        """Roughly what a tank loses in a day, in centilitres."""
        return int(plan.GRADES[number - 1].share * 26_000_00)

    def _tanker(
        self, day: BusinessDay, shift: Shift, number: int, opens: datetime, ends: datetime
    ) -> None:
        history, site = self.history, self.history.site
        tank, grade = history.tanks[number], plan.GRADES[number - 1]
        issued = min(TRUCK, int(plan.TANK_CAPACITY_L * 95) - tank.actual - 500_00)
        issued -= issued % 500_00
        document = history.number("DL", 0, day.date)
        before, before_net = history.dip(day, shift, number, opens, "BEFORE", document=document)
        tank.actual += issued - issued * history.chance.randrange(2, 14) // 10_000
        after, after_net = history.dip(day, shift, number, ends, "AFTER", document=document)
        received = after_net - before_net
        price = (Decimal(history.prices[grade.code]) / 100 - grade.margin).quantize(Decimal("0.01"))
        cost = (price / Decimal("1.13")).quantize(Decimal("0.000001"))
        self._note(
            day, shift, document, number, issued, price, opens, ends, (before, after, received)
        )
        history.copier.add(
            TankMovement, history.ids[TankMovement].next(), site.station.pk, site.tanks[number].pk, day.pk, shift.pk,
            "DELIVERY", litres(received), cost, document, ends, ends, shift.leader_id, "",
        )  # fmt: skip
        on_hand = tank.opening + tank.received - tank.pumped + tank.returned
        mixed = half_up(
            on_hand * tank.cost_micro + received * int(cost * 1_000_000), on_hand + received
        )
        tank.received += received
        tank.cost_micro = mixed
        self._cost(number, mixed, on_hand + received, f"{document}/{number}", ends)

    def _cost(self, number: int, micro: int, on_hand: int, document: str, at: datetime) -> None:
        history = self.history
        history.copier.put(
            FuelCost(
                station_id=history.station, grade=history.site.tanks[number].grade,
                unit_cost=Decimal(micro) / 1_000_000, litres_on_hand=litres(on_hand), document=document,
                occurred_at=at,
            )
        )  # fmt: skip

    def _note(self, day: BusinessDay, shift: Shift, document: str, number: int, issued: int, price: Decimal,
              opens: datetime, ends: datetime, measured: tuple[int, int, int]) -> None:  # fmt: skip
        history, site = self.history, self.history.site
        before, after, received = measured
        key, plate = history.new_key(opens), f"云A{60000 + day.date.toordinal() % 9000}"
        delivery = history.copier.put(
            Delivery(
                station_id=history.station, number=document, status=Delivery.Status.POSTED, supplier=site.supplier,
                grade=site.tanks[number].grade, note_no=f"CK{day.date:%y%m%d}{number:02d}", depot="昆明安宁油库",
                key=key, truck_plate_sealed=sealing.seal(key, plate), driver_sealed=sealing.seal(key, "演示驾驶员"),
                truck_plate_index=sealing.blind_index("plate", plate),
                seals=f"{day.date:%m%d}{number}1 {day.date:%m%d}{number}2", issued_l=litres(issued),
                issued_temp_c="18.5", issued_density=plan.GRADES[number - 1].density20, unit_price=price,
                arrived_at=opens - timedelta(minutes=25), planned_by_id=shift.leader_id,
                planned_at=opens - timedelta(minutes=40), approved_by=site.manager, posted_at=ends, day_id=day.pk,
                shift_id=shift.pk,
            )
        )  # fmt: skip
        history.copier.put(
            DeliveryTank(
                delivery_id=delivery.pk, tank=site.tanks[number], planned_l=litres(issued), before_id=before,
                after_id=after, sold_during_l=0, received_l=litres(received),
            )
        )  # fmt: skip

    def _shelf(self) -> list[Goods]:
        return [goods for goods in self.history.goods if goods.kind == "GOODS"]

    def _shelves(self, day: BusinessDay, at: datetime) -> None:
        low = [goods for goods in self._shelf() if self.history.stock[goods.id] < 48]
        if low:
            self._receive(day, low, 120, "RECEIPT", at)

    def _receive(
        self, day: BusinessDay, shelf: list[Goods], quantity: int, kind: str, at: datetime
    ) -> None:
        history = self.history
        document = history.number("ST", 0, day.date)
        for line, goods in enumerate(shelf, 1):
            history.stock_move(
                day, goods, quantity, kind=kind, document=document, line=line, at=at,
                actor=history.site.manager.pk,
            )  # fmt: skip


def _meets(car: Car, grade: str, opens: datetime, ends: datetime) -> bool:
    """Whether a car would fuel from a tank that is being filled or settling."""
    return car.grade == grade and car.started < ends and car.ended > opens - timedelta(minutes=12)


def plan_grade(tank: int) -> str:
    """The grade of a demo tank."""
    return plan.GRADES[tank - 1].code
