"""本人在场: what counts as the member himself asking for his points, so that nobody else spends them.

A member card or the code of his phone that was read at this till within two minutes, each read once;
the last four of his phone with a code that a checker of `settings.PRESENCE` knows; a second person
who saw him and signs for it; or his own phone, signed in.
Called by the view before the service, like an approver: a wrong code is counted by its checker
whatever becomes of the rest.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings as project
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils.module_loading import import_string

from devices.models import ReadRule, Swipe
from members.models import Member, MemberSession, Redemption
from members.models import Presence as CodeRead
from station.errors import Refusal
from station.models import Station, Till, TillSession, User
from station.services.sealing import blind_index, normal

JUST_NOW, JUST_HERE = timedelta(minutes=2), timedelta(minutes=5)
Checker = Callable[..., bool]
Kind = Redemption.Presence


class NotPresent(Refusal):
    """Nothing shows that the member himself is there."""


@dataclass(frozen=True)
class Presence:
    """How the member was seen to be there, and by which swipe, checker or person."""

    kind: str
    reference: str


def by_reading(*, member: Member, session: TillSession, at: datetime) -> Presence:
    """The newest unused read of the member's card, else of his phone's code. Refuses NotPresent."""
    found = reading(member=member, session=session, at=at)
    if found is None:
        raise NotPresent(
            "没有兑换：两分钟内没有刷过这位会员的卡，也没有扫过他的手机码。"
            "请他刷卡或出示手机码，或用验证码、另一人核验。"
        )
    return found


def reading(*, member: Member, session: TillSession, at: datetime) -> Presence | None:
    """What was read at a till and proves it; None where nothing was. Two statements at most."""
    swipe = card_read(member=member, till=session.till, at=at)
    if swipe is not None:
        return Presence(Kind.CARD, f"swipe:{swipe.pk}")
    code = code_read(member=member, session=session, at=at)
    return Presence(Kind.PHONE, f"code:{code.pk}") if code is not None else None


def code_read(*, member: Member, session: TillSession, at: datetime) -> CodeRead | None:
    """The read of the phone's code, by who works at the till, that would prove it. One statement."""
    reference = Concat(Value("code:"), Cast(OuterRef("pk"), CharField()))
    used = Redemption.objects.filter(presence=Kind.PHONE, presence_ref=reference)
    return (
        CodeRead.objects.filter(
            ~Exists(used),
            member=member,
            station=session.station_id,
            seen_by=session.cashier_id,
            occurred_at__gt=at - JUST_NOW,
            occurred_at__lte=at,
        )
        .order_by("-pk")
        .first()
    )


def card_read(*, member: Member, till: Till, at: datetime) -> Swipe | None:
    """The read that would prove it. One statement."""
    reference = Concat(Value("swipe:"), Cast(OuterRef("pk"), CharField()))
    used = Redemption.objects.filter(presence=Kind.CARD, presence_ref=reference)
    return (
        Swipe.objects.filter(
            ~Exists(used),
            reader__till=till,
            meaning=ReadRule.Meaning.MEMBER_CARD,
            outcome=Swipe.Outcome.KNOWN,
            card__document=member.number,
            occurred_at__gt=at - JUST_NOW,
            occurred_at__lte=at,
        )
        .order_by("-pk")
        .first()
    )


def has_codes() -> bool:
    """Whether anything can check a code: a part that sends them, or keeps a member's PIN."""
    return bool(project.PRESENCE)


def by_code(*, member: Member, tail: str, code: str, at: datetime) -> Presence:
    """The last four of the phone, and a code that one of the checkers takes. Refuses NotPresent."""
    if not has_codes():
        raise NotPresent("没有兑换：本站还没有开通验证码。请刷会员卡，或请另一人核验。")
    typed = blind_index("phone:tail", normal(tail))
    if not member.phone_tail_index or not hmac.compare_digest(typed, member.phone_tail_index):
        raise NotPresent("没有兑换：手机尾号不对。请会员再说一遍后四位。")
    for path in project.PRESENCE:
        checker = cast(Checker, import_string(path))
        if checker(member_id=member.pk, code=code.strip(), at=at):
            return Presence(Kind.CODE, path.rpartition(".")[0][-60:])
    raise NotPresent("没有兑换：验证码不对或已过期。请核对后重输，或重新获取。")


def by_own_phone(*, session: MemberSession) -> Presence:
    """The member's own phone, signed in by a code to his number."""
    return Presence(Kind.APP, f"session:{session.pk}")


def by_vouching(*, approver: User) -> Presence:
    """A second person, whose secret and right were checked, has seen the member."""
    return Presence(Kind.VOUCHED, f"user:{approver.username}"[:60])


def demand_here(*, member: Member, station: Station, at: datetime) -> None:
    """Refuse unless the member was here: for what he agrees to at the counter."""
    if not was_here(member=member, station=station, at=at):
        raise NotPresent(
            f"没有办理：五分钟内本站没有读过会员 {member.number} 的卡或手机码。"
            "请他到收银台刷卡或出示手机码，再来办理。"
        )


def was_here(*, member: Member, station: Station, at: datetime) -> bool:
    """Whether the member's card or his phone's code was read at a station just now.

    A read that paid for something counts, it shows him all the same. Two statements at most.
    """
    since = at - JUST_HERE
    card = Swipe.objects.filter(
        reader__till__station=station,
        meaning=ReadRule.Meaning.MEMBER_CARD,
        outcome=Swipe.Outcome.KNOWN,
        card__document=member.number,
        occurred_at__gt=since,
        occurred_at__lte=at,
    )
    code = CodeRead.objects.filter(
        member=member,
        station=station,
        seen_by__isnull=False,  # a partner's request is no counter of ours
        occurred_at__gt=since,
        occurred_at__lte=at,
    )
    return code.exists() or card.exists()
