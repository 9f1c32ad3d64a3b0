"""Litres in or out of a tank that no meter sold. Each movement is a row; a mistake is another."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from inventory.models import FuelCost, TankMovement
from inventory.queries.books import levels
from station.errors import Refusal
from station.models import BusinessDay, Shift, Station, Tank, User
from station.money import NO_LITRES, Litres
from station.services import audit

Kind = TankMovement.Kind
MICRO = Decimal("0.000001")


@transaction.atomic
def return_test(
    *,
    tank: Tank,
    litres: Litres,
    document: str,
    day: BusinessDay,
    shift: Shift | None,
    at: datetime,
    actor: User,
    reason: str = "",
) -> TankMovement:
    """回罐: the litres of a pump test go back into the tank they came from. Twice is once."""
    if litres <= 0:
        raise Refusal("回罐升数必须大于零")
    movement, _ = TankMovement.objects.get_or_create(
        document=document,
        tank=tank,
        kind=Kind.TEST_RETURN,
        defaults={
            "station_id": tank.station_id,
            "day": day,
            "shift": shift,
            "litres": litres,
            "occurred_at": at,
            "actor": actor,
            "reason": reason,
        },
    )
    return movement


@transaction.atomic
def open_tank(
    *,
    tank: Tank,
    litres: Litres,
    unit_cost: Decimal | None,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> TankMovement:
    """上线初值: what a tank held at cut-over, and its cost per litre before VAT. Once per tank.

    Refuses negative litres, more than the capacity, and a second opening.
    """
    if not NO_LITRES <= litres <= tank.capacity_l:
        raise Refusal(f"{tank}初始存油应在 0 到 {tank.capacity_l:.0f} 升之间")
    if TankMovement.objects.filter(tank=tank, kind=Kind.OPENING).exists():
        raise Refusal(f"{tank}已录入过上线初值，差异请用“库存调整”更正")
    document = f"OPEN-{tank.station.code}-{tank.number}"
    if not litres:
        raise Refusal(f"{tank}初始存油为零：空罐不必录入初值")
    movement = TankMovement.objects.create(
        station=tank.station,
        tank=tank,
        day=day,
        kind=Kind.OPENING,
        litres=litres,
        unit_cost=unit_cost,
        document=document,
        occurred_at=at,
        actor=actor,
    )
    if unit_cost is not None:
        take_cost(
            tank=tank,
            litres=litres,
            unit_cost=unit_cost,
            on_hand=NO_LITRES,
            document=document,
            at=at,
        )
    return movement


@transaction.atomic
def adjust(
    *,
    tank: Tank,
    litres: Litres,
    kind: str,
    document: str,
    day: BusinessDay,
    shift: Shift | None,
    reason: str,
    at: datetime,
    actor: User,
    approver: User,
) -> TankMovement:
    """移库、其他出库 or 调整 by a signed quantity. Refuses zero, no reason, and one's own approval."""
    if kind not in {Kind.TRANSFER, Kind.OTHER_OUT, Kind.ADJUST}:
        raise Refusal("该类变动不能手工录入")
    if not litres or not reason.strip():
        raise Refusal("升数不能为零，且必须写明原因")
    if approver == actor:
        raise Refusal("库存调整须由另一人审批")
    movement = TankMovement.objects.create(
        station_id=tank.station_id,
        tank=tank,
        day=day,
        shift=shift,
        kind=kind,
        litres=litres,
        document=document,
        occurred_at=at,
        actor=actor,
        reason=reason,
    )
    audit.record(
        at=at,
        actor=actor,
        station=tank.station,
        action="inventory.tank.adjust",
        document=document,
        reason=reason,
        after={"tank": tank.number, "litres": str(litres), "kind": kind, "approver": approver.name},
    )
    return movement


def take_cost(
    *, tank: Tank, litres: Litres, unit_cost: Decimal, on_hand: Litres, document: str, at: datetime
) -> Decimal:
    """Move the grade's average cost on: (on hand × old + received × cost) / (on hand + received).

    Perpetual, on the litres on hand at receipt only. `on_hand` is the grade's litres at the
    station before the receipt. Returns the new cost per litre before VAT.
    """
    station, grade = tank.station, tank.grade
    last = (
        FuelCost.objects.filter(station=station, grade=grade)
        .order_by("-occurred_at", "-pk")
        .first()
    )
    before = max(on_hand, NO_LITRES)
    if last is None or not before:
        cost = unit_cost
    else:
        cost = (before * last.unit_cost + litres * unit_cost) / (before + litres)
    cost = cost.quantize(MICRO)
    FuelCost.objects.create(
        station=station,
        grade=grade,
        unit_cost=cost,
        litres_on_hand=before + litres,
        document=f"{document}/{tank.number}",
        occurred_at=at,
    )
    return cost


def grade_on_hand(station: Station, grade_id: int) -> Litres:
    """Litres of a grade in all tanks of a station now, by the book."""
    return sum(
        (level.litres for level in levels(station) if level.tank.grade_id == grade_id),
        NO_LITRES,
    )
