"""班次: the first is opened, each handover ends one and opens the next in one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from devices.models import NozzleState, TotalizerReading
from devices.queries import totalizers
from devices.services import readings
from sales.models import ShiftAdvance
from sales.queries.runs import unclaimed
from sales.services.leasing import let_go
from sales.services.sessions import lock_open_shift
from station.access import role_at
from station.errors import Refusal
from station.models import BusinessDay, Crew, Island, Nozzle, Shift, Station, TillSession, User
from station.queries.calendar import open_day
from station.queries.patterns import ends_the_day, next_name
from station.services import audit, days

MOVING = (NozzleState.State.FUELLING, NozzleState.State.SUSPENDED)


class ShiftAlreadyOpen(Refusal):
    """A station has one shift on duty."""


class NotReadyToOpen(Refusal):
    """What the first shift needs is not there."""


class AlreadyHandedOver(Refusal):
    """Somebody else has handed the shift over meanwhile."""


class BadCrew(Refusal):
    """The crew is not one."""


@dataclass(frozen=True)
class Member:
    """Somebody on duty, at a post, and for an attendant at an island."""

    user: User
    post: str = Crew.Post.ATTENDANT
    island: Island | None = None


@transaction.atomic
def open_shift(
    *,
    station: Station,
    leader: User,
    crew: Sequence[Member],
    at: datetime,
    actor: User,
    name: str = "",
) -> Shift:
    """Open a station's very first shift; every later one is opened by the handover before it.

    Opening readings are those of the set-up and are not typed here. Refuses with ShiftAlreadyOpen,
    NotReadyToOpen (no business day, a nozzle without an opening reading) or BadCrew.
    """
    Station.objects.select_for_update(of=("self",), no_key=True).get(pk=station.pk)
    last = Shift.objects.filter(station=station).order_by("-pk").first()
    if last is not None:
        raise ShiftAlreadyOpen("不能再次开首班：已有班次，请由当班人员交班，下一班自动开始。")
    day = open_day(station)
    if day is None:
        raise NotReadyToOpen("油站还没有开始营业，请先在“新站向导”里开始首个营业日。")
    silent = _without_reading(station)
    if silent:
        told = "、".join(str(nozzle) for nozzle in silent)
        raise NotReadyToOpen(f"{told} 没有上线初值，请先在“新站向导”里录入泵码。")
    shift = _begin(station, day, name or next_name(station=station, after=""), leader, crew, at)
    _note("sales.shift.opened", shift, at, actor)
    return shift


def _without_reading(station: Station) -> list[Nozzle]:
    known = TotalizerReading.objects.filter(nozzle__station=station).values("nozzle_id")
    nozzles = Nozzle.objects.filter(station=station, active=True).exclude(pk__in=known)
    return list(nozzles.order_by("number"))


@transaction.atomic
def hand_over(
    *,
    shift: Shift,
    receiver: User,
    crew: Sequence[Member],
    at: datetime,
    actor: User,
    name: str = "",
    ends_day: bool | None = None,
) -> Shift:
    """交班 at T: readings are taken, tills stop, unpaid fills pass on, the next shift begins.

    `ends_day` cuts the business day; None asks the station's pattern. Counting and signing follow
    while the next shift sells. Returns the next shift, led by the receiver. Refuses with
    AlreadyHandedOver or BadCrew (also when the receiver is the one who hands over).
    """
    BusinessDay.objects.select_for_update(of=("self",), no_key=True).get(pk=shift.day_id)
    held = _locked_open(shift)
    if receiver == held.leader:
        raise BadCrew(f"接班人不能是交班人本人（{receiver}），请选择下一班的班长。")
    _end_sessions(held, at)
    _keep_readings(held, at)
    _pass_on(held)
    moved = Shift.objects.filter(pk=held.pk, status=Shift.Status.OPEN).update(
        status=Shift.Status.HANDED_OVER, handed_over_at=at, receiver=receiver
    )
    if not moved:
        raise AlreadyHandedOver(f"{held} 已经交班，请刷新页面。")
    cuts = ends_the_day(station=held.station, name=held.name) if ends_day is None else ends_day
    day = days.cut_day(day=held.day, at=at, actor=actor) if cuts else held.day
    following = _begin(
        held.station,
        day,
        name or next_name(station=held.station, after=held.name),
        receiver,
        crew,
        at,
    )
    shift.refresh_from_db()
    _note("sales.shift.handed_over", shift, at, actor, receiver=receiver.name, cuts=cuts)
    _note("sales.shift.opened", following, at, actor)
    return following


def _locked_open(shift: Shift) -> Shift:
    """The shift on duty under its lock. Refuses AlreadyHandedOver.

    Its leader is read afterwards: whoever changes the crew meanwhile changes him, and a row that
    was waited for is joined again with the leader of before, so that it would not be found.
    """
    held = (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("day", "station")
        .get(pk=shift.pk)
    )
    if held.status != Shift.Status.OPEN:
        raise AlreadyHandedOver(f"{held} 已经交班，请刷新页面查看当前班次。")
    return held


def _end_sessions(shift: Shift, at: datetime) -> None:
    """A sale under way holds its session: this waits for it, and the next one is refused."""
    open_ones = TillSession.objects.filter(shift=shift, status=TillSession.Status.OPEN)
    held = list(open_ones.select_for_update(of=("self",), no_key=True).order_by("pk"))
    let_go(sessions=held)
    open_ones.update(status=TillSession.Status.ENDED, ended_at=at)


def _keep_readings(shift: Shift, at: datetime) -> None:
    """The reading at T is the last totalizer known right, of every nozzle that has one."""
    known = totalizers.latest(station=shift.station)
    readings.keep(
        [replace(reading, at=at) for reading in known.values()],
        kind=TotalizerReading.Kind.HANDOVER,
        document=shift.number,
    )


def _pass_on(shift: Shift) -> None:
    """Fills under way or unpaid pass whole to the next shift, with their litres."""
    rows = [
        ShiftAdvance(
            from_shift=shift,
            nozzle_id=fill.nozzle_id,
            fill=fill,
            litres=fill.litres,
            amount=fill.amount,
            under_way=False,
        )
        for fill in unclaimed(shift)
    ]
    moving = NozzleState.objects.filter(nozzle__station=shift.station, state__in=MOVING)
    rows += [
        ShiftAdvance(
            from_shift=shift,
            nozzle_id=state.nozzle_id,
            litres=state.litres,
            amount=state.amount,
            under_way=True,
        )
        for state in moving.order_by("nozzle_id")
    ]
    ShiftAdvance.objects.bulk_create(rows)


@transaction.atomic
def change_crew(
    *, station: Station, leader: User, crew: Sequence[Member], at: datetime, actor: User
) -> Shift:
    """Change who is on duty in the open shift. Cashiers with an open session stay on it.

    Refuses with NoOpenShift or BadCrew.
    """
    shift = lock_open_shift(station)
    before = [f"{row.user} {row.get_post_display()}" for row in shift.crew.select_related("user")]
    selling = TillSession.objects.filter(shift=shift, status=TillSession.Status.OPEN)
    stays = set(selling.values_list("cashier_id", flat=True))
    missing = stays - {member.user.pk for member in crew} - {leader.pk}
    if missing:
        names = "、".join(User.objects.filter(pk__in=missing).values_list("name", flat=True))
        raise BadCrew(f"{names} 正在收银，请先结束收银班，再调出当班人员。")
    shift.crew.all().delete()
    Shift.objects.filter(pk=shift.pk).update(leader=leader)
    _man(shift, leader, crew)
    audit.record(
        at=at,
        actor=actor,
        action="sales.shift.crew_changed",
        station=station,
        document=document_of(shift),
        before={"crew": before},
        after={"crew": [f"{member.user} {Crew.Post(member.post).label}" for member in crew]},
    )
    return shift


def document_of(shift: Shift) -> str:
    """The number under which a shift is audited and found: 站号-班次号."""
    return f"{shift.station.code}-{shift.number}"


def _begin(
    station: Station,
    day: BusinessDay,
    name: str,
    leader: User,
    crew: Sequence[Member],
    at: datetime,
) -> Shift:
    last = Shift.objects.filter(day=day).aggregate(last=Max("ordinal"))["last"] or 0
    shift = Shift.objects.create(
        station=station, day=day, ordinal=last + 1, name=name[:12], opened_at=at, leader=leader
    )
    _man(shift, leader, crew)
    return shift


def _man(shift: Shift, leader: User, crew: Sequence[Member]) -> None:
    """Put leader and crew on duty. Refuses strangers, and somebody named twice."""
    members = [Member(leader, Crew.Post.LEADER)]
    members += [member for member in crew if member.user != leader]
    names = [member.user.pk for member in members]
    if len(names) != len(set(names)):
        raise BadCrew("当班人员里有人重复，请每人只选一次。")
    for member in members:
        if not member.user.is_active or not role_at(member.user, shift.station):
            raise BadCrew(f"{member.user} 不是本站人员或已停用，请重新选择当班人员。")
        if member.island is not None and member.island.station_id != shift.station_id:
            raise BadCrew(f"{member.island} 不属于本站，请重新选择。")
    Crew.objects.bulk_create(
        Crew(shift=shift, user=member.user, post=member.post, island=member.island)
        for member in members
    )


def _note(action: str, shift: Shift, at: datetime, actor: User, **after: object) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=shift.station,
        document=document_of(shift),
        after={"leader": shift.leader.name, **after},
    )
