"""Into practice and back: a one-time ticket over, a signed result home.

The live station signs who goes; the practice station makes him an account of the same name and
role. It never speaks to the live one: it leaves signed papers in its own folder, and the live
station fetches them and keeps each once. Both share nothing but `settings.PRACTICE_KEY`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction

from station.errors import Refusal
from station.models import (
    Assignment,
    PracticeAttempt,
    PracticeEntry,
    PracticeResult,
    Station,
    User,
)
from station.models.people import Role
from station.services import audit

log = structlog.get_logger(__name__)
TICKET, RESULT = "practice.ticket", "practice.result"
GOOD_FOR = timedelta(seconds=60)
PAPERS = "results"
# Everybody's PIN in practice, shown there: nothing behind it is worth a secret.
PIN: Final = "246135"
DAY = 86400


class BadTicket(Refusal):
    """No ticket of the live station, too old, or used before."""


class NoPractice(Refusal):
    """Nobody to come from, or nowhere to go."""


def ticket(*, user: User, role: str, at: datetime) -> str:
    """A signed ticket for one entry within a minute: name and role of a person who is signed in."""
    if not settings.PRACTICE_KEY:
        raise NoPractice("没有进入练习：本站没有设置 PRACTICE_KEY，请技术人员按说明配置练习站。")
    return _signer(TICKET).sign_object(
        {
            "mark": secrets.token_hex(16),
            "username": user.username,
            "name": user.name,
            "role": role,
            "until": (at + GOOD_FOR).isoformat(),
        }
    )


@transaction.atomic
def enter(*, shown: str, at: datetime) -> User:
    """Take a ticket, once; returns the account of its person here, made or brought up to date.

    The account has no password: there is no other way in. Refuses BadTicket.
    """
    told = _told(TICKET, shown)
    if told is None:
        raise BadTicket("没有进入练习：这张票不是本站发的。请从油站的「练习」再进一次。")
    if at > datetime.fromisoformat(told["until"]):
        raise BadTicket("没有进入练习：票过了一分钟，已经失效。请从油站的「练习」再进一次。")
    station = Station.objects.filter(active=True).order_by("pk").first()
    if station is None or told["role"] not in Role.values:
        raise BadTicket("没有进入练习：练习站还没有建好，请稍后再试。")
    user, _ = User.objects.get_or_create(
        username=told["username"], defaults={"name": told["name"], "password": make_password(None)}
    )
    User.objects.filter(pk=user.pk).update(
        name=told["name"], pin_hash=make_password(PIN), pin_failures=0, pin_locked_until=None,
        must_change_password=False, is_active=True,
    )  # fmt: skip
    try:
        with transaction.atomic():
            PracticeEntry.objects.create(mark=told["mark"], user=user, at=at)
    except IntegrityError as twice:
        raise BadTicket("没有进入练习：这张票已经用过了。请从油站的「练习」再进一次。") from twice
    Assignment.objects.filter(user=user).exclude(station=station).delete()
    Assignment.objects.update_or_create(user=user, station=station, defaults={"role": told["role"]})
    user.refresh_from_db()
    return user


def report(*, titles: Mapping[str, str], at: datetime) -> int:
    """Leave a signed paper for every attempt that has ended; how many. Twice is the same paper."""
    waiting = PracticeAttempt.objects.filter(ended_at__isnull=False, reported_at=None)
    count = 0
    for attempt in waiting.select_related("user").order_by("pk"):
        _leave_paper(attempt, titles[attempt.scenario])
        count += PracticeAttempt.objects.filter(pk=attempt.pk).update(reported_at=at)
    return count


def _leave_paper(attempt: PracticeAttempt, title: str) -> None:
    assert attempt.ended_at is not None
    spent = attempt.ended_at - attempt.started_at
    paper = _signer(RESULT).sign_object(
        {
            "attempt": str(attempt.key),
            "username": attempt.user.username,
            "scenario": attempt.scenario,
            "title": title,
            "passed": bool(attempt.passed),
            "points": attempt.points,
            "hints": attempt.hints,
            "minutes": -(-int(spent.total_seconds()) // 60),
            "at": attempt.ended_at.isoformat(),
        }
    )
    folder = settings.PRACTICE_DIR / PAPERS
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{attempt.key}"
    fresh.write_text(paper)
    fresh.replace(folder / f"{attempt.key}.txt")


def collect() -> int:
    """Keep what practice has signed since the last time; how many. Each attempt once, for ever.

    A paper that this station's key did not sign, or whose person is not of this station, is left
    where it is and told once a day.
    """
    if not settings.PRACTICE_KEY:
        return 0
    found = {one.stem: one for one in (settings.PRACTICE_DIR / PAPERS).glob("*.txt")}
    known = PracticeResult.objects.filter(attempt__in=_uuids(found))
    for kept in known.values_list("attempt", flat=True):
        found.pop(str(kept))
    return sum(_keep(name, path.read_text()) for name, path in sorted(found.items()))


def _uuids(names: Mapping[str, object]) -> list[str]:
    return [name for name in names if len(name) == 36 and name.count("-") == 4]


@transaction.atomic
def _keep(name: str, paper: str) -> bool:
    told = _told(RESULT, paper)
    user = User.objects.filter(username=told["username"]).first() if told else None
    if told is None or user is None or told["attempt"] != name:
        if cache.add(f"practice.strange.{name[:80]}", 1, DAY):
            log.warning("practice_paper_refused", paper=name, signed=told is not None)
        return False
    result, fresh = PracticeResult.objects.get_or_create(
        attempt=told["attempt"],
        defaults={
            "user": user,
            "scenario": told["scenario"],
            "title": told["title"],
            "passed": told["passed"],
            "points": told["points"],
            "hints": told["hints"],
            "minutes": told["minutes"],
            "at": datetime.fromisoformat(told["at"]),
        },
    )
    if fresh:
        audit.record(
            at=result.at,
            actor=user,
            action="station.practice.result",
            document=f"user:{user.username}",
            after={"科目": result.title, "结果": result.outcome, "得分": result.points},
        )
    return fresh


def _signer(salt: str) -> Signer:
    return Signer(key=settings.PRACTICE_KEY, salt=salt)


def _told(salt: str, text: str) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = _signer(salt).unsign_object(text)
    except (BadSignature, ValueError, UnicodeError):
        return None
    return said
