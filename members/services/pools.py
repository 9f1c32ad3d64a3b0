"""家庭积分 and 单位积分: who is in a pool on which terms, and how he comes into it.

Locks: members by id, the pool, accounts by id. What may be spent is changed with the pool's account
locked, so that a sale sees the terms of before or of after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from members.models import Company, Member, PointsAccount, Pool, PoolMember, Vehicle
from members.queries.pools import State
from members.queries.standing import held_standing
from members.services import notices, pool_purses
from members.services.noting import HIMSELF
from members.services.points import locked_account
from members.services.risk import demand_spend, kept
from station.errors import Refusal
from station.models import Station, User
from station.queries import settings
from station.services.audit import SYSTEM, Subject
from station.services.numbering import next_in
from station.services.sealing import blind_index

MOST, PER_DAY = "members.pool_most", 10
MOST_CAP = 10**9


class PoolRefused(Refusal):
    """What cannot be done with a pool now."""


@dataclass(frozen=True)
class Terms:
    """What of his earning goes to the pool, and what he may take out of it."""

    share_pct: int = 100
    can_spend: bool = True
    cap_month: int | None = None

    def words(self) -> str:
        """The terms in one sentence."""
        cap = "不限" if self.cap_month is None else f"每月最多 {self.cap_month} 分"
        use = f"可以使用，{cap}" if self.can_spend else "不能使用"
        return f"所得积分 {self.share_pct}% 入池，{use}"

    @property
    def bound(self) -> int:
        """How much he may take out in a month at most."""
        if not self.can_spend:
            return 0
        return MOST_CAP + 1 if self.cap_month is None else self.cap_month

    def lets_more_than(self, before: Terms | None) -> bool:
        """Whether they give spending, or more of it than the terms of before."""
        return self.bound > (before.bound if before else 0)


def terms_of(place: PoolMember) -> Terms:
    """The terms of a place."""
    return Terms(place.share_pct, place.can_spend, place.cap_month)


def _check(terms: Terms) -> None:
    if not 0 <= terms.share_pct <= 100:
        raise PoolRefused("没有保存：入池比例应为 0 到 100。")
    if terms.cap_month is not None and not 0 <= terms.cap_month <= MOST_CAP:
        raise PoolRefused("没有保存：每月上限不对。不限请留空。")


def about(pool: Pool, actor: User | None) -> Subject:
    return Subject(pool.station, pool.number, HIMSELF if actor is None else SYSTEM)


def held(pool: Pool, *, same_head: bool = True) -> Pool:
    """The pool as it is now, locked. Refuses a dissolved one, and one whose head changed meanwhile."""
    rows = Pool.objects.select_related("station", "company", "head")
    found = rows.select_for_update(of=("self",), no_key=True).get(pk=pool.pk)
    if found.closed_at is not None:
        raise PoolRefused(f"没有办理：{found} 已解散。")
    if same_head and found.head_id != pool.head_id:
        raise PoolRefused("没有办理：户主刚刚换了人。请刷新页面。")
    return found


def _able(member: Member) -> int:
    """The member's id, locked, or whom he became. Refuses who is frozen or closed."""
    stands = held_standing(member.pk)
    if not stands.may_earn:
        raise PoolRefused(f"没有办理：{stands.words}")
    return stands.member_id


@transaction.atomic
def open_family(*, head: Member, share_pct: int, at: datetime, actor: User | None) -> Pool:
    """A family's pool with its head in it. Refuses who is in a pool, waits, or is frozen."""
    terms = Terms(share_pct)
    _check(terms)
    member_id = _able(head)
    _refuse_taken(member_id, None, at)
    station = Member.objects.select_related("home_station").get(pk=member_id).home_station
    return _open(Pool(kind=Pool.Kind.FAMILY, head_id=member_id), station, at, actor, terms)


@transaction.atomic
def open_company(*, company: Company, at: datetime, actor: User) -> Pool:
    """A company's pool, still without drivers. Refuses a second one."""
    if Pool.objects.filter(company=company, closed_at=None).exists():
        raise PoolRefused(f"没有建立：{company.name} 已有积分池。")
    made = Pool(kind=Pool.Kind.COMPANY, company=company)
    return _open(made, company.station, at, actor, None)


def _open(
    pool: Pool, station: Station, at: datetime, actor: User | None, terms: Terms | None
) -> Pool:
    pool.number = next_in(f"{'F' if pool.is_family else 'W'}{station.code}", width=5)
    pool.station, pool.opened_at = station, at
    pool.account = PointsAccount.objects.create(holder=f"pool:{pool.number}")
    try:
        with transaction.atomic():
            pool.save()
    except IntegrityError as error:
        raise PoolRefused("没有建立：已经有积分池了。请刷新页面。") from error
    after = {"类别": pool.get_kind_display()}
    if terms is not None and pool.head_id is not None:
        _enter(pool, pool.head_id, terms, at)
        after["条件"] = terms.words()
    about(pool, actor).note("members.pool.opened", at, actor, after=after)
    return pool


