"""Plates: whose car it is. One owner at a time, a member or a company."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from members.models import Channel, Company, Member, ProfileChange, Vehicle
from members.services import fleet
from members.services.noting import about
from station.errors import Refusal
from station.models import Grade, User
from station.queries.masking import mask_plate
from station.queries.plates import PLATE
from station.services.sealing import blind_index, normal, seal, tail_index


class BadPlate(Refusal):
    """Not a plate of the mainland."""


class PlateTaken(Refusal):
    """The plate belongs to somebody else."""


def checked_plate(plate: str) -> str:
    """A plate as it is kept: capitals without separators. Refuses with BadPlate."""
    kept = normal(plate)
    if not PLATE.fullmatch(kept):
        raise BadPlate("车牌不对：应为省份简称、字母和 5 至 6 位号码，例如 云A12345。")
    return kept


def plate_index(plate: str) -> str:
    """The index of what may be a plate; "" for what is none. One statement for one that is."""
    kept = normal(plate)
    return blind_index("plate", kept) if PLATE.fullmatch(kept) else ""


@transaction.atomic
def add_vehicle(
    *,
    owner: Member | Company,
    plate: str,
    at: datetime,
    actor: User | None,
    model: str = "",
    grade: Grade | None = None,
    tank_litres: int | None = None,
) -> Vehicle:
    """Give a member or company a plate; the same owner's own plate again is the same row.

    Refuses with BadPlate or PlateTaken.
    """
    kept = checked_plate(plate)
    index = blind_index("plate", kept)
    whose: dict[str, Member | Company] = (
        {"member": owner} if isinstance(owner, Member) else {"company": owner}
    )
    known = Vehicle.objects.filter(plate_index=index, active=True, **whose).first()
    if known:
        return known
    try:
        with transaction.atomic():
            vehicle = Vehicle.objects.create(
                plate_sealed=seal(owner.key, kept),
                plate_index=index,
                plate_tail_index=tail_index("plate", kept),
                model=model.strip(),
                grade=grade,
                tank_litres=tank_litres,
                **whose,
            )
    except IntegrityError:
        raise PlateTaken(
            f"车牌 {mask_plate(kept)} 已登记在别的会员或单位名下，请先在那里移除。"
        ) from None
    _keep(owner, vehicle.plate_sealed, added=True, at=at, actor=actor)
    about(owner, by_himself=actor is None).note(
        "members.vehicle.added", at, actor, after={"车牌": mask_plate(kept)}
    )
    return vehicle


@transaction.atomic
def remove_vehicle(*, vehicle: Vehicle, plate: str, at: datetime, actor: User | None) -> None:
    """Take a plate away: sold, or typed wrongly. `plate` is masked already. Twice is once.

    The tags and cards of a company's vehicle are void at once, and may be issued to another.
    """
    owner = vehicle.member or vehicle.company
    if Vehicle.objects.filter(pk=vehicle.pk, active=True).update(active=False) and owner:
        masked = plate if "*" in plate else mask_plate(plate)
        if vehicle.company:
            fleet.void_cards(owner=vehicle, at=at, actor=actor)
        _keep(owner, vehicle.plate_sealed, added=False, at=at, actor=actor)
        about(owner, by_himself=actor is None).note(
            "members.vehicle.removed", at, actor, after={"车牌": masked}
        )


def _keep(
    owner: Member | Company, sealed: str, *, added: bool, at: datetime, actor: User | None
) -> None:
    """The plate goes into the member's history, under the same key as it stands under."""
    if isinstance(owner, Member):
        ProfileChange.objects.create(
            member=owner,
            field=ProfileChange.Field.PLATE,
            old_sealed="" if added else sealed,
            new_sealed=sealed if added else "",
            at=at,
            channel=Channel.STATION if actor else Channel.APP,
            actor=actor,
        )
