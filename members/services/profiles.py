"""Profiles: corrected with the old value kept, confirmed, and asked about once a year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from members.models import Channel, Member, ProfileChange
from members.services.joining import (
    birthday_columns,
    checked_birthday,
    checked_id,
    checked_phone,
    refuse_taken,
)
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.models import User
from station.queries.masking import mask_id, mask_name, mask_phone
from station.services import sealing

Field = ProfileChange.Field


@dataclass(frozen=True)
class _Change:
    """One field: what is kept of it before and after, how it is shown masked, and its columns."""

    field: str
    old_sealed: str
    new: str
    masked: tuple[str, str]
    columns: dict[str, str]


@transaction.atomic
def change(
    *,
    member: Member,
    name: str = "",
    phone: str = "",
    id_number: str = "",
    birthday: date | None = None,
    preferences: str = "",
    at: datetime,
    actor: User | None,
    channel: str = Channel.STATION,
) -> None:
    """Correct what was typed anew; an empty field leaves what is there. The old value stays in history.

    The page shows values masked, so what was not typed is not known to be wrong. A changed profile
    is a confirmed one. Refuses with BadPhone, PhoneTaken, BadIdNumber, BadBirthday, MemberClosed
    or MemberMerged.
    """
    refuse_gone(member)
    told = (
        _name(member, name),
        _phone(member, phone),
        _id_number(member, id_number),
        _birthday(member, birthday, at),
        _preferences(member, preferences),
    )
    changed = [one for one in told if one is not None]
    if not changed:
        return
    _write(member, changed, at)
    ProfileChange.objects.bulk_create(
        ProfileChange(
            member=member,
            field=one.field,
            old_sealed=one.old_sealed,
            new_sealed=sealing.seal(member.key, one.new),
            at=at,
            channel=channel,
            actor=actor,
        )
        for one in changed
    )
    words = {one.field: str(Field(one.field).label) for one in changed}
    about(member, by_himself=actor is None).note(
        "members.member.changed",
        at,
        actor,
        before={words[one.field]: one.masked[0] for one in changed},
        after={words[one.field]: one.masked[1] for one in changed},
    )


def _write(member: Member, changed: Sequence[_Change], at: datetime) -> None:
    columns = {name: value for one in changed for name, value in one.columns.items()}
    try:
        with transaction.atomic():
            Member.objects.filter(pk=member.pk).update(**columns, confirmed_at=at)
    except IntegrityError:  # the phone was taken at this moment
        refuse_taken(columns.get("phone_index", ""))
        raise
    member.refresh_from_db(fields=[*columns, "confirmed_at"])


@transaction.atomic
def confirm(*, member: Member, at: datetime, actor: User | None) -> None:
    """The member said that everything still holds. Refuses with MemberClosed or MemberMerged."""
    refuse_gone(member)
    Member.objects.filter(pk=member.pk).update(confirmed_at=at, confirm_asked_at=at)
    member.refresh_from_db(fields=["confirmed_at", "confirm_asked_at"])
    about(member, by_himself=actor is None).note("members.member.confirmed", at, actor)


def asked(*, member_id: int, at: datetime) -> None:
    """He was asked and did not want to: not again until the profile has grown old once more."""
    Member.objects.filter(pk=member_id).update(confirm_asked_at=at)


def _name(member: Member, text: str) -> _Change | None:
    new, old = text.strip(), sealing.unseal(member.key, member.name_sealed)
    if not new or new == old:
        return None
    columns = {
        "name_sealed": sealing.seal(member.key, new),
        "name_index": sealing.blind_index("name", new),
    }
    return _Change(Field.NAME, member.name_sealed, new, (mask_name(old), mask_name(new)), columns)


def _phone(member: Member, text: str) -> _Change | None:
    if not text.strip():
        return None
    new, old = checked_phone(text), sealing.unseal(member.key, member.phone_sealed)
    if new == old:
        return None
    index = sealing.blind_index("phone", new)
    refuse_taken(index)
    columns = {
        "phone_sealed": sealing.seal(member.key, new),
        "phone_index": index,
        "phone_tail_index": sealing.tail_index("phone", new),
    }
    shown = (mask_phone(old), mask_phone(new))
    return _Change(Field.PHONE, member.phone_sealed, new, shown, columns)


def _id_number(member: Member, text: str) -> _Change | None:
    new, old = checked_id(text), sealing.unseal(member.key, member.id_number_sealed)
    if not new or new == old:
        return None
    columns = {
        "id_number_sealed": sealing.seal(member.key, new),
        "id_number_index": sealing.blind_index("id_number", new),
    }
    shown = (mask_id(old), mask_id(new))
    return _Change(Field.ID_NUMBER, member.id_number_sealed, new, shown, columns)


def _birthday(member: Member, birthday: date | None, at: datetime) -> _Change | None:
    if birthday is None:
        return None
    new = checked_birthday(birthday, at=at).isoformat()
    old = sealing.unseal(member.key, member.birthday_sealed)
    if new == old:
        return None
    columns = birthday_columns(member, birthday)
    shown = ("****-**-**" if old else "", "****-**-**")
    return _Change(Field.BIRTHDAY, member.birthday_sealed, new, shown, columns)


def _preferences(member: Member, text: str) -> _Change | None:
    new, old = text.strip()[:100], sealing.unseal(member.key, member.preferences_sealed)
    if not new or new == old:
        return None
    columns = {"preferences_sealed": sealing.seal(member.key, new)}
    shown = ("已填" if old else "", "已改")
    return _Change(Field.PREFERENCES, member.preferences_sealed, new, shown, columns)