def _enter(pool: Pool, member_id: int, terms: Terms, at: datetime) -> PoolMember:
    locked_account(member_id=member_id)
    return PoolMember.objects.create(
        pool=pool,
        member_id=member_id,
        state=State.ACTIVE,
        invited_at=at,
        joined_at=at,
        **vars(terms),
    )


def _refuse_taken(member_id: int, pool: Pool | None, at: datetime) -> None:
    """Refuse who is in a pool, or left another one too short a while ago. Ask with him locked."""
    mine = PoolMember.objects.filter(member=member_id)
    if mine.filter(state=State.ACTIVE).exists():
        raise PoolRefused("没有加入：这位会员已在一个积分池里，要先退出。")
    waits = mine.filter(free_from__gt=at)
    if pool is not None:
        waits = waits.exclude(pool=pool)
    until = waits.order_by("-free_from").values_list("free_from", flat=True).first()
    if until is not None:
        days = -(-(until - at) // timedelta(days=1))
        raise PoolRefused(f"没有加入：刚退出另一个积分池，还要等 {days} 天。")


def whom(text: str) -> Member | None:
    """The member of a whole phone or member number, as whom he became; None for nobody."""
    typed = text.strip()
    if not typed or "\x00" in typed:
        return None
    by_phone = Q(phone_index=blind_index("phone", typed)) & ~Q(phone_index="")
    found = Member.objects.select_related("merged_into").filter(by_phone | Q(number=typed)).first()
    found = found.merged_into or found if found else None
    return None if found is None or found.status == Member.Status.CLOSED else found


@kept()
@transaction.atomic
def invite(
    *,
    pool: Pool,
    member: Member | None,
    terms: Terms,
    at: datetime,
    actor: User | None,
    vehicle: Vehicle | None = None,
) -> PoolMember:
    """Ask a member into a pool; he is in it when he says yes. The same one again: the same invitation.

    Refuses when the pool is full, and whoever is not to be had, in the same words for all of them;
    OverTheLimit spending that a head gives soon after a change of his phone.
    """
    _check(terms)
    if actor is None:
        hold_head(pool)
    pool = held(pool)
    if actor is None and not head_is_well(pool):
        raise PoolRefused("没有邀请：您的会员资格已冻结。请到油站办理。")
    places = PoolMember.objects.filter(pool=pool)
    if member is not None:
        twin = places.filter(member=member, state=State.INVITED).first()
        if twin is not None:
            return twin
    if actor is None:
        _demand_head(pool, None, terms, at, "没有邀请")
    _refuse_full(pool)
    if places.filter(invited_at__gt=at - timedelta(days=1)).count() >= PER_DAY and pool.is_family:
        raise PoolRefused("没有邀请：今天邀请得太多了，请明天再试。")
    taken = member is None or member.pool_places.filter(state=State.ACTIVE).exists()
    if member is None or taken or member.status != Member.Status.ACTIVE:
        raise PoolRefused(
            "没有邀请：没有找到可以邀请的会员。请核对手机号或会员号；"
            "对方要已经入会，且不在别的积分池里。"
        )
    if not pool.is_family and (vehicle is None or vehicle.company_id != pool.company_id):
        raise PoolRefused("没有添加：请选这个单位的车牌。")
    return _asked(pool, member, vehicle, terms, at, actor)


def _asked(
    pool: Pool,
    member: Member,
    vehicle: Vehicle | None,
    terms: Terms,
    at: datetime,
    actor: User | None,
) -> PoolMember:
    place = PoolMember.objects.create(
        pool=pool,
        member=member,
        vehicle=vehicle,
        state=State.INVITED,
        invited_at=at,
        **vars(terms),
    )
    about(pool, actor).note(
        "members.pool.invited", at, actor, after={"会员": member.number, "条件": terms.words()}
    )
    notices.tell(
        member=member,
        key=f"pool-invited:{place.pk}",
        subject=f"邀请加入{pool.get_kind_display()}积分",
        text=f"有人邀请您加入{pool}：{terms.words()}。同意的话请确认。",
        at=at,
        url="/m/family/",
    )
    return place


def head_is_well(pool: Pool) -> bool:
    """Whether the head of a family may rule it."""
    return pool.head is not None and pool.head.status == Member.Status.ACTIVE


def hold_head(pool: Pool) -> None:
    """Lock the head, before the pool: his phone stays as it is until the end."""
    if pool.head_id is not None:
        held_standing(pool.head_id)


def _demand_head(pool: Pool, before: Terms | None, after: Terms, at: datetime, undone: str) -> None:
    """Refuses OverTheLimit where a head opens spending to others that he may not do himself yet."""
    if pool.head_id is not None and after.lets_more_than(before):
        station = pool.station_id
        demand_spend(member_id=pool.head_id, at=at, station_id=station, actor=None, undone=undone)


def _refuse_full(pool: Pool) -> None:
    if not pool.is_family:
        return
    most = settings.whole(MOST, pool.station)
    if pool.members.filter(state__in=[State.ACTIVE, State.INVITED]).count() > most:
        raise PoolRefused(f"没有邀请：户主之外最多 {most} 人。可以先撤回没有确认的邀请。")


@transaction.atomic
def accept(*, place: PoolMember, seen: Terms, at: datetime, actor: User | None) -> PoolMember:
    """The invited one says yes to the terms that he saw; what he earns from now on is shared.

    Twice is once. Refuses who is in a pool or waits, and terms that changed since.
    """
    member_id = _able(place.member)
    pool = held(place.pool)
    place = PoolMember.objects.get(pk=place.pk)
    if place.state == State.ACTIVE:
        return place
    if place.state != State.INVITED:
        raise PoolRefused("没有加入：这份邀请已经撤回或过期。")
    if terms_of(place) != seen:
        raise PoolRefused("没有加入：条件刚刚改过，请再看一遍。")
    if member_id != place.member_id:
        raise PoolRefused("没有加入：会员号已合并，请对方重新邀请。")
    _refuse_taken(member_id, pool, at)
    locked_account(member_id=member_id)
    try:
        with transaction.atomic():
            PoolMember.objects.filter(pk=place.pk).update(state=State.ACTIVE, joined_at=at)
    except IntegrityError as error:
        raise PoolRefused(
            "没有加入：这辆车已有别的司机，或刚退出另一个积分池。请刷新页面。"
        ) from error
    place.refresh_from_db()
    PoolMember.objects.filter(member=member_id, state=State.INVITED).update(state=State.DECLINED)
    about(pool, actor).note(
        "members.pool.joined",
        at,
        actor,
        after={"会员": place.member.number, "条件": seen.words()},
    )
    if pool.head_id is not None:
        tell(pool, pool.head_id, f"joined:{place.pk}", "有人加入了家庭积分", at)
    return place


def tell(pool: Pool, member_id: int, key: str, words: str, at: datetime) -> None:
    notices.tell(
        member=member_id,
        key=f"pool:{pool.pk}:{key}",
        subject=f"{pool.get_kind_display()}积分",
        text=f"{pool}：{words}。",
        at=at,
        url="/m/family/",
    )


@transaction.atomic
def decline(*, place: PoolMember, at: datetime, actor: User | None) -> None:
    """An invitation is turned down or taken back. Twice is once."""
    rows = PoolMember.objects.filter(pk=place.pk, state=State.INVITED)
    if rows.update(state=State.DECLINED):
        about(place.pool, actor).note(
            "members.pool.declined", at, actor, after={"会员": place.member.number}
        )


@kept()
@transaction.atomic
def set_terms(*, place: PoolMember, terms: Terms, at: datetime, actor: User | None) -> None:
    """Change what a member brings and may spend; it holds for whatever is settled from now on.

    Refuses who has left, and OverTheLimit spending that a head widens soon after a change of his phone.
    """
    _check(terms)
    if actor is None:
        hold_head(place.pool)
    pool = held(place.pool)
    if actor is None and not head_is_well(pool):
        raise PoolRefused("没有保存：您的会员资格已冻结。请到油站办理。")
    pool_purses.locked_accounts([pool.account_id])
    place = PoolMember.objects.select_related("member").get(pk=place.pk)
    if place.state not in {State.INVITED, State.ACTIVE}:
        raise PoolRefused("没有保存：他已不在这个积分池里。")
    before = terms_of(place)
    if before == terms:
        return
    if actor is None:
        _demand_head(pool, before, terms, at, "没有保存")
    PoolMember.objects.filter(pk=place.pk).update(**vars(terms))
    about(pool, actor).note(
        "members.pool.terms",
        at,
        actor,
        before={"会员": place.member.number, "条件": before.words()},
        after={"会员": place.member.number, "条件": terms.words()},
    )
    tell(pool, place.member_id, f"terms:{place.pk}:{at:%s}", f"条件改为：{terms.words()}", at)
