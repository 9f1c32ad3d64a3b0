"""A member's sessions on his phones: opened by a right code, seen, ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from members.models import Member, MemberSession
from members.queries.merged import one_person
from members.queries.signins import Ticket, digest
from members.services.signins import spend
from station.queries import settings
from station.services.sealing import blind_index

LONGEST = 3650  # days; whatever the page of figures says
SEEN_EVERY = timedelta(minutes=10)  # a session is written at most so often for being used


@dataclass(frozen=True)
class Opened:
    """A new session, and the token that only its cookie knows."""

    session: MemberSession
    token: str


@transaction.atomic
def sign_in(*, ticket: Ticket, device: str, at: datetime) -> Opened | None:
    """Open a session for the member whose phone was proved; None where the phone is nobody's yet.

    The code is used up only by a session or by joining. Refuses with WrongCode.
    """
    index = blind_index("phone", ticket.phone)
    known = Member.objects.filter(phone_index=index).exclude(status=Member.Status.CLOSED)
    member = known.select_related("home_station", "merged_into__home_station").first()
    if member is None:
        return None
    spend(ticket=ticket, at=at)
    return open_for(member=member.merged_into or member, device=device, at=at)


def open_for(*, member: Member, device: str, at: datetime) -> Opened:
    """A session of a member who proved himself in this transaction."""
    token = secrets.token_urlsafe(32)
    session = MemberSession.objects.create(
        member=member,
        token_hash=digest("session", token),
        device=device[:60],
        opened_at=at,
        seen_at=at,
        idle_until=at + _days("members.session_idle_days", member),
        expires_at=at + _days("members.session_days", member),
    )
    return Opened(session, token)


def seen(*, session: MemberSession, at: datetime) -> None:
    """The session is in use: its idle time begins anew. Writes at most every ten minutes."""
    if at - session.seen_at < SEEN_EVERY:
        return
    until = at + _days("members.session_idle_days", session.member)
    MemberSession.objects.filter(pk=session.pk, ended_at=None).update(seen_at=at, idle_until=until)


def end(*, session: MemberSession, at: datetime) -> None:
    """Sign a phone out. Twice is once."""
    MemberSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=at)


def end_others(*, member: Member, kept: MemberSession | None, at: datetime) -> int:
    """Sign out every phone of a member but one; returns how many."""
    rows = MemberSession.objects.filter(member__in=one_person(member), ended_at=None)
    return (rows.exclude(pk=kept.pk) if kept else rows).update(ended_at=at)


def _days(name: str, member: Member) -> timedelta:
    days = settings.whole(name, member.home_station)
    return timedelta(days=min(max(days, 1), LONGEST))
