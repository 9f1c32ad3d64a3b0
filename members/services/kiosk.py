"""A member at a kiosk: known, shown to be there himself, and gone again.

Who is known may look. Who spends shows himself to be there: by the code of his phone, by a code
that was sent to it, or by the PIN of his account; a card shows it to nobody, since the kiosk sees
no face. One proof is for one spending.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from devices.models import Kiosk, Swipe
from members.models import Channel, KioskVisit, Member, Redemption, SignInCode
from members.models import Presence as CodeRead
from members.queries.kiosk import GRACE, IDLE, LONGEST, PROOF_LIFE, visit_of
from members.queries.merged import one_person
from members.queries.signins import Ticket, digest
from members.queries.standing import words_of
from members.queries.value import account_of_member
from members.services import joining, notices, present_codes, signins, value_accounts
from members.services.joining import PolicyNotAgreed, age_at, checked_birthday
from members.services.phone import TooYoung
from members.services.presence import NotPresent, Presence
from station.errors import Refusal
from station.queries import settings
from station.services.sealing import blind_index, unseal

PURPOSE = SignInCode.Purpose.KIOSK
Known, End = KioskVisit.Known, KioskVisit.End
Kind = Redemption.Presence


class NotKnown(Refusal):
    """Nobody is to be found by what was shown."""


class Gone(Refusal):
    """The visit is over."""


@dataclass(frozen=True)
class Opened:
    """A visit, and the token that only its cookie knows."""

    visit: KioskVisit
    token: str


# ------------------------------------------------------------------------------ to be known


def by_code(*, code: str, kiosk: Kiosk, at: datetime) -> Opened:
    """Who shows the code of his phone: known, and there himself. Refuses CodeRefused."""
    member, read = _read(code, kiosk, at)
    with transaction.atomic():
        return _open(
            kiosk,
            member,
            Known.CODE,
            f"code:{read.pk}",
            at,
            Presence(Kind.PHONE, f"code:{read.pk}"),
        )


def by_card(*, swipe: Swipe, kiosk: Kiosk, at: datetime) -> Opened:
    """Who holds a member's card: known, but not yet to be there himself. Refuses NotKnown."""
    if swipe.outcome == Swipe.Outcome.LOST:
        raise NotKnown("这张会员卡已挂失，不能使用。请用手机号登录，或到收银台询问。")
    number = swipe.card.document if swipe.card and swipe.outcome == Swipe.Outcome.KNOWN else ""
    member = Member.objects.filter(number=number).first() if number else None
    if member is None:
        raise NotKnown("没有认出这张卡。请用手机号登录，或到收银台询问。")
    with transaction.atomic():
        return _open(kiosk, member, Known.CARD, f"swipe:{swipe.pk}", at, None)


def send_code(*, phone: str, kiosk: Kiosk, at: datetime) -> str:
    """Send a code to a phone that was typed; the same for a member's and a stranger's.

    Returns the ticket of the page that asks for it. Refuses BadPhone, TooManyCodes, NotSent.
    """
    return signins.send_code(phone=phone, purpose=PURPOSE, address=address_of(kiosk), at=at)


def by_text(*, ticket: str, code: str, kiosk: Kiosk, at: datetime) -> Opened | None:
    """Who knows the code that was sent to his phone; None where the phone is nobody's yet.

    Refuses WrongCode and TooManyCodes; call it outside any transaction, so that the try counts.
    """
    told = signins.pass_code(
        ticket=ticket, code=code, purpose=PURPOSE, address=address_of(kiosk), at=at
    )
    known = Member.objects.filter(phone_index=blind_index("phone", told.phone))
    member = known.exclude(status=Member.Status.CLOSED).first()
    if member is None:
        return None
    with transaction.atomic():
        signins.spend(ticket=told, at=at)
        return _open(kiosk, member, Known.TEXT, _sent(told), at, Presence(Kind.CODE, _sent(told)))


@transaction.atomic
def join(
    *,
    ticket: Ticket,
    kiosk: Kiosk,
    born: date,
    policy: bool,
    consent: bool,
    at: datetime,
) -> Opened:
    """A new member by his own hand; `ticket` proves the phone. The name may be told later.

    Refuses PolicyNotAgreed, BadBirthday, TooYoung, WrongCode (used already) and PhoneTaken.
    """
    station = kiosk.station
    if not policy:
        raise PolicyNotAgreed("没有入会：请先阅读并同意隐私政策。")
    age = settings.whole("members.guardian_age", station)
    if age_at(checked_birthday(born, at=at), at=at) < age:
        raise TooYoung(f"没有入会：未满 {age} 周岁须由监护人带到收银台办理。")
    signins.spend(ticket=ticket, at=at)
    member = joining.join(
        station=station,
        phone=ticket.phone,
        consent=consent,
        birthday=born,
        channel=Channel.KIOSK,
        at=at,
        actor=None,
    )
    notices.tell(
        member=member,
        key=f"welcome:{member.pk}",
        subject="欢迎入会",
        text=f"您已是 {station.name} 的会员。付款前出示手机首页的会员码，消费会记在您名下。",
        at=at,
    )
    return _open(kiosk, member, Known.JOINED, _sent(ticket), at, Presence(Kind.CODE, _sent(ticket)))


