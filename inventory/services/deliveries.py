"""卸油: from the depot's note to litres on the book, by the dips before and after.

received = after − before + sold during; variance = received − issued, negative is loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from inventory.models import Delivery, DeliveryTank, Dip, Supplier, TankMovement
from inventory.queries.books import levels, pumped_between
from inventory.queries.strapping import v20
from inventory.services.dips import record_dip, watch_level
from inventory.services.movements import grade_on_hand, take_cost
from station.errors import Refusal
from station.models import Grade, Station, Tank, User
from station.money import NO_LITRES, Litres, permille
from station.queries.calendar import open_day, open_shift
from station.queries.settings import number
from station.services import audit, sealing
from station.services.numbering import next_number

Status = Delivery.Status


class WrongProduct(Refusal):
    """The truck's product is not the tank's: 混油."""


class WouldOverfill(Refusal):
    """The tank has no room for what is planned."""


class WrongState(Refusal):
    """The delivery is not at this step."""


@dataclass(frozen=True)
class Note:
    """The depot's note as it is typed in."""

    supplier: Supplier
    grade: Grade
    note_no: str
    truck_plate: str
    issued_l: Litres
    depot: str = ""
    driver: str = ""
    seals: str = ""
    issued_temp_c: Decimal | None = None
    issued_density: Decimal | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True)
class Reading:
    """A dip as typed at one tank."""

    total_height_mm: int | None
    water_height_mm: int = 0
    temp_c: Decimal | None = None
    net_l: Litres | None = None
    source: str = Dip.Source.DIP


@transaction.atomic
def plan(
    *, station: Station, note: Note, parts: Mapping[Tank, Litres], at: datetime, actor: User
) -> Delivery:
    """Note a delivery and where it is to go, before anyone touches a valve.

    Refuses a tank of another product, a part that would pass the tank's safe fill, parts that do
    not add up to the note, and a note that was entered before.
    """
    day = open_day(station)
    if day is None:
        raise Refusal("营业日未开，不能录入卸油单：请先开班")
    if sum(parts.values(), NO_LITRES) != note.issued_l:
        raise Refusal(f"各罐计划卸入之和应等于原发 {note.issued_l:.0f} 升")
    standing = {level.tank.pk: level.litres for level in levels(station)}
    for tank, litres in parts.items():
        _refuse_bad_part(tank, litres, note.grade, standing.get(tank.pk, NO_LITRES))
    try:
        with transaction.atomic():
            delivery = Delivery.objects.create(
                station=station,
                number=next_number(station=station, kind="DL", day=day.date),
                planned_by=actor,
                planned_at=at,
                **_columns(note, at),
            )
    except IntegrityError as error:
        if "one_delivery_per_note_and_grade" not in str(error):
            raise
        raise Refusal(f"出库单 {note.note_no} 的 {note.grade} 已录入过，请勿重复") from error
    DeliveryTank.objects.bulk_create(
        [
            DeliveryTank(delivery=delivery, tank=tank, planned_l=litres)
            for tank, litres in parts.items()
        ]
    )
    _audit(delivery, "inventory.delivery.plan", at, actor)
    return delivery


@transaction.atomic
def start(*, delivery: Delivery, before: Mapping[int, Reading], at: datetime, actor: User) -> None:
    """Measure every tank of the delivery (by tank id) and open the valve. Refuses what no longer fits."""
    delivery = _locked(delivery, Status.PLANNED, "开始卸油")
    for part in delivery.tanks.select_related("tank__grade", "tank__station"):
        dip = _dip(delivery, part.tank, before, Dip.Purpose.BEFORE, at, actor)
        _refuse_bad_part(part.tank, part.planned_l, delivery.grade, dip.net_l)
        part.before = dip
        part.save(update_fields=["before"])
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.UNLOADING, arrived_at=at)
    _audit(delivery, "inventory.delivery.start", at, actor)


@transaction.atomic
def measure(
    *, delivery: Delivery, after: Mapping[int, Reading], at: datetime, actor: User, reason: str = ""
) -> Delivery:
    """Measure again after settling; post at once if the difference is within tolerance, else wait.

    What the dips say is recorded whatever it is; a difference over the station's tolerance waits
    for someone else's approval with a reason.
    """
    delivery = _locked(delivery, Status.UNLOADING, "卸后计量")
    for part in delivery.tanks.select_related("tank__grade", "tank__station", "before"):
        dip = _dip(delivery, part.tank, after, Dip.Purpose.AFTER, at, actor)
        if part.before is None:
            raise WrongState(f"{part.tank}没有卸前计量，不能做卸后计量")
        sold = pumped_between(tank=part.tank, since=part.before.occurred_at, until=at)
        part.after, part.sold_during_l = dip, sold
        part.received_l = dip.net_l - part.before.net_l + sold
        if dip.v20_l is not None and part.before.v20_l is not None and dip.temp_c is not None:
            sold_v20 = v20(sold, dip.temp_c, part.tank.grade.expansion)
            part.received_v20_l = dip.v20_l - part.before.v20_l + sold_v20
        part.save(update_fields=["after", "sold_during_l", "received_l", "received_v20_l"])
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.MEASURED, reason=reason)
    _audit(delivery, "inventory.delivery.measure", at, actor)
    delivery.refresh_from_db()
    if within_tolerance(delivery):
        _post(delivery, at, actor)
        delivery.refresh_from_db()
    return delivery


