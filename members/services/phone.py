"""What a member does for himself on his phone: joins, corrects his own data, and agrees.

The same services as at the till, with no user as the actor.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

from django.db import transaction

from members.models import Channel, Member, MemberSession, Vehicle
from members.queries.cards import card_of
from members.queries.consents import OPEN
from members.queries.signins import Ticket
from members.services import consents, joining, notices, profiles, sessions, vehicles
from members.services.consents import NoSuchPurpose
from members.services.joining import PolicyNotAgreed, age_at, checked_birthday
from members.services.sessions import Opened
from members.services.signins import spend
from station.channels import texts
from station.errors import Refusal
from station.models import Grade, Station
from station.queries import settings
from station.services.sealing import unseal


class TooYoung(Refusal):
    """A child does not join alone."""


@transaction.atomic
def join(
    *,
    ticket: Ticket,
    station: Station,
    name: str,
    born: date,
    policy: bool,
    consent: bool,
    plate: str,
    device: str,
    at: datetime,
    secret: str = "",
) -> Opened:
    """A new member by his own hand, signed in at once. `ticket` proves the phone, `secret` is the device's.

    Refuses with PolicyNotAgreed, BadBirthday, TooYoung, WrongCode (the code was used), PhoneTaken,
    BadPlate or PlateTaken; then nothing is kept.
    """
    if not policy:
        raise PolicyNotAgreed("没有入会：请先阅读并同意隐私政策。")
    _refuse_child(born, station, at, "没有入会")
    spend(ticket=ticket, at=at)
    member = joining.join(
        station=station,
        name=name,
        phone=ticket.phone,
        plate=plate,
        consent=consent,
        birthday=born,
        channel=Channel.APP,
        at=at,
        actor=None,
        device=secret,
    )
    notices.tell(
        member=member,
        key=f"welcome:{member.pk}",
        subject="欢迎入会",
        text=f"您已是 {station.name} 的会员。付款前出示首页的会员码，消费会记在您名下。",
        at=at,
    )
    return sessions.open_for(member=member, device=device, at=at)


def change_profile(
    *, member: Member, name: str, birthday: date | None, preferences: str, at: datetime
) -> None:
    """Correct one's own data; what is empty stays as it is, the old value goes into history.

    Refuses with BadBirthday, MemberClosed or MemberMerged, and with TooYoung a birthday that asks
    for a guardian.
    """
    if birthday is not None:
        _refuse_child(birthday, member.home_station, at, "没有保存")
    profiles.change(
        member=member,
        name=name,
        birthday=birthday,
        preferences=preferences,
        at=at,
        actor=None,
        channel=Channel.APP,
    )


def change_phone(*, member: Member, ticket: Ticket, kept: MemberSession, at: datetime) -> None:
    """Move to another phone, which `ticket` proves; other phones are signed out, the old one is told.

    Refuses with WrongCode, PhoneTaken, MemberClosed or MemberMerged.
    """
    old = unseal(member.key, member.phone_sealed)
    with transaction.atomic():
        spend(ticket=ticket, at=at)
        profiles.change(member=member, phone=ticket.phone, at=at, actor=None, channel=Channel.APP)
        sessions.end_others(member=member, kept=kept, at=at)
        notices.tell(
            member=member,
            key=f"phone:{ticket.code_id}",
            subject="手机号已更换",
            text="登录和取码改用新手机号，其他设备已退出。不是本人操作请马上联系油站。",
            at=at,
        )
    if old:
        with suppress(texts.NotSent):  # changed it is; the inbox tells of it too
            texts.send(phone=old, text="【油站管家】您的会员手机号已更换。不是本人操作请联系油站。")


def add_vehicle(
    *, member: Member, plate: str, model: str, grade: Grade | None, at: datetime
) -> Vehicle:
    """One's own car. Refuses with BadPlate or PlateTaken."""
    return vehicles.add_vehicle(
        owner=member, plate=plate, model=model, grade=grade, at=at, actor=None
    )


def remove_vehicle(*, member: Member, vehicle: Vehicle, at: datetime) -> None:
    """One's own car, sold. Twice is once."""
    shown = next((one.plate for one in card_of(member).plates if one.pk == vehicle.pk), "*")
    vehicles.remove_vehicle(vehicle=vehicle, plate=shown, at=at, actor=None)


def set_consent(*, member: Member, purpose: str, given: bool, at: datetime) -> None:
    """One purpose of `queries.consents.OPEN`, agreed to or not any more. Twice is once.

    Refuses with NoSuchPurpose any other, a guardian's consent among them.
    """
    if purpose not in OPEN:
        raise NoSuchPurpose("没有记录：没有这种同意，请从列出的用途里选。")
    if given:
        consents.give(
            member=member,
            purpose=purpose,
            at=at,
            actor=None,
            channel=Channel.APP,
            evidence="本人操作",
        )
    else:
        consents.withdraw(member=member, purpose=purpose, at=at, actor=None, channel=Channel.APP)


def _refuse_child(birthday: date, station: Station, at: datetime, what: str) -> None:
    age = settings.whole("members.guardian_age", station)
    if age_at(checked_birthday(birthday, at=at), at=at) < age:
        raise TooYoung(f"{what}：未满 {age} 周岁须由监护人带到油站收银台办理。")