def _open(
    kiosk: Kiosk, member: Member, known_by: str, origin: str, at: datetime, proof: Presence | None
) -> Opened:
    """A visit; whoever stood there before is gone. Refuses NotKnown who may not use his account."""
    whole = Member.objects.select_related("merged_into").get(pk=member.pk)
    stands = whole.merged_into or whole
    if stands.status != Member.Status.ACTIVE:
        raise NotKnown(words_of(stands.number, stands.status) or "会员已注销。请到收银台询问。")
    Kiosk.objects.select_for_update().get(pk=kiosk.pk)  # two reads at once: one after the other
    end_all(kiosk=kiosk, at=at, why=End.NEXT)
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            KioskVisit.objects.create(
                kiosk=kiosk,
                member=stands,
                token_hash=digest("kiosk", token),
                known_by=known_by,
                origin=origin,
                proof=proof.kind if proof else "",
                proof_ref=proof.reference if proof else "",
                proof_at=at if proof else None,
                opened_at=at,
                idle_until=at + IDLE + GRACE,
                expires_at=at + LONGEST,
            )
    except IntegrityError:
        raise NotKnown("这次识别已经用过。请再刷一次卡，或重新出示会员码。") from None
    found = visit_of(token=token, kiosk=kiosk, at=at)
    if found is None:
        raise Gone("会员页面已结束。请重新开始。")
    return Opened(found, token)


# ------------------------------------------------------------------------------ while he is there


def touched(*, visit: KioskVisit, at: datetime) -> None:
    """He touched the screen: the minute begins anew. Refuses Gone where it was over already."""
    mine = KioskVisit.objects.filter(pk=visit.pk, ended_at=None, idle_until__gt=at)
    if not mine.update(idle_until=at + IDLE + GRACE):
        raise Gone("已超过一分钟没有操作，会员页面已关闭。请重新开始。")


def end(*, visit: KioskVisit, at: datetime, why: str = End.BUTTON) -> None:
    """The visit is over. Twice is once."""
    KioskVisit.objects.filter(pk=visit.pk, ended_at=None).update(ended_at=at, ended_by=why)


def end_all(*, kiosk: Kiosk, at: datetime, why: str) -> None:
    """Nobody stands at the kiosk any more."""
    KioskVisit.objects.filter(kiosk=kiosk, ended_at=None).update(ended_at=at, ended_by=why)


# ------------------------------------------------------------------------------ to be there himself


def prove_by_code(*, visit: KioskVisit, code: str, at: datetime) -> None:
    """The code of his phone. Refuses CodeRefused, and NotPresent another member's."""
    member, read = _read(code, visit.kiosk, at)
    if not one_person(visit.member).filter(pk=member.pk).exists():
        raise NotPresent("这是另一位会员的手机码。请出示您自己的，或按“结束”后重新开始。")
    _keep(visit, Presence(Kind.PHONE, f"code:{read.pk}"), at)


def send_proof(*, visit: KioskVisit, at: datetime) -> str:
    """Send a code to the member's own phone, which nobody has to type. Returns the ticket.

    Refuses TooManyCodes and NotSent.
    """
    return signins.send_code(
        phone=unseal(visit.member.key, visit.member.phone_sealed),
        purpose=PURPOSE,
        address=address_of(visit.kiosk),
        at=at,
        member=visit.member,
    )


def prove_by_text(*, visit: KioskVisit, ticket: str, code: str, at: datetime) -> None:
    """The code that was sent to him. Refuses WrongCode and TooManyCodes; outside any transaction."""
    told = signins.pass_code(
        ticket=ticket,
        code=code,
        purpose=PURPOSE,
        address=address_of(visit.kiosk),
        at=at,
        member=visit.member,
    )
    with transaction.atomic():
        signins.spend(ticket=told, at=at)
        _keep(visit, Presence(Kind.CODE, _sent(told)), at)


def prove_by_pin(*, visit: KioskVisit, pin: str, at: datetime) -> None:
    """The PIN of his stored value account. Refuses WrongPin; outside any transaction."""
    account = account_of_member(visit.member_id)
    if account is None:
        raise NotPresent("没有核验：您还没有储值账户和支付密码。请用会员码或短信验证码。")
    value_accounts.check_pin(account=account, pin=pin, at=at)
    _keep(visit, Presence(Kind.CODE, f"pin:{account.number}"[:60]), at)


def take_proof(*, visit: KioskVisit, at: datetime) -> Presence:
    """What shows him to be there, taken for one spending. In the transaction of that.

    Refuses NotPresent where there is none, or not any more.
    """
    held = KioskVisit.objects.select_for_update().get(pk=visit.pk)
    if held.ended_at or held.proof_at is None or at - held.proof_at > PROOF_LIFE:
        raise NotPresent("请先证明是您本人：出示会员手机码，或用短信验证码、支付密码。")
    KioskVisit.objects.filter(pk=visit.pk).update(proof="", proof_ref="", proof_at=None)
    return Presence(held.proof, held.proof_ref)


def _keep(visit: KioskVisit, proof: Presence, at: datetime) -> None:
    kept = KioskVisit.objects.filter(pk=visit.pk, ended_at=None).update(
        proof=proof.kind, proof_ref=proof.reference, proof_at=at
    )
    if not kept:
        raise Gone("会员页面已结束，没有核验。请重新开始。")


def _read(code: str, kiosk: Kiosk, at: datetime) -> tuple[Member, CodeRead]:
    member = present_codes.arrive(code=code, station=kiosk.station, at=at, actor=None)
    return member, CodeRead.objects.get(code_hash=digest("presence", code.strip().upper()))


def address_of(kiosk: Kiosk) -> str:
    """Where its codes are asked for: limits count each terminal for itself."""
    return f"kiosk:{kiosk.pk}"


def _sent(ticket: Ticket) -> str:
    return f"sms:{ticket.code_id}"
