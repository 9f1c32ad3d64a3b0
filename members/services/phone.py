"""What a member does for himself on his phone: joins, corrects his own data, and agrees.

The same services as at the till, with no user as the actor.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from members.models import Member, MemberSession, Vehicle
from members.queries.cards import card_of
from members.queries.signins import Ticket
from members.services import joining, notices, sessions, vehicles
from members.services.noting import about
from members.services.sessions import Opened
from members.services.signins import spend
from station.channels import texts
from station.errors import Refusal
from station.models import Grade, Station
from station.queries import settings
from station.services.sealing import unseal


class NotAgreed(Refusal):
    """Nobody's data is kept without his agreeing to the policy."""


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
) -> Opened:
    """A new member by his own hand, signed in at once. `ticket` proves the phone.

    The day of birth is looked at and not kept. Refuses with NotAgreed, TooYoung, WrongCode (the
    code was used), PhoneTaken, BadPlate or PlateTaken; then nothing is kept.
    """
    if not policy:
        raise NotAgreed("没有入会：请先阅读并同意隐私政策。")
    age = settings.whole("members.guardian_age", station)
    if _age(born, at) < age:
        raise TooYoung(f"没有入会：未满 {age} 周岁须由监护人带到油站收银台办理。")
    spend(ticket=ticket, at=at)
    member = joining.join(
        station=station,
        name=name,
        phone=ticket.phone,
        plate=plate,
        consent=consent,
        at=at,
        actor=None,
    )
    version = settings.text("members.policy_version", station)
    about(member, by_himself=True).note(
        "members.member.policy_agreed", at, None, after={"版本": version}
    )
    notices.tell(
        member=member,
        key=f"welcome:{member.pk}",
        subject="欢迎入会",
        text=f"您已是 {station.name} 的会员。付款前出示首页的会员码，消费会记在您名下。",
        at=at,
    )
    return sessions.open_for(member=member, device=device, at=at)


def rename(*, member: Member, name: str, at: datetime) -> None:
    """Correct one's own name; an empty one leaves what is there. Refuses with MemberClosed."""
    joining.change(member=member, name=name, phone="", id_number="", at=at, actor=None)


def change_phone(*, member: Member, ticket: Ticket, kept: MemberSession, at: datetime) -> None:
    """Move to another phone, which `ticket` proves; other phones are signed out, the old one is told.

    Refuses with WrongCode, PhoneTaken or MemberClosed.
    """
    old = unseal(member.key, member.phone_sealed)
    try:
        with transaction.atomic():
            spend(ticket=ticket, at=at)
            joining.change(
                member=member, name="", phone=ticket.phone, id_number="", at=at, actor=None
            )
            sessions.end_others(member=member, kept=kept, at=at)
            notices.tell(
                member=member,
                key=f"phone:{ticket.code_id}",
                subject="手机号已更换",
                text="登录和取码改用新手机号，其他设备已退出。不是本人操作请马上联系油站。",
                at=at,
            )
    except IntegrityError:  # somebody else took the phone at this moment
        raise joining.PhoneTaken("没有更换：这个手机号刚刚被别的会员登记。") from None
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


def set_consent(*, member: Member, given: bool, at: datetime) -> None:
    """Marketing messages, agreed to or not any more. Twice is once."""
    joining.set_consent(member=member, given=given, at=at, actor=None)


def _age(born: date, at: datetime) -> int:
    today = localtime(at).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
