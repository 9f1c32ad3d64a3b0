"""户主交接: the head of a family asks one of it to take his place; he is the head when he says yes.

Points, places and terms stay as they are. Locks as in `pools`: members by id, then the pool.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Member, Pool, PoolMember
from members.queries.pools import State
from members.queries.standing import standing_of
from members.services.pool_endings import lock_members
from members.services.pools import PoolRefused, about, head_is_well, held, hold_head, tell
from members.services.risk import demand_spend, kept
from station.models import User


@kept()
@transaction.atomic
def offer(*, place: PoolMember, at: datetime, actor: User | None) -> Pool:
    """The head asks who has this place to become the head; again the same one is the same offer.

    Whoever was asked before is no longer. Refuses a company's pool, the head himself, who is not in it
    or frozen, a frozen head, and OverTheLimit a head on his own phone soon after a change of it.
    """
    hold_head(place.pool)
    pool = held(place.pool)
    place = PoolMember.objects.select_related("member").get(pk=place.pk)
    if not pool.is_family or place.pool_id != pool.pk or place.state != State.ACTIVE:
        raise PoolRefused("没有提出：只能请这个家庭积分里的人接任户主。")
    if place.member_id == pool.head_id:
        raise PoolRefused("没有提出：他已经是户主。")
    if not head_is_well(pool):
        raise PoolRefused("没有提出：户主的会员资格已冻结。请到油站办理。")
    if place.member.status != Member.Status.ACTIVE:
        raise PoolRefused("没有提出：这位会员已冻结，不能做户主。")
    if pool.heir_id == place.member_id:
        return pool
    if actor is None and pool.head_id is not None:
        station, undone = pool.station_id, "没有提出"
        demand_spend(member_id=pool.head_id, at=at, station_id=station, actor=None, undone=undone)
    Pool.objects.filter(pk=pool.pk).update(heir=place.member, offered_at=at)
    about(pool, actor).note(
        "members.pool.heir_asked", at, actor, after={"会员": place.member.number}
    )
    words = "户主请您接任户主，请在「家庭积分」里答复"
    tell(pool, place.member_id, f"heir:{place.pk}:{at:%s}", words, at)
    pool.refresh_from_db()
    return pool


@transaction.atomic
def turn_down(*, pool: Pool, at: datetime, actor: User | None) -> None:
    """The one who was asked says no, or the head takes it back. Twice is once.

    Who is asked by now instead of him whom `pool` names stays asked.
    """
    asked = pool.heir_id
    pool = held(pool, same_head=False)
    if pool.heir is None or pool.heir_id != asked:
        return
    Pool.objects.filter(pk=pool.pk).update(heir=None, offered_at=None)
    about(pool, actor).note("members.pool.heir_gone", at, actor, after={"会员": pool.heir.number})


@transaction.atomic
def take_over(*, pool: Pool, member: Member, at: datetime, actor: User | None) -> Pool:
    """The one who was asked says yes and is the head from now on; both are told. Twice is once.

    Refuses who is not asked any longer, and while either of the two is frozen.
    """
    ids = [one for one in (pool.head_id, member.pk) if one is not None]
    lock_members(ids)
    pool = held(pool, same_head=False)
    if pool.head_id == member.pk:
        return pool
    place = PoolMember.objects.filter(pool=pool, member=member, state=State.ACTIVE).first()
    if pool.heir_id != member.pk or place is None:
        raise PoolRefused("没有接任：户主已经收回，或请了别人。")
    people = {one.pk: one for one in Member.objects.filter(pk__in=ids)}
    for one in people.values():
        if not standing_of(one).may_earn:
            raise PoolRefused(f"没有接任：{standing_of(one).words}")
    before = pool.head
    Pool.objects.filter(pk=pool.pk).update(head=member, heir=None, offered_at=None)
    about(pool, actor).note(
        "members.pool.headed",
        at,
        actor,
        before={"户主": before.number if before else ""},
        after={"户主": member.number},
    )
    if before is not None:
        tell(pool, before.pk, f"headed:{place.pk}:{at:%s}", "户主已由您请的家人接任", at)
    pool.refresh_from_db()
    return pool
