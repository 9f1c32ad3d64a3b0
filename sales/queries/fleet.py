"""Two stages: which vehicle and which driver of a company were identified at a pump, and what is missing.

A vehicle is identified by its tag at the island's reader or by a camera, a driver by his card there.
The newest of each kind counts, and each once: what an authorisation was given for is used up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Max, OuterRef, Subquery
from django.utils.timezone import localtime

from devices.models import Card, Swipe
from devices.queries.fleet import LONGEST, TAG, newest_fleet_swipes
from devices.queries.wall import nozzle_now
from members.queries.fleet import Holder, holders
from sales.models import FleetLeave
from sales.queries.cars import Car, Cars, cars
from station.models import Nozzle, Station

VEHICLE_WORDS, DRIVER_WORDS = "车辆识别（标签或车牌）", "司机卡"


@dataclass(frozen=True)
class Identified:
    """One of the two: whose it is, when it was read, and why it does not count, "" where it does."""

    company: str
    company_name: str
    seconds: int
    label: str
    at: datetime
    pk: int  # of the vehicle or the driver
    read: int  # of the plate's read or the swipe
    only: int | None = None  # the vehicle that a driver is bound to
    by_plate: bool = False
    trouble: str = ""

    @property
    def token(self) -> str:
        """Which of them, by which read and when."""
        return f"{self.pk}.{self.read}.{self.at.timestamp():.6f}"


@dataclass(frozen=True)
class Pairing:
    """What is known at a nozzle. `trouble` says why it is refused, `missing` what is to come."""

    vehicle: Identified | None
    driver: Identified | None
    free: bool = True  # the nozzle waits for somebody: not fuelling, authorised or held back

    @property
    def _first(self) -> Identified:
        found = self.vehicle or self.driver
        assert found is not None
        return found

    @property
    def company_name(self) -> str:
        return self._first.company_name

    @property
    def missing(self) -> str:
        if self.vehicle is None:
            return VEHICLE_WORDS
        return DRIVER_WORDS if self.driver is None else ""

    @property
    def trouble(self) -> str:
        vehicle, driver = self.vehicle, self.driver
        for one in (vehicle, driver):
            if one is not None and one.trouble:
                return one.trouble
        if vehicle is None or driver is None:
            return ""
        if vehicle.company != driver.company:
            return f"司机 {driver.label} 是 {driver.company_name} 的，车 {vehicle.label} 不是"
        if driver.only not in (None, vehicle.pk):
            return f"司机 {driver.label} 只登记开另一辆车，不能用于车 {vehicle.label}"
        return ""

    @property
    def ready(self) -> bool:
        return not self.trouble and not self.missing

    @property
    def offered(self) -> bool:
        """Whether somebody is asked to press."""
        return self.ready and self.free

    @property
    def expected(self) -> str:
        """For whom the button is pressed: posted with it, so that it counts for nobody else."""
        return "-".join(one.token for one in (self.vehicle, self.driver) if one)

    @property
    def short(self) -> str:
        """What is to be done, where the car and its company stand above it."""
        if self.trouble:
            return f"不能放行：{self.trouble}"
        if self.missing:
            until = self._first.at + timedelta(seconds=self._first.seconds)
            act = "刷司机卡" if self.driver is None else "刷车辆标签，或让摄像头读到车牌"
            return f"请在 {localtime(until):%H:%M:%S} 前{act}"
        return "可以放行" if self.free else ""

    @property
    def words(self) -> str:
        """In one line: what is there, and what is missing or wrong."""
        car = f"车 {self.vehicle.label}" if self.vehicle else ""
        driver = f"司机 {self.driver.label}" if self.driver else ""
        known = "，".join(one for one in (car, driver) if one)
        if self.trouble:
            return self.short
        if self.missing:
            return f"{known}；{self.short}"
        return f"{known}，{self.short}" if self.free else known


@dataclass(frozen=True)
class Pairings:
    """Of a station: tags and drivers by island, and the cars that cameras saw."""

    tags: Mapping[str, Identified] = field(default_factory=dict)
    drivers: Mapping[str, Identified] = field(default_factory=dict)
    used: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    left: Mapping[int, datetime] = field(default_factory=dict)  # when vehicles were let loose
    at: datetime | None = None

    def of(self, island: str, car: Car | None) -> Pairing | None:
        """At one nozzle, where a company that asks for both has something to do with it."""
        assert self.at is not None
        tag, seen = self.tags.get(island), self._seen(car)
        if tag and seen and seen.trouble and tag.pk == seen.pk:
            seen = None  # its own tag says what the camera did not
        vehicle = max((one for one in (tag, seen) if one), key=lambda one: one.at, default=None)
        driver = self.drivers.get(island)
        return _paired(vehicle, driver, self.at)

    def _seen(self, car: Car | None) -> Identified | None:
        owner = car.owner if car else None
        if car is None or owner is None or not owner.seconds:
            return None
        found = Identified(
            owner.number,
            owner.name,
            owner.seconds,
            car.masked,
            car.at,
            owner.vehicle,
            car.pk,
            by_plate=True,
            trouble=f"车牌 {car.masked} 是人工改正的，不算识别，请刷车辆标签"
            if car.corrected
            else "",
        )
        last = self.used.get(("V", found.pk))
        # It stands there still while it fuels, and the camera reads it again and again.
        again = self.left.get(found.pk)
        if (last and car.at <= last) or (
            again and car.at <= again + timedelta(seconds=owner.seconds)
        ):
            return None
        return found


def _paired(vehicle: Identified | None, driver: Identified | None, at: datetime) -> Pairing | None:
    """Those of the two that are not too old."""
    vehicle, driver = _fresh(vehicle, at), _fresh(driver, at)
    return Pairing(vehicle, driver) if vehicle or driver else None


def _fresh(one: Identified | None, at: datetime) -> Identified | None:
    return one if one and at - timedelta(seconds=one.seconds) <= one.at else None


def pairings(*, station: Station, at: datetime, seen: Cars, swiped: bool = True) -> Pairings:
    """What stands at every island now; `swiped` where tags or cards are known to be there.

    One statement for these, and three more where somebody identified himself.
    """
    swipes = newest_fleet_swipes(station=station, at=at) if swiped or seen.fleet else []
    whose = holders(documents={one.card.document for one in swipes if one.card})
    used, left = _used(station, at) if swipes or seen.fleet else ({}, {})
    tags: dict[str, Identified] = {}
    drivers: dict[str, Identified] = {}
    for swipe in swipes:
        found = _identified(swipe, whose)
        kind = "V" if swipe.meaning == TAG else "D"
        if found is None or ((last := used.get((kind, found.pk))) and swipe.occurred_at <= last):
            continue
        assert swipe.reader is not None
        (tags if kind == "V" else drivers)[str(swipe.reader.island)] = found
    return Pairings(tags, drivers, used, left, at)


def known_at(*, nozzle: Nozzle, at: datetime) -> tuple[Car | None, Pairing | None]:
    """The car at one nozzle, and who of a company was identified there."""
    island = str(nozzle.dispenser.island)
    seen = cars(station=nozzle.station, at=at)
    car = seen.of(nozzle.pk, island)
    found = pairings(station=nozzle.station, at=at, seen=seen).of(island, car)
    if found is not None and found.ready:
        found = replace(found, free=nozzle_now(nozzle=nozzle, at=at).free)
    return car, found


def _used(
    station: Station, at: datetime
) -> tuple[Mapping[tuple[str, int], datetime], Mapping[int, datetime]]:
    """Until when the reads of vehicles and drivers are used up, and when vehicles were let loose."""
    rows = FleetLeave.objects.filter(
        station=station, occurred_at__gt=at - 2 * timedelta(seconds=LONGEST)
    )
    cars = rows.order_by("vehicle").values_list("vehicle")
    people = rows.order_by("driver").values_list("driver")
    used: dict[tuple[str, int], datetime] = {}
    left: dict[int, datetime] = {}
    for pk, read, leave in cars.annotate(Max("vehicle_at"), Max("occurred_at")):
        used["V", pk], left[pk] = read, leave
    for pk, read in people.annotate(Max("driver_at")):
        used["D", pk] = read
    return used, left


def company_of_leave() -> Subquery:
    """The company for which the pump of the outer fill was let loose; NULL where for none."""
    leaves = FleetLeave.objects.filter(authorisation=OuterRef("authorisation"))
    return Subquery(leaves.values("company__name"))


def _identified(swipe: Swipe, whose: Mapping[str, Holder]) -> Identified | None:
    """What a read says; None of a company that does not ask for both."""
    assert swipe.card is not None
    holder = whose.get(swipe.card.document)
    if holder is None or not holder.seconds:
        return None
    is_car = swipe.meaning == TAG
    pk = holder.vehicle if is_car else holder.driver
    assert pk is not None
    found = Identified(
        holder.company,
        holder.company_name,
        holder.seconds,
        holder.label,
        swipe.occurred_at,
        pk,
        swipe.pk,
        only=None if is_car else holder.vehicle,
    )
    what = f"车 {holder.label} 的标签" if is_car else f"司机 {holder.label} 的卡"
    if nobodys_at := swipe.__dict__["nobodys_at"]:
        kind = "标签" if is_car else "卡"
        words = f"{what}之后又刷了一张没有登记的{kind}，请用登记过的重刷"
        return replace(found, at=nobodys_at, trouble=words)
    if swipe.card.status != Card.Status.ACTIVE:
        return replace(found, trouble=f"{what}已{swipe.card.get_status_display()}，请收回")
    if not holder.active:
        return replace(found, trouble=f"{what}的主人已移除或单位已停用，请收回")
    return found
