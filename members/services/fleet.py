"""车队: a company asks for vehicle and driver at the pump; its drivers, and the cards of both."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from devices.models import Card, ReadRule
from devices.queries.fleet import LONGEST, SHORTEST
from devices.services import cards as plastic
from members.models import Company, Driver, Vehicle
from members.queries.fleet import document_of
from members.services.noting import about
from station.errors import Refusal
from station.models import Station, User
from station.queries.masking import mask_name
from station.services import sealing


class PairRefused(Refusal):
    """The time within which both must be identified makes no sense."""


class DriverRefused(Refusal):
    """He has no name, or is not the company's any more."""


@transaction.atomic
def require_pair(*, company: Company, seconds: int, at: datetime, actor: User) -> None:
    """Let the company's account ask for vehicle and driver within so many seconds; 0 for neither."""
    if seconds and not SHORTEST <= seconds <= LONGEST:
        raise PairRefused(f"未保存：应为 {SHORTEST} 到 {LONGEST} 秒；填 0 是不用。")
    before = company.pair_seconds
    if (
        not Company.objects.filter(pk=company.pk)
        .exclude(pair_seconds=seconds)
        .update(pair_seconds=seconds)
    ):
        return
    about(company).note(
        "members.company.pair", at, actor, before={"秒": before}, after={"秒": seconds}
    )


@transaction.atomic
def add_driver(
    *, company: Company, name: str, vehicle: Vehicle | None, at: datetime, actor: User
) -> Driver:
    """A driver of the company; with `vehicle` he may drive that one only. Refuses DriverRefused."""
    if not name.strip():
        raise DriverRefused("未登记：请填司机姓名。")
    if vehicle is not None and (vehicle.company_id != company.pk or not vehicle.active):
        raise DriverRefused("未登记：这辆车不在这个单位名下，请重新选择。")
    driver = Driver.objects.create(
        company=company, name_sealed=sealing.seal(company.key, name.strip()), vehicle=vehicle
    )
    _note(driver, "members.driver.added", name, at, actor)
    return driver


@transaction.atomic
def remove_driver(*, driver: Driver, at: datetime, actor: User) -> None:
    """He drives for the company no more; his cards are void at once. Twice is once."""
    if not Driver.objects.filter(pk=driver.pk, active=True).update(active=False):
        return
    void_cards(owner=driver, at=at, actor=actor)
    name = sealing.unseal(driver.company.key, driver.name_sealed)
    _note(driver, "members.driver.removed", name, at, actor)


@transaction.atomic
def void_cards(*, owner: Vehicle | Driver, at: datetime, actor: User | None) -> None:
    """Cancel what identifies a vehicle or a driver, also what is reported lost; it may be issued anew."""
    live = Card.objects.filter(
        document=document_of(owner), status__in=[Card.Status.ACTIVE, Card.Status.LOST]
    )
    for card in live.select_related("holder", "station").order_by("pk"):
        plastic.move(card=card, to=Card.Status.CANCELLED, actor=actor, at=at)


@transaction.atomic
def issue_card(
    *, owner: Vehicle | Driver, number: str, station: Station, at: datetime, actor: User
) -> Card:
    """A tag for a vehicle or a card for a driver. Refuses CardRefused, and who was taken away."""
    if not owner.active:
        raise DriverRefused("未发卡：已经移除，请刷新页面。")
    is_car = isinstance(owner, Vehicle)
    meaning = ReadRule.Meaning.VEHICLE_TAG if is_car else ReadRule.Meaning.DRIVER_CARD
    return plastic.issue_by_document(
        station=station,
        number=number,
        document=document_of(owner),
        meaning=meaning,
        medium=Card.Medium.RFID if is_car else Card.Medium.IC,
        actor=actor,
        at=at,
    )


def _note(driver: Driver, action: str, name: str, at: datetime, actor: User) -> None:
    about(driver.company).note(action, at, actor, after={"司机": mask_name(name.strip())})
