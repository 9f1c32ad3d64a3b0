"""会员活动: seats go to who signs up first, then a line; never more seats than there are.

The event's row is locked by whoever takes, gives back or adds a seat; the database refuses one too
many. Who attends is checked in by his code, and gets his points, once.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from members.models import ClubEvent, Member, PointsAccount, PointsTxn, SignUp
from members.queries.earn_rules import active_program
from members.queries.standing import held_standing
from members.services import notices
from members.services import points as ledger
from members.services.points import Cause
from members.services.points_adjusting import demand_second
from station.errors import Refusal
from station.models import Station, User
from station.queries.wording import local
from station.services import audit

State = SignUp.State
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another
DOORS_OPEN = timedelta(hours=3)  # so long before the start one may be checked in
FIELDS = ("name", "place", "words", "starts_at", "ends_at", "capacity", "points")


class EventRefused(Refusal):
    """An event that cannot be so, or one that takes nobody now."""


@transaction.atomic
def save(
    *,
    event: ClubEvent | None,
    values: Mapping[str, Any],
    station: Station,
    actor: User,
    at: datetime,
    approver: User | None = None,
) -> ClubEvent:
    """Make or change an event; more seats go to those who wait. Audited. Refuses EventRefused.

    And AdjustmentRefused points above the limit of adjustments without a second person, whom the
    view checked.
    """
    if values["ends_at"] <= values["starts_at"]:
        raise EventRefused("没有保存：结束时间应晚于开始时间。")
    if event is None and values["ends_at"] <= at:
        raise EventRefused("没有保存：活动时间已过。")
    if event is None:
        row = ClubEvent(station=station, made_by=actor, made_at=at)
    else:
        row = _held(event)
        if row.cancelled_at is not None:
            raise EventRefused("没有保存：活动已取消。")
        if values["capacity"] < row.taken:
            raise EventRefused(f"没有保存：已有 {row.taken} 人报名，名额不能更少。")
    demand_second(values["points"], row.station, actor, approver, undone="没有保存")
    before = None if event is None else _told(row)
    for name in FIELDS:
        setattr(row, name, values[name])
    row.save()
    while row.taken < row.capacity and _seat_next(row, at):
        row.taken += 1
        ClubEvent.objects.filter(pk=row.pk).update(taken=row.taken)
    after = {**_told(row), **({"审批": approver.name} if approver else {})}
    _note("members.event.saved", row, actor, at, before=before, after=after)
    return row


@transaction.atomic
def cancel(*, event: ClubEvent, reason: str, actor: User, at: datetime) -> None:
    """Call an event off; everybody who signed up is told. Refuses without a reason, or again."""
    if len(reason.strip()) < 2:
        raise EventRefused("没有取消：请写明原因，会员会看到。")
    row = _held(event)
    if row.cancelled_at is not None or at >= row.ends_at:
        raise EventRefused("没有取消：活动已取消或已结束。")
    living = SignUp.objects.filter(event=row, state__in=[State.SEATED, State.WAITING])
    for one in living.order_by("pk"):
        _tell(one, "off", f"「{row.name}」已取消：{reason.strip()}", at)
    living.update(state=State.CANCELLED)
    ClubEvent.objects.filter(pk=row.pk).update(cancelled_at=at, taken=_attended(row))
    _note("members.event.cancelled", row, actor, at, reason=reason.strip())


def sign_up(*, event: ClubEvent, member: Member, at: datetime, actor: User | None = None) -> SignUp:
    """A seat for a member, or a place in the line; who signed up already keeps what he has.

    What somebody of the staff (`actor`) does for him is audited.

    Refuses EventRefused for an event that is over or off, and for who is not a member in good standing.
    """
    try:
        with transaction.atomic():
            return _signed(event, member, at, actor)
    except IntegrityError:  # his other phone was faster
        twin = _living(event, member)
        if twin is None:
            raise
        return twin


def _signed(event: ClubEvent, member: Member, at: datetime, actor: User | None) -> SignUp:
    if member.status != Member.Status.ACTIVE:
        raise EventRefused(f"没有报名：会员 {member.number} {member.get_status_display()}。")
    row = _held(event)
    twin = _living(row, member)
    if twin is not None:
        return twin
    if row.cancelled_at is not None or at >= row.ends_at:
        raise EventRefused(f"没有报名：「{row.name}」已取消或已结束。")
    seated = row.taken < row.capacity
    if seated:
        ClubEvent.objects.filter(pk=row.pk).update(taken=row.taken + 1)
    if actor is not None:
        _note("members.event.signed_up", row, actor, at, after={"会员": member.number})
    return SignUp.objects.create(
        event=row,
        member=member,
        state=State.SEATED if seated else State.WAITING,
        code="".join(secrets.choice(LETTERS) for _ in range(8)),
        signed_at=at,
        seated_at=at if seated else None,
    )


@transaction.atomic
def withdraw(*, sign_up: SignUp, at: datetime, actor: User | None = None) -> None:
    """Give a seat or a place in the line back; the first who waits moves up and is told. Twice is once.

    What somebody of the staff (`actor`) does for him is audited. Refuses EventRefused who attended.
    """
    row = _held(sign_up.event)
    now = SignUp.objects.get(pk=sign_up.pk)
    if now.state == State.ATTENDED:
        raise EventRefused("没有取消：已经签到。")
    if now.state == State.CANCELLED:
        return
    SignUp.objects.filter(pk=now.pk).update(state=State.CANCELLED)
    if now.state == State.SEATED and not (at < row.ends_at and _seat_next(row, at)):
        ClubEvent.objects.filter(pk=row.pk).update(taken=row.taken - 1)
    if actor is not None:
        told = {"会员": now.member.number, "原来": now.get_state_display()}
        _note("members.event.withdrawn", row, actor, at, after=told)


def end_for(*, members: Collection[int], at: datetime) -> None:
    """Locked members are being closed: their seats at events to come, and their places in lines, end."""
    living = SignUp.objects.filter(member__in=members, state__in=[State.SEATED, State.WAITING])
    rows = living.filter(event__ends_at__gt=at).select_related("event")
    for one in rows.order_by("event_id", "-state", "pk"):  # none of them moves up for another
        withdraw(sign_up=one, at=at)


@transaction.atomic
def check_in(*, event: ClubEvent, code: str, actor: User, at: datetime) -> SignUp:
    """Who is there, by his code; his points come at once. Again with the code: the same, once.

    Who is frozen or closed gets none. Audited. Refuses EventRefused for an unknown code, one without
    a seat, the actor's own, and outside of the event's time.
    """
    kept = "".join(one for one in code.upper() if one.isalnum())[:12]
    row = SignUp.objects.select_related("member", "event").filter(event=event, code=kept).first()
    if row is None:
        raise EventRefused("没有签到：这场活动没有这个签到码。请核对后再输。")
    stands = held_standing(row.member_id)
    own = PointsAccount.objects.filter(member__in=[row.member_id, stands.member_id], staff=actor)
    if own.exists():
        raise EventRefused("没有签到：这是你本人的账户。请由其他人签到。")
    if row.state == State.ATTENDED:
        return row
    held = row.event
    if held.cancelled_at or not held.starts_at - DOORS_OPEN <= at < held.ends_at:
        raise EventRefused(f"没有签到：活动时间是 {local(held.starts_at)}，开始前 3 小时起可签到。")
    moved = SignUp.objects.filter(pk=row.pk, state=State.SEATED).update(
        state=State.ATTENDED, attended_at=at, checked_by=actor
    )
    if not moved:
        raise EventRefused(f"没有签到：这个码{row.get_state_display()}，没有座位。")
    if stands.may_earn:
        _give_points(row, stands.member_id, actor, at)
    after = {"会员": row.member.number, "积分": str(points_of(row))}
    _note("members.event.checked_in", held, actor, at, after=after)
    row.refresh_from_db()
    return row


def points_of(sign_up: SignUp) -> int:
    """What he got for attending."""
    given = PointsTxn.objects.filter(idem=_key(sign_up))
    return given.values_list("amount", flat=True).first() or 0


def _key(sign_up: SignUp) -> str:
    return f"event:{sign_up.pk}"


def _give_points(row: SignUp, member_id: int, actor: User, at: datetime) -> None:
    program = active_program()
    if not row.event.points or program is None:
        return
    account = ledger.locked_account(member_id=member_id)
    cause = Cause(
        key=_key(row),
        at=at,
        date=localtime(at).date(),
        document=f"event:{row.event_id}",
        station_id=row.event.station_id,
        actor=actor,
        reason=f"参加「{row.event.name}」",
    )
    kind = PointsTxn.Kind.ADJUST
    ledger.issue(account=account, points=row.event.points, program=program, cause=cause, kind=kind)


def _held(event: ClubEvent) -> ClubEvent:
    return ClubEvent.objects.select_for_update(no_key=True).get(pk=event.pk)


def _living(event: ClubEvent, member: Member) -> SignUp | None:
    rows = SignUp.objects.filter(event=event, member=member)
    return rows.exclude(state=State.CANCELLED).first()


def _seat_next(event: ClubEvent, at: datetime) -> bool:
    """The first who waits gets a seat of a locked event; whether anybody waited."""
    waiting = SignUp.objects.filter(event=event, state=State.WAITING).order_by("pk").first()
    if waiting is None:
        return False
    SignUp.objects.filter(pk=waiting.pk).update(state=State.SEATED, seated_at=at)
    _tell(waiting, "seat", f"「{event.name}」有了空位，您已从候补转为报名成功。", at)
    return True


def _attended(event: ClubEvent) -> int:
    return SignUp.objects.filter(event=event, state=State.ATTENDED).count()


def _tell(row: SignUp, what: str, text: str, at: datetime) -> None:
    notices.tell(
        member=row.member_id,
        key=f"event:{row.pk}:{what}",
        subject="会员活动",
        text=text,
        at=at,
        url="/m/events/",
    )


def _told(event: ClubEvent) -> dict[str, str]:
    labels = {name: str(ClubEvent._meta.get_field(name).verbose_name) for name in FIELDS}  # type: ignore[union-attr]
    return {labels[name]: str(getattr(event, name)) for name in FIELDS}


def _note(action: str, event: ClubEvent, actor: User, at: datetime, **more: Any) -> None:
    audit.record(
        at=at,
        actor=actor,
        station=event.station,
        action=action,
        document=f"event:{event.pk}",
        **more,
    )
