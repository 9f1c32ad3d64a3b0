"""锁价: litres of a grade at a price given to members, approved by another, stopped, run out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localtime

from marketing.models import PriceLock, PriceLockMove
from marketing.queries.locks import worth
from marketing.services import terms
from members.models import Member
from members.queries.points import employees_of
from station.errors import Refusal
from station.models import Grade, Station, User
from station.money import FEN, ZERO, Yuan
from station.queries import settings
from station.queries.prices import price_at
from station.services import audit
from station.services.numbering import next_number

Status = PriceLock.Status
Kind = PriceLockMove.Kind
UNDONE = "没有发锁价"
CAMPAIGN = "锁价"
MOST = 200  # members at a time
WAITS = timedelta(days=1)  # a prepaid fill that ended in time may wait so long for an open session


class LockRefused(Refusal):
    """A lock that cannot be given, or a decision that is not this person's to take."""


class LockDecided(Refusal):
    """The lock was decided on or stopped."""


@dataclass(frozen=True)
class Wish:
    """What is to be locked: yuan a litre, litres for each member, until when, and why."""

    grade: Grade
    price: Yuan
    litres: Decimal
    valid_until: datetime
    reason: str
    campaign: str = ""


def grant(
    *,
    station: Station,
    wish: Wish,
    members: Sequence[Member],
    actor: User,
    at: datetime,
    key: str,
) -> list[PriceLock]:
    """Give each of these members litres at a price, once each; again with the same key, the same locks.

    In force at once, or planned until another approves: above `marketing.lock_worth` yuan off at
    today's price or `marketing.lock_litres` litres, with what the actor gave by himself today, or
    where no price is posted. Refuses LockRefused, also the actor's own account and a key that gave something else. Audited.
    """
    members = sorted(set(members), key=lambda one: one.pk)
    _check(wish, members, at)
    try:
        with transaction.atomic():
            return _grant(station, wish, members, actor, at, key)
    except IntegrityError as error:
        known = list(PriceLock.objects.filter(client_key__startswith=f"{key}:").order_by("pk"))
        if not known:
            raise error
        if not _is_same(known, wish, members):
            raise LockRefused(
                f"{UNDONE}：这一页已发过 {known[0].number}。请重新打开再填。"
            ) from error
        return known


def _is_same(known: Sequence[PriceLock], wish: Wish, members: Sequence[Member]) -> bool:
    given = (wish.grade.pk, wish.price, wish.litres, wish.valid_until)
    return [one.member_id for one in known] == [one.pk for one in members] and all(
        (one.grade_id, one.price, one.litres, one.valid_until) == given for one in known
    )


def _check(wish: Wish, members: Sequence[Member], at: datetime) -> None:
    if not members:
        raise LockRefused(f"{UNDONE}：没有会员。请输会员号、手机或车牌。")
    if len(members) > MOST:
        raise LockRefused(f"{UNDONE}：一次最多 {MOST} 人，这里有 {len(members)} 人。")
    if wish.price <= 0 or wish.price != wish.price.quantize(FEN):
        raise LockRefused(f"{UNDONE}：锁定单价须大于零，最多两位小数。")
    if wish.litres <= 0:
        raise LockRefused(f"{UNDONE}：升数须大于零。")
    if not wish.reason.strip():
        raise LockRefused(f"{UNDONE}：请写明原因。")
    terms.check_times(wish.valid_until, undone=UNDONE)
    if wish.valid_until <= at:
        raise LockRefused(f"{UNDONE}：到期时间已经过了。")


def _grant(
    station: Station,
    wish: Wish,
    members: Sequence[Member],
    actor: User,
    at: datetime,
    key: str,
) -> list[PriceLock]:
    members = _held_members(members)
    if actor.pk in employees_of(*(one.pk for one in members)):
        raise LockRefused(f"{UNDONE}：其中有你本人的账户。请由其他人发。")
    posted = price_at(station=station, grade=wish.grade, at=at)
    if posted is not None and wish.price > posted:
        raise LockRefused(
            f"{UNDONE}：锁定单价 {wish.price:.2f} 元高于现在的挂牌价 {posted:.2f} 元，客人用不上。"
        )
    litres = wish.litres * len(members)
    value = worth(list_price=posted, price=wish.price, litres=litres)
    alone = _alone(station, value, litres, actor, at)
    made = []
    for member in members:
        lock = PriceLock.objects.create(
            station=station,
            number=next_number(station=station, kind="SJ", day=localtime(at).date()),
            client_key=f"{key}:{member.pk}",
            member=member,
            grade=wish.grade,
            price=wish.price,
            litres=wish.litres,
            left=wish.litres if alone else 0,
            valid_until=wish.valid_until,
            list_price=posted,
            campaign=wish.campaign.strip() or CAMPAIGN,
            reason=wish.reason.strip(),
            status=Status.APPROVED if alone else Status.PLANNED,
            granted_by=actor,
            granted_at=at,
            approved_at=at if alone else None,
        )
        if alone:
            _move(lock, Kind.GRANTED, wish.litres, at=at, actor=actor)
        _note(lock, "granted" if alone else "planned", at=at, actor=actor, reason=lock.reason)
        made.append(lock)
    return made


def _held_members(members: Sequence[Member]) -> list[Member]:
    """The members locked: who becomes another or is closed meanwhile takes no litres where none looks."""
    rows = Member.objects.select_for_update(of=("self",), no_key=True)
    held = list(rows.filter(pk__in=[one.pk for one in members]).order_by("pk"))
    if gone := [one.number for one in held if one.status != Member.Status.ACTIVE]:
        raise LockRefused(f"{UNDONE}：会员 {'、'.join(gone[:5])} 已冻结、合并或注销。请去掉再发。")
    return held


