"""单位放行: a pump is let loose for a company when its vehicle and its driver were identified."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from devices.services import authorising
from members.models import Vehicle
from sales.models import FleetLeave
from sales.queries.fleet import known_at
from station.errors import Refusal
from station.models import Nozzle, Station, User
from station.money import Litres
from station.services.numbering import next_number


class NotIdentified(Refusal):
    """One of the two is missing, the two do not belong together, or they were used already."""


@transaction.atomic
def let_loose(*, nozzle: Nozzle, actor: User, at: datetime, expected: str) -> FleetLeave:
    """Authorise a nozzle for the company whose vehicle and driver were identified at it.

    To the full, or up to the vehicle's tank where that is known. Each identification counts once,
    taken back or not. `expected` is the pair that whoever presses saw (`Pairing.expected`): another
    one that was identified meanwhile is not let loose on his press. Refuses with NotIdentified, and as `devices.services.authorising.authorise`.
    """
    _, found = known_at(nozzle=nozzle, at=at)
    if found is None:
        raise NotIdentified(
            f"{nozzle} 没有放行：{nozzle.dispenser.island}没有读到单位的车辆标签、车牌或司机卡，请先识别"
        )
    if not found.ready:
        raise NotIdentified(f"{nozzle} 没有放行：{found.trouble or f'还缺{found.missing}'}")
    if expected != found.expected:
        raise NotIdentified(f"{nozzle} 没有放行：现在识别到的已不是这一对，请看清再放行")
    vehicle, driver = found.vehicle, found.driver
    assert vehicle is not None
    assert driver is not None
    car = Vehicle.objects.select_related("company").get(pk=vehicle.pk)
    assert car.company is not None
    number = _number(nozzle.station, at)
    authorisation = authorising.authorise(
        nozzle=nozzle,
        actor=actor,
        at=at,
        litres=min(Litres(car.tank_litres), authorising.MOST_LITRES) if car.tank_litres else None,
        document=number,
    )
    leave = FleetLeave(
        station=nozzle.station,
        number=number,
        company=car.company,
        nozzle=nozzle,
        vehicle=car,
        vehicle_by=FleetLeave.By.PLATE if vehicle.by_plate else FleetLeave.By.TAG,
        vehicle_at=vehicle.at,
        driver_id=driver.pk,
        driver_at=driver.at,
        plate_read_id=vehicle.read if vehicle.by_plate else None,
        vehicle_swipe_id=None if vehicle.by_plate else vehicle.read,
        driver_swipe_id=driver.read,
        authorisation=authorisation,
        actor=actor,
        occurred_at=at,
    )
    return _keep(leave)


def _number(station: Station, at: datetime) -> str:
    return next_number(station=station, kind="FX", day=localtime(at).date())


def _keep(leave: FleetLeave) -> FleetLeave:
    try:
        with transaction.atomic():
            leave.save(force_insert=True)
    except IntegrityError as error:  # another nozzle was let loose for the same two meanwhile
        if "let_loose_once" not in str(error):
            raise
        raise NotIdentified(
            f"{leave.nozzle} 没有放行：这次识别刚用于另一把枪，请重新识别"
        ) from error
    return leave
