"""Who is signed in on a phone, where else he is, and how often codes were asked for."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db.models import Q, QuerySet, Sum
from django.utils.crypto import salted_hmac

from members.models import Member, MemberSession, SignInCode
from members.queries.merged import one_person

CODE_LIFE = timedelta(minutes=5)
JOINING_LIFE = timedelta(minutes=15)  # from the right code to the end of the joining form


@dataclass(frozen=True)
class Limit:
    """How many of a thing within a span, and what is said when it is reached."""

    most: int
    span: timedelta
    words: str


PER_PHONE = (
    Limit(1, timedelta(seconds=60), "刚刚已经发过一次验证码，请等一分钟再要。"),
    Limit(5, timedelta(hours=1), "这个手机号一小时内要的验证码太多，请一小时后再试。"),
    Limit(10, timedelta(days=1), "这个手机号今天要的验证码太多，请明天再试。"),
)
# A mobile network stands behind few addresses, so that this one is wide.
PER_ADDRESS = Limit(60, timedelta(hours=1), "这个网络要的验证码太多，请一小时后再试。")
WRONG_PER_ADDRESS = Limit(30, timedelta(hours=1), "这个网络输错太多次，请一小时后再试。")


@dataclass(frozen=True)
class Ticket:
    """Which code a page is about, and the phone as it was typed: signed, for that page alone."""

    code_id: int
    phone: str


def digest(purpose: str, text: str) -> str:
    """A keyed fingerprint of a code, a token or an address."""
    return salted_hmac(f"members.{purpose}", text, algorithm="sha256").hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in constant time."""
    return hmac.compare_digest(one, other)


def signed(ticket: Ticket) -> str:
    """A ticket for the hidden field of a form."""
    return signing.dumps([ticket.code_id, ticket.phone], salt="members.signin", compress=False)


def read_ticket(text: str) -> Ticket | None:
    """The ticket of a form; None for one that is too old or was not made here."""
    try:
        code_id, phone = signing.loads(text, salt="members.signin", max_age=JOINING_LIFE)
    except signing.BadSignature:
        return None
    return Ticket(code_id, phone)


def reached(*, phone_index: str, address: str, at: datetime) -> Limit | None:
    """The first limit on asking that is reached for a phone or an address; None when none is."""
    # Also what was asked a moment after this asker read the clock: he waited for it.
    codes = SignInCode.objects.all()
    for limit in PER_PHONE:
        asked = codes.filter(phone_index=phone_index, asked_at__gt=at - limit.span)
        if asked.count() >= limit.most:
            return limit
    asked = codes.filter(address=address, asked_at__gt=at - PER_ADDRESS.span)
    return PER_ADDRESS if asked.count() >= PER_ADDRESS.most else None


def wrong_from(*, address: str, at: datetime) -> bool:
    """Whether too many wrong codes were typed from an address."""
    recent = SignInCode.objects.filter(
        address=address, passed_at=None, asked_at__gt=at - WRONG_PER_ADDRESS.span
    )
    return (recent.aggregate(tries=Sum("tries"))["tries"] or 0) >= WRONG_PER_ADDRESS.most


def living(*, at: datetime) -> Q:
    """The condition of a session that still opens pages."""
    return Q(ended_at=None, idle_until__gt=at, expires_at__gt=at)


def session_of(*, token: str, at: datetime) -> MemberSession | None:
    """The living session of a token, with its member; None for anything else. One statement."""
    if not token:
        return None
    rows = MemberSession.objects.filter(living(at=at), token_hash=digest("session", token))
    rows = rows.exclude(member__status=Member.Status.CLOSED)
    return rows.select_related(
        "member__key",
        "member__home_station",
        "member__merged_into__key",
        "member__merged_into__home_station",
    ).first()


def sessions_of(*, member: Member, at: datetime) -> QuerySet[MemberSession]:
    """Where a member is signed in, the latest first."""
    return MemberSession.objects.filter(living(at=at), member__in=one_person(member)).order_by(
        "-seen_at", "-pk"
    )
