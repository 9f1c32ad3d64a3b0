"""Vehicles and drivers of companies, by the cards that identify them at a pump."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from devices.models import Card
from members.models import Company, Driver, Vehicle
from station.queries.masking import mask_name, mask_plate
from station.services.sealing import unseal

_DOCUMENT = re.compile(r".+-([VD])(\d{1,9})")


@dataclass(frozen=True)
class Holder:
    """Whom a card names: a vehicle or a driver, and the company whose it is."""

    company: str  # its number
    company_name: str
    seconds: int  # within which both must be identified, 0 where the company does not want it
    label: str  # the plate or the name, masked
    active: bool  # it, and its company
    vehicle: int | None = None  # the driver's only one, where he has one
    driver: int | None = None


@dataclass(frozen=True)
class Row:
    """A vehicle or a driver on the company's page, with the cards in use or reported lost."""

    key: str  # V12 or D3
    label: str
    bound: str  # the plate that a driver may drive, "" where it is any
    cards: tuple[Card, ...]

    @property
    def pk(self) -> int:
        return int(self.key[1:])


def document_of(owner: Vehicle | Driver) -> str:
    """What stands on the card of a vehicle or a driver: C010001-V12, C010001-D3."""
    assert owner.company is not None
    letter = "V" if isinstance(owner, Vehicle) else "D"
    return f"{owner.company.number}-{letter}{owner.pk}"


def holders(*, documents: Iterable[str]) -> Mapping[str, Holder]:
    """Whom these documents name. Two statements; none for none."""
    asked: dict[str, dict[int, str]] = {"V": {}, "D": {}}
    for document in documents:
        if found := _DOCUMENT.fullmatch(document):
            asked[found[1]][int(found[2])] = document
    named: dict[str, Holder] = {}
    if asked["V"]:
        cars = Vehicle.objects.filter(pk__in=asked["V"], company__isnull=False)
        for car in cars.select_related("company__key"):
            company = _company(car.company)
            plate = mask_plate(unseal(company.key, car.plate_sealed))
            named[asked["V"][car.pk]] = _holder(company, plate, car.active, vehicle=car.pk)
    if asked["D"]:
        people = Driver.objects.filter(pk__in=asked["D"]).select_related("company__key")
        for one in people:
            name = mask_name(unseal(one.company.key, one.name_sealed))
            named[asked["D"][one.pk]] = _holder(
                one.company, name, one.active, vehicle=one.vehicle_id, driver=one.pk
            )
    return named


def _company(company: Company | None) -> Company:
    assert company is not None
    return company


def _holder(
    company: Company,
    label: str,
    active: bool,
    *,
    vehicle: int | None = None,
    driver: int | None = None,
) -> Holder:
    return Holder(
        company.number,
        company.name,
        company.pair_seconds,
        label,
        active and company.active,
        vehicle,
        driver,
    )


def fleet_of(company: Company) -> tuple[list[Row], list[Row]]:
    """The vehicles and the drivers of a company in use, masked. Three statements."""
    cars = list(Vehicle.objects.filter(company=company, active=True).order_by("pk"))
    people = list(Driver.objects.filter(company=company, active=True).order_by("pk"))
    every: list[Vehicle | Driver] = [*cars, *people]
    for one in every:
        one.company = company
    cards = _cards([document_of(one) for one in every])
    plates = {one.pk: mask_plate(unseal(company.key, one.plate_sealed)) for one in cars}
    return (
        [_row(one, plates[one.pk], "", cards) for one in cars],
        [
            _row(
                one,
                mask_name(unseal(company.key, one.name_sealed)),
                plates.get(one.vehicle_id, "已移除的车") if one.vehicle_id else "",
                cards,
            )
            for one in people
        ],
    )


def _row(
    owner: Vehicle | Driver, label: str, bound: str, cards: Mapping[str, tuple[Card, ...]]
) -> Row:
    document = document_of(owner)
    return Row(document.rpartition("-")[2], label, bound, cards.get(document, ()))


def _cards(documents: Collection[str]) -> Mapping[str, tuple[Card, ...]]:
    live = [Card.Status.ACTIVE, Card.Status.LOST]
    found: dict[str, tuple[Card, ...]] = {}
    for card in Card.objects.filter(document__in=documents, status__in=live).order_by("pk"):
        found[card.document] = (*found.get(card.document, ()), card)
    return found


def cards_of_company(company: Company) -> list[Card]:
    """The cards of its vehicles and drivers in use or reported lost."""
    cars, people = fleet_of(company)
    return [card for row in (*cars, *people) for card in row.cards]
