"""How a place in a pool ends: by leaving, being removed, dissolving, closing or merging.

Locks as in `pools`: members by id, the pool, accounts by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from members.models import Member, Pool, PoolMember
from members.queries.pools import State
from members.services.pool_returns import send_home
from members.services.pools import PoolRefused, about, held, tell
from station.models import User
from station.queries import settings

Why = PoolMember.Why
COOL = "members.pool_cool_days"


@transaction.atomic
def leave(
    *,
    place: PoolMember,
    why: str,
    at: datetime,
    actor: User | None,
    reason: str = "",
) -> int:
    """A member goes out of a pool, with what is left of the points that he brought; how many.

    A company's pool keeps what its plates earned. Twice is once. Refuses the head of a family.
    """
    lock_members([place.member_id])
    pool = held(place.pool)
    place = PoolMember.objects.select_related("member").get(pk=place.pk)
    if place.state != State.ACTIVE:
        return 0
    if pool.head_id == place.member_id and why in {Why.HIMSELF, Why.REMOVED}:
        raise PoolRefused("没有退出：户主不能退出。不用了可以解散，积分各退各的。")
    return end(pool=pool, places=[place], why=why, at=at, actor=actor, reason=reason)


@transaction.atomic
def dissolve(
    *, pool: Pool, reason: str, at: datetime, actor: User | None, why: str = Why.DISSOLVED
) -> int:
    """End a pool: every point goes back to whoever earned it, with its expiry; how many went.

    Twice is once. Refuses without a reason.
    """
    if len(reason.strip()) < 2:
        raise PoolRefused("没有解散：请写明原因。")
    active = PoolMember.objects.filter(pool=pool, state=State.ACTIVE)
    lock_members(active.values_list("member_id", flat=True))
    if Pool.objects.filter(pk=pool.pk, closed_at__isnull=False).exists():
        return 0
    pool = held(pool)
    places = list(active.select_related("member"))
    gone = end(pool=pool, places=places, why=why, at=at, actor=actor, reason=reason, whole=True)
    Pool.objects.filter(pk=pool.pk).update(
        closed_at=at, closed_by=actor, reason=reason.strip()[:200], heir=None, offered_at=None
    )
    PoolMember.objects.filter(pool=pool, state=State.INVITED).update(state=State.DECLINED)
    about(pool, actor).note(
        "members.pool.dissolved", at, actor, reason=reason.strip(), after={"退回积分": str(gone)}
    )
    return gone


def lock_members(ids: Iterable[int]) -> None:
    """Lock members in the order of their ids, before any pool of theirs."""
    rows = Member.objects.filter(pk__in=list(ids)).order_by("pk")
    list(rows.select_for_update(no_key=True))


def no_heir(ids: Iterable[int]) -> None:
    """None of these is asked any longer to become the head of a pool."""
    Pool.objects.filter(heir__in=list(ids)).update(heir=None, offered_at=None)


def end(
    *,
    pool: Pool,
    places: Sequence[PoolMember],
    why: str,
    at: datetime,
    actor: User | None,
    reason: str = "",
    whole: bool = False,
) -> int:
    """End places of a locked pool whose members are locked; what is theirs goes back to them.

    `whole`: everything goes, also what former members of a company's pool earned.
    """
    gone = 0
    if pool.is_family or whole:
        gone = send_home(
            pool=pool, places=places, why=str(reason or Why(why).label), at=at, whole=whole
        )
    days = settings.whole(COOL, pool.station)
    no_heir([place.member_id for place in places])
    free = None if why in {Why.MERGED, Why.UNMERGED} else at + timedelta(days=min(days, 3650))
    for place in places:
        PoolMember.objects.filter(pk=place.pk, state=State.ACTIVE).update(
            state=State.LEFT, left_at=at, why=why, free_from=free
        )
        about(pool, actor).note(
            "members.pool.left",
            at,
            actor,
            reason=reason.strip(),
            after={"会员": place.member.number, "原因": Why(why).label},
        )
        if why in {Why.REMOVED, Why.DISSOLVED}:
            words = f"您已离开（{Why(why).label}），您带来还没有用掉的积分已退回"
            tell(pool, place.member_id, f"left:{place.pk}", words, at)
    return gone


def close_for(*, member: Member, at: datetime, actor: User | None) -> None:
    """A member is being closed: he goes out of his pool, a head's pool is dissolved."""
    place = PoolMember.objects.select_related("pool").filter(member=member, state=State.ACTIVE)
    found = place.first()
    if found is not None and found.pool.head_id == member.pk:
        dissolve(pool=found.pool, reason="户主注销", at=at, actor=actor, why=Why.CLOSED)
    elif found is not None:
        leave(place=found, why=Why.CLOSED, at=at, actor=actor)
    PoolMember.objects.filter(member=member, state=State.INVITED).update(state=State.DECLINED)
