"""What a profile said before, masked, and who else this person is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from members.models import Member, ProfileChange
from members.queries.cards import Plate, card_of, members_anywhere
from members.queries.merged import ids_of
from station.queries.masking import mask_id, mask_name, mask_phone, mask_plate
from station.services.sealing import unseal

Field = ProfileChange.Field
MASKS = {
    Field.NAME: mask_name,
    Field.PHONE: mask_phone,
    Field.ID_NUMBER: mask_id,
    Field.PLATE: mask_plate,
}
HIDDEN = "（已填）"


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of a profile as it may be shown."""

    at: datetime
    field: str
    old: str
    new: str
    channel: str
    actor: str


@dataclass(frozen=True, slots=True)
class Other:
    """A number that was merged into this one, with its plates masked."""

    number: str
    name: str
    phone: str
    plates: tuple[Plate, ...]


def changes_of(member: Member, *, most: int = 50) -> list[Changed]:
    """The history of a profile, newest first, masked; nothing of whom was forgotten."""
    if member.key.destroyed_at:
        return []
    rows = ProfileChange.objects.filter(member__in=ids_of(member))
    rows = rows.select_related("actor", "member__key").order_by("-at", "-pk")[:most]
    return [
        Changed(
            row.at,
            row.get_field_display(),
            _shown(row, row.old_sealed),
            _shown(row, row.new_sealed),
            row.get_channel_display(),
            row.actor.name if row.actor else "本人",
        )
        for row in rows
    ]


def _shown(row: ProfileChange, sealed: str) -> str:
    mask = MASKS.get(Field(row.field))
    if not sealed:
        return ""
    return mask(unseal(row.member.key, sealed)) if mask else HIDDEN


def others_of(member: Member) -> list[Other]:
    """Who was merged into him, with name, phone and plates masked."""
    others = []
    for row in members_anywhere().filter(merged_into=member).order_by("number"):
        card = card_of(row)
        others.append(Other(row.number, card.name, card.phone, card.plates))
    return others
