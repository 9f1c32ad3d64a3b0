"""Members: joined, corrected, consenting, and forgotten. Personal data is sealed as it comes in."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction

from members.models import Member, Vehicle
from members.queries.cards import card_of
from members.services.noting import about
from members.services.vehicles import add_vehicle
from station.errors import Refusal
from station.models import Station, User
from station.queries.masking import mask_id, mask_name, mask_phone
from station.services import sealing
from station.services.numbering import next_in

MOBILE = re.compile(r"1[3-9]\d{9}")
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"


class BadPhone(Refusal):
    """Not a mobile number of the mainland."""


class BadIdNumber(Refusal):
    """The check digit says it was mistyped."""


class PhoneTaken(Refusal):
    """The phone is a member's already."""


class MemberClosed(Refusal):
    """The member was forgotten; nothing can be changed any more."""


def checked_phone(phone: str) -> str:
    """A mobile number as it is kept: eleven digits. Refuses with BadPhone."""
    kept = sealing.normal(phone).removeprefix("+86")
    if not MOBILE.fullmatch(kept):
        raise BadPhone("手机号不对：应为 11 位，以 13 到 19 开头，请核对。")
    return kept


def checked_id(number: str) -> str:
    """An ID number as it is kept; "" stays "". Refuses with BadIdNumber."""
    kept = sealing.normal(number)
    if not kept:
        return ""
    if not re.fullmatch(r"\d{17}[\dX]", kept) or kept[17] != _check_digit(kept):
        raise BadIdNumber("身份证号不对：应为 18 位，校验位不符，请核对。")
    return kept


@transaction.atomic
def join(
    *,
    station: Station,
    name: str,
    phone: str,
    at: datetime,
    actor: User | None,
    plate: str = "",
    consent: bool = False,
) -> Member:
    """A new member with a number of his own, his phone and, if told, his plate.

    Refuses with BadPhone, PhoneTaken, BadPlate or PlateTaken; then nothing is kept.
    """
    kept = checked_phone(phone)
    key = sealing.new_key(at=at)
    index = sealing.blind_index("phone", kept)
    _refuse_taken(index)
    try:
        with transaction.atomic():
            member = Member.objects.create(
                number=next_in(f"M{station.code}", width=6),
                home_station=station,
                key=key,
                name_sealed=sealing.seal(key, name.strip()),
                phone_sealed=sealing.seal(key, kept),
                phone_index=index,
                phone_tail_index=sealing.tail_index("phone", kept),
                consented_at=at if consent else None,
                joined_at=at,
            )
    except IntegrityError:  # another till was faster
        _refuse_taken(index)
        raise
    if plate.strip():
        add_vehicle(owner=member, plate=plate, at=at, actor=actor)
    about(member, by_himself=actor is None).note(
        "members.member.joined",
        at,
        actor,
        after={"姓名": mask_name(name.strip()), "手机号": mask_phone(kept)},
    )
    if consent:
        about(member, by_himself=actor is None).note("members.consent.given", at, actor)
    return member


@transaction.atomic
def change(
    *, member: Member, name: str, phone: str, id_number: str, at: datetime, actor: User | None
) -> None:
    """Correct name, phone and ID number; an empty field leaves what is there.

    The page shows them masked, so what was not typed anew is not known to be wrong. Refuses with
    BadPhone, PhoneTaken, BadIdNumber or MemberClosed.
    """
    _refuse_closed(member)
    before, changed = card_of(member), {}
    if name.strip():
        member.name_sealed = sealing.seal(member.key, name.strip())
        changed["姓名"] = (before.name, mask_name(name.strip()))
    if phone.strip():
        kept = checked_phone(phone)
        index = sealing.blind_index("phone", kept)
        if index != member.phone_index:
            _refuse_taken(index)
        member.phone_sealed = sealing.seal(member.key, kept)
        member.phone_index = index
        member.phone_tail_index = sealing.tail_index("phone", kept)
        changed["手机号"] = (before.phone, mask_phone(kept))
    if id_number.strip():
        kept = checked_id(id_number)
        member.id_number_sealed = sealing.seal(member.key, kept)
        member.id_number_index = sealing.blind_index("id_number", kept)
        changed["身份证号"] = (before.id_number, mask_id(kept))
    if changed:
        member.save()
        about(member, by_himself=actor is None).note(
            "members.member.changed",
            at,
            actor,
            before={field: old for field, (old, _) in changed.items()},
            after={field: new for field, (_, new) in changed.items()},
        )


@transaction.atomic
def set_consent(*, member: Member, given: bool, at: datetime, actor: User | None) -> None:
    """Consent to marketing messages, given or withdrawn, dated by its audit row. Twice is once."""
    _refuse_closed(member)
    rows = Member.objects.filter(pk=member.pk, consented_at__isnull=given)
    if rows.update(consented_at=at if given else None):
        about(member, by_himself=actor is None).note(
            "members.consent.given" if given else "members.consent.withdrawn", at, actor
        )
    member.refresh_from_db(fields=["consented_at"])


@transaction.atomic
def forget(*, member: Member, reason: str, at: datetime, actor: User | None) -> None:
    """Close a member and destroy his key: nobody reads his data again, the books keep their totals.

    Cannot be undone. Twice is the same as once.
    """
    closed = Member.objects.filter(pk=member.pk).exclude(status=Member.Status.CLOSED)
    if not closed.update(
        status=Member.Status.CLOSED,
        closed_at=at,
        consented_at=None,
        name_sealed="",
        phone_sealed="",
        phone_index="",
        phone_tail_index="",
        id_number_sealed="",
        id_number_index="",
    ):
        return
    Vehicle.objects.filter(member=member).update(
        active=False, plate_sealed="", plate_index="", plate_tail_index=""
    )
    sealing.destroy_key(key=member.key, at=at)
    member.refresh_from_db()
    about(member, by_himself=actor is None).note(
        "members.member.forgotten", at, actor, reason=reason
    )


def _refuse_taken(index: str) -> None:
    holder = Member.objects.filter(phone_index=index).exclude(status=Member.Status.CLOSED).first()
    if holder:
        raise PhoneTaken(f"这个手机号已是会员 {holder.number}，不用再登记，可直接查找使用。")


def _refuse_closed(member: Member) -> None:
    if member.status == Member.Status.CLOSED:
        raise MemberClosed(f"会员 {member.number} 已注销，资料已销毁，不能再修改。")


def _check_digit(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
    return ID_CHECKS[total % 11]
