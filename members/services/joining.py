"""Members join: at the till, on the page, by the member himself. Personal data is sealed as it comes in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from members.models import Channel, Consent, Member
from members.services import consents, gifts
from members.services.noting import about
from members.services.vehicles import add_vehicle
from station.errors import Refusal
from station.models import Grade, Station, User
from station.queries import settings
from station.queries.masking import mask_name, mask_phone
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


class BadBirthday(Refusal):
    """Not a day on which somebody alive was born."""


class GuardianNeeded(Refusal):
    """A child joins with a guardian, or not at all."""


class PolicyNotAgreed(Refusal):
    """Nobody's data is kept without his agreeing to the policy."""


@dataclass(frozen=True)
class Guardian:
    """Who agrees for a child."""

    name: str = ""
    phone: str = ""


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


def checked_birthday(birthday: date, *, at: datetime) -> date:
    """A birthday between 1900 and today. Refuses with BadBirthday."""
    if not date(1900, 1, 1) <= birthday <= localtime(at).date():
        raise BadBirthday("生日不对：应在 1900 年之后、今天之前，请核对。")
    return birthday


def age_at(birthday: date, *, at: datetime) -> int:
    """Whole years of age on the local day of an instant."""
    today = localtime(at).date()
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))


@transaction.atomic
def join(
    *,
    station: Station,
    name: str = "",
    phone: str,
    at: datetime,
    actor: User | None,
    plate: str = "",
    consent: bool = False,
    purposes: Sequence[str] = (),
    model: str = "",
    grade: Grade | None = None,
    birthday: date | None = None,
    guardian: Guardian | None = None,
    preferences: str = "",
    channel: str = Channel.STATION,
    device: str = "",
) -> Member:
    """A new member with a number of his own, his phone and, if told, his plate and the rest.

    Joining is agreeing to the privacy policy, and recorded so; `consent` adds marketing messages,
    `purposes` any others. `device` is a secret of the phone he joins by: with phone and plate it says
    whether the welcome gift is due. Refuses with BadPhone, PhoneTaken, BadPlate, PlateTaken, BadBirthday or,
    for a child without one, GuardianNeeded; then nothing is kept.
    """
    kept = checked_phone(phone)
    agreed = [Consent.Purpose.POLICY, *([Consent.Purpose.SMS] if consent else []), *purposes]
    told = _guardian_of(guardian, birthday, station, at)
    if told.phone:
        agreed.append(Consent.Purpose.GUARDIAN)
    member = _created(station, name, kept, at)
    _add_sealed(member, birthday, told, preferences)
    car = (
        add_vehicle(owner=member, plate=plate, model=model, grade=grade, at=at, actor=actor)
        if plate.strip()
        else None
    )
    shown = {"姓名": mask_name(name.strip()), "手机号": mask_phone(kept)}
    about(member, by_himself=actor is None).note("members.member.joined", at, actor, after=shown)
    consents.give_at_joining(
        member=member,
        purposes=agreed,
        at=at,
        actor=actor,
        channel=channel,
        evidence="登记时当面同意" if actor else "本人操作",
    )
    gifts.welcome(member=member, car=car, device=device, at=at)
    return member


def join_or_find(
    *,
    station: Station,
    phone: str,
    at: datetime,
    actor: User | None,
    policy: bool,
    **more: object,
) -> tuple[Member, bool]:
    """`join`, or the member whose phone it is already: (member, whether he is new).

    Refuses with PolicyNotAgreed where he has not agreed, and as `join` does otherwise.
    """
    if not policy:
        raise PolicyNotAgreed("没有登记：顾客还没有同意隐私政策。请先请他看过并同意。")
    try:
        made = join(station=station, phone=phone, at=at, actor=actor, **more)  # type: ignore[arg-type]
    except PhoneTaken:
        holder = _holder(sealing.blind_index("phone", checked_phone(phone)))
        if holder is None:
            raise
        return holder.merged_into or holder, False
    return made, True


def _created(station: Station, name: str, phone: str, at: datetime) -> Member:
    key = sealing.new_key(at=at)
    index = sealing.blind_indexes({"phone": phone, "phone:tail": phone[-sealing.TAIL :]})
    refuse_taken(index["phone"])
    try:
        with transaction.atomic():
            return Member.objects.create(
                number=next_in(f"M{station.code}", width=6),
                home_station=station,
                key=key,
                name_sealed=sealing.seal(key, name.strip()),
                name_index=sealing.blind_index("name", name),
                phone_sealed=sealing.seal(key, phone),
                phone_index=index["phone"],
                phone_tail_index=index["phone:tail"],
                joined_at=at,
                confirmed_at=at,
            )
    except IntegrityError:  # another till was faster
        refuse_taken(index["phone"])
        raise


def _add_sealed(
    member: Member, birthday: date | None, guardian: Guardian, preferences: str
) -> None:
    """What of the rest was told, sealed; no statement where nothing was."""
    told: dict[str, str] = {}
    if birthday is not None:
        told |= birthday_columns(member, birthday)
    if guardian.phone:
        told["guardian_name_sealed"] = sealing.seal(member.key, guardian.name.strip())
        told["guardian_phone_sealed"] = sealing.seal(member.key, guardian.phone)
    if preferences.strip():
        told["preferences_sealed"] = sealing.seal(member.key, preferences.strip()[:100])
    if told:
        Member.objects.filter(pk=member.pk).update(**told)
        member.refresh_from_db(fields=list(told))


def birthday_columns(member: Member, birthday: date) -> dict[str, str]:
    """The columns of a birthday: sealed whole, and its month and day as a blind index."""
    return {
        "birthday_sealed": sealing.seal(member.key, birthday.isoformat()),
        "birthday_index": sealing.blind_index("birthday", f"{birthday:%m%d}"),
    }


def _is_child(birthday: date, station: Station, at: datetime) -> bool:
    return age_at(birthday, at=at) < settings.whole("members.guardian_age", station)


def _guardian_of(
    guardian: Guardian | None, birthday: date | None, station: Station, at: datetime
) -> Guardian:
    """Who agrees for a child; nobody for who is none."""
    if birthday is None or not _is_child(checked_birthday(birthday, at=at), station, at):
        return Guardian()
    return _checked_guardian(guardian)


def _checked_guardian(guardian: Guardian | None) -> Guardian:
    if guardian is None or not guardian.name.strip() or not guardian.phone.strip():
        raise GuardianNeeded(
            "没有登记：未满 14 周岁须由监护人同意。请填写监护人姓名和手机号，或不登记。"
        )
    return Guardian(guardian.name, checked_phone(guardian.phone))


def _holder(index: str) -> Member | None:
    rows = Member.objects.select_related("key", "home_station", "merged_into__key")
    return rows.filter(phone_index=index).exclude(status=Member.Status.CLOSED).first()


def refuse_taken(index: str) -> None:
    """Refuse (PhoneTaken) a phone that is a living member's already."""
    holder = _holder(index)
    if holder:
        number = (holder.merged_into or holder).number
        raise PhoneTaken(f"这个手机号已是会员 {number}，不用再登记，可直接查找使用。")


def _check_digit(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
    return ID_CHECKS[total % 11]