def _alone(
    station: Station, value: Yuan | None, litres: Decimal, actor: User, at: datetime
) -> bool:
    """Whether one person may give so much by himself, with what he gave so on this date already."""
    if value is None:
        return False
    with connection.cursor() as cursor:  # two pages of his at once count each other
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('price locks'), %s)", [actor.pk])
    given = PriceLock.objects.filter(
        station=station,
        granted_by=actor,
        granted_at__gte=localtime(at).replace(hour=0, minute=0, second=0, microsecond=0),
        approved_by=None,
        approved_at__isnull=False,
    )
    for one in given:
        litres += one.litres
        value += worth(list_price=one.list_price, price=one.price, litres=one.litres) or ZERO
    most_yuan = settings.yuan("marketing.lock_worth", station)
    most_litres = settings.whole("marketing.lock_litres", station)
    return value <= most_yuan and litres <= most_litres


@transaction.atomic
def approve(*, lock: PriceLock, actor: User, at: datetime) -> None:
    """Put a planned lock into force. Refuses who gave it, who has it, LockDecided what no longer
    waits, and one whose time is over meanwhile.
    """
    held = _held(lock)
    if held.status != Status.PLANNED:
        raise LockDecided(f"没有审批：{held.number} {held.get_status_display()}，请刷新页面。")
    if held.granted_by_id == actor.pk:
        raise LockRefused(f"没有审批：{held.number} 是你发的，请换一人审批。")
    if actor.pk in employees_of(held.member_id):
        raise LockRefused(f"没有审批：{held.number} 是发给你本人账户的，请换一人审批。")
    if held.valid_until <= at:
        raise LockRefused(f"没有审批：{held.number} 已过到期时间。请驳回，重新发。")
    held.status, held.approved_by, held.approved_at = Status.APPROVED, actor, at
    held.left = held.litres
    held.save(update_fields=["status", "approved_by", "approved_at", "left"])
    _move(held, Kind.GRANTED, held.litres, at=at, actor=actor)
    _note(held, "approved", at=at, actor=actor)


@transaction.atomic
def reject(*, lock: PriceLock, actor: User, at: datetime, reason: str) -> None:
    """Send a planned lock back. Refuses without a reason, or what no longer waits."""
    held = _to_end(lock, Status.PLANNED, reason, undone="没有驳回")
    held.status = Status.REJECTED
    held.save(update_fields=["status"])
    _note(held, "rejected", at=at, actor=actor, reason=reason)


@transaction.atomic
def stop(*, lock: PriceLock, actor: User, at: datetime, reason: str) -> None:
    """Take back what is left of a lock in force. Refuses without a reason, or what is not in force."""
    held = _to_end(lock, Status.APPROVED, reason, undone="没有停止")
    _end(held, at=at, actor=actor, words=reason)
    _note(held, "stopped", at=at, actor=actor, reason=reason)


def _to_end(lock: PriceLock, status: Status, reason: str, *, undone: str) -> PriceLock:
    """The lock held, where it still is in this state and a reason was given."""
    held = _held(lock)
    if not reason.strip():
        raise LockRefused(f"{undone}：请写明原因。")
    if held.status != status:
        raise LockDecided(f"{undone}：{held.number} {held.get_status_display()}，请刷新页面。")
    return held


def end_all(*, member: Member, at: datetime, actor: User | None, words: str) -> None:
    """Take back what a member has left of every lock, in the caller's transaction. Twice is once."""
    live = (Status.PLANNED, Status.APPROVED)
    rows = PriceLock.objects.select_for_update(of=("self",)).filter(member=member, status__in=live)
    for one in rows.order_by("pk"):
        _end(one, at=at, actor=actor, words=words)


@transaction.atomic
def expire(*, at: datetime, limit: int = 1000) -> int:
    """Take back what is left of locks whose time is over since a day; how many. Again, none.

    Nothing uses them after their time; what was filled within it may be settled later.
    """
    over = PriceLock.objects.filter(left__gt=0, valid_until__lte=at - WAITS).order_by("pk")
    held = list(over.select_for_update(of=("self",), skip_locked=True)[:limit])
    for one in held:
        sweep(one, at=at)
    return len(held)


def sweep(lock: PriceLock, *, at: datetime) -> None:
    """Take back what is left of a locked row whose time is over."""
    if lock.left:
        _move(lock, Kind.EXPIRED, -lock.left, at=at, actor=None)
        lock.left = ZERO
        lock.save(update_fields=["left"])


def _held(lock: PriceLock) -> PriceLock:
    return PriceLock.objects.select_for_update(of=("self",)).get(pk=lock.pk)


def _end(lock: PriceLock, *, at: datetime, actor: User | None, words: str) -> None:
    if lock.left:
        _move(lock, Kind.STOPPED, -lock.left, at=at, actor=actor, words=words.strip())
    lock.status, lock.left = Status.STOPPED, ZERO
    lock.save(update_fields=["status", "left"])


def _move(
    lock: PriceLock,
    kind: str,
    litres: Decimal,
    *,
    at: datetime,
    actor: User | None,
    words: str = "",
) -> None:
    PriceLockMove.objects.create(
        lock=lock,
        kind=kind,
        litres=litres,
        document=lock.number,
        at=at,
        actor=actor,
        words=words[:200],
    )


def _note(lock: PriceLock, verb: str, *, at: datetime, actor: User, reason: str = "") -> None:
    audit.record(
        at=at,
        actor=actor,
        station=lock.station,
        action=f"marketing.lock.{verb}",
        document=lock.number,
        reason=reason.strip(),
        after={
            "会员": lock.member.number,
            "油品": lock.grade.code,
            "锁定单价(元)": str(lock.price),
            "升数": str(lock.litres),
            "剩余升数": str(lock.left),
        },
    )