@transaction.atomic
def approve(*, delivery: Delivery, at: datetime, actor: User, reason: str) -> None:
    """Accept a difference over the tolerance and post. Refuses the person who took the delivery in."""
    delivery = _locked(delivery, Status.MEASURED, "审核")
    if delivery.planned_by_id == actor.pk:
        raise Refusal("收油人与审核人不能是同一人，请由另一人审核")
    if not reason.strip():
        raise Refusal("超差入账必须写明原因")
    Delivery.objects.filter(pk=delivery.pk).update(approved_by=actor, reason=reason)
    delivery.refresh_from_db()
    _post(delivery, at, actor)


@transaction.atomic
def cancel(*, delivery: Delivery, at: datetime, actor: User, reason: str) -> None:
    """Cancel a delivery before anything was unloaded. Refuses without a reason, or later."""
    if not reason.strip():
        raise Refusal("作废卸油单必须写明原因")
    delivery = _locked(delivery, Status.PLANNED, "作废")
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.CANCELLED, reason=reason)
    _audit(delivery, "inventory.delivery.cancel", at, actor)


def _columns(note: Note, at: datetime) -> dict[str, Any]:
    """What is typed as it is kept: the truck and its driver under a key of their own."""
    columns = dict(vars(note))
    plate, driver = columns.pop("truck_plate").strip().upper(), columns.pop("driver").strip()
    key = sealing.new_key(at=at)
    return {
        **columns,
        "key": key,
        "truck_plate_sealed": sealing.seal(key, plate),
        "truck_plate_index": sealing.blind_index("plate", plate),
        "driver_sealed": sealing.seal(key, driver),
    }


def received(delivery: Delivery) -> Litres:
    """实收 Vt of all its tanks."""
    return sum((part.received_l or NO_LITRES for part in delivery.tanks.all()), NO_LITRES)


def within_tolerance(delivery: Delivery) -> bool:
    """Whether |received − issued| is within the station's ‰ of the litres issued."""
    off = permille(abs(received(delivery) - delivery.issued_l), delivery.issued_l)
    return off is not None and off <= number("inventory.delivery_tolerance", delivery.station)


def _post(delivery: Delivery, at: datetime, actor: User) -> None:
    day, shift = open_day(delivery.station), open_shift(delivery.station)
    if day is None:
        raise Refusal("营业日未开，不能入账：请先开班")
    for part in delivery.tanks.select_related("tank__grade", "tank__station").order_by("tank_id"):
        litres = part.received_l or NO_LITRES
        if not litres:
            continue
        on_hand = grade_on_hand(delivery.station, delivery.grade_id)
        cost = (
            None
            if delivery.unit_price is None
            else delivery.unit_price / (1 + delivery.grade.tax_rate)
        )
        TankMovement.objects.create(
            station=delivery.station,
            tank=part.tank,
            day=day,
            shift=shift,
            kind=TankMovement.Kind.DELIVERY,
            litres=litres,
            unit_cost=None if cost is None else cost.quantize(Decimal("0.000001")),
            document=delivery.number,
            occurred_at=at,
            actor=actor,
        )
        if cost is not None and litres > 0:
            take_cost(
                tank=part.tank,
                litres=litres,
                unit_cost=cost,
                on_hand=on_hand,
                document=delivery.number,
                at=at,
            )
        if part.after is not None:
            watch_level(tank=part.tank, litres=part.after.net_l, at=at)
    Delivery.objects.filter(pk=delivery.pk).update(
        status=Status.POSTED, posted_at=at, day=day, shift=shift
    )
    _audit(delivery, "inventory.delivery.post", at, actor)


def _locked(delivery: Delivery, status: str, what: str) -> Delivery:
    locked = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("station", "grade")
        .get(pk=delivery.pk)
    )
    if locked.status != status:
        raise WrongState(
            f"卸油单 {locked.number} 当前为“{locked.get_status_display()}”，不能{what}"
        )
    return locked


def _refuse_bad_part(tank: Tank, litres: Litres, grade: Grade, standing: Litres) -> None:
    if tank.grade_id != grade.pk:
        raise WrongProduct(f"车载油品 {grade} 与{tank}的 {tank.grade} 不符，严禁卸入（混油）")
    if litres <= 0:
        raise Refusal(f"{tank}计划卸入升数必须大于零")
    room = tank.safe_fill_l - standing
    if litres > room:
        raise WouldOverfill(
            f"{tank}现存 {standing:.0f} 升，安全罐容 {tank.safe_fill_l:.0f} 升，"
            f"只能再卸 {max(room, NO_LITRES):.0f} 升，计划 {litres:.0f} 升会超装：请减少或改卸他罐"
        )


def _dip(
    delivery: Delivery,
    tank: Tank,
    readings: Mapping[int, Reading],
    purpose: str,
    at: datetime,
    actor: User,
) -> Dip:
    reading = readings.get(tank.pk)
    if reading is None:
        raise Refusal(f"请填写{tank}的计量读数")
    return record_dip(
        tank=tank,
        purpose=purpose,
        at=at,
        actor=actor,
        document=delivery.number,
        day=open_day(delivery.station),
        shift=open_shift(delivery.station),
        **vars(reading),
    )


def _audit(delivery: Delivery, action: str, at: datetime, actor: User) -> None:
    audit.record(
        at=at,
        actor=actor,
        station=delivery.station,
        action=action,
        document=delivery.number,
        reason=delivery.reason,
    )
