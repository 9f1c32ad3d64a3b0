"""Members and companies as they may be shown: masked for everybody, full for who gives a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from members.models import Company, Member, Vehicle
from station.models import Station
from station.queries.masking import mask_id, mask_name, mask_phone, mask_plate
from station.services.sealing import unseal

GONE = "（已销毁）"


@dataclass(frozen=True, slots=True)
class Plate:
    """A vehicle with its plate as it may be shown."""

    pk: int
    plate: str
    model: str
    grade: str


@dataclass(frozen=True, slots=True)
class Card:
    """Personal data of a member or a company's contact, masked or full."""

    name: str
    phone: str
    id_number: str
    bank_account: str
    plates: tuple[Plate, ...]
    full: bool
    birthday: str = ""
    preferences: str = ""
    guardian: str = ""


def members_of(stations: Iterable[Station]) -> QuerySet[Member]:
    """Members who joined at some stations, with what a card needs."""
    return members_anywhere().filter(home_station__in=list(stations))


def members_anywhere() -> QuerySet[Member]:
    """Members of every station, with what a card needs: for the till, where anybody may fill up."""
    return Member.objects.select_related("key", "home_station", "merged_into").prefetch_related(
        _vehicles()
    )


def companies_of(stations: Iterable[Station]) -> QuerySet[Company]:
    """Companies of some stations, with what a card needs."""
    rows = Company.objects.filter(station__in=list(stations))
    return rows.select_related("key", "station").prefetch_related(_vehicles())


def _vehicles() -> Prefetch[str, QuerySet[Vehicle], str]:
    active = Vehicle.objects.filter(active=True).select_related("grade").order_by("pk")
    return Prefetch("vehicles", active)


def card_of(member: Member, *, full: bool = False) -> Card:
    """A member's card; `full` is for `services.unmasking` alone, which audits it."""
    if member.key.destroyed_at:
        return Card(GONE, GONE, "", "", (), full)
    name = unseal(member.key, member.name_sealed)
    phone = unseal(member.key, member.phone_sealed)
    number = unseal(member.key, member.id_number_sealed)
    return Card(
        name if full else mask_name(name),
        phone if full else mask_phone(phone),
        number if full else mask_id(number),
        "",
        _plates(member, full=full),
        full,
        _birthday(unseal(member.key, member.birthday_sealed), full=full),
        unseal(member.key, member.preferences_sealed),
        _guardian(member, full=full),
    )


def _birthday(text: str, *, full: bool) -> str:
    return text if full or not text else f"****-{text[5:]}"


def _guardian(member: Member, *, full: bool) -> str:
    phone = unseal(member.key, member.guardian_phone_sealed)
    name = unseal(member.key, member.guardian_name_sealed)
    if not phone:
        return ""
    return f"{name} {phone}" if full else f"{mask_name(name)} {mask_phone(phone)}"


def card_of_company(company: Company, *, full: bool = False) -> Card:
    """A company's contact, phone and bank account; `full` as for members."""
    if company.key.destroyed_at:
        return Card(GONE, GONE, "", GONE, (), full)
    name = unseal(company.key, company.contact_sealed)
    phone = unseal(company.key, company.phone_sealed)
    account = unseal(company.key, company.bank_account_sealed)
    return Card(
        name if full else mask_name(name),
        phone if full else mask_phone(phone),
        "",
        account if full else mask_id(account),
        _plates(company, full=full),
        full,
    )


def _plates(owner: Member | Company, *, full: bool) -> tuple[Plate, ...]:
    rows = [row for row in owner.vehicles.all() if row.active]
    plates = [(row, unseal(owner.key, row.plate_sealed)) for row in rows]
    return tuple(
        Plate(
            row.pk,
            plate if full else mask_plate(plate),
            row.model,
            row.grade.code if row.grade else "",
        )
        for row, plate in plates
    )
