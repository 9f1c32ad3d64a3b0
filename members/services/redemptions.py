"""兑换: points become a gift, a code or a coupon, once per key.

requested → reserved → fulfilled, or cancelled, or expired; each step one conditional UPDATE, its row
in the order's path, and everything that goes with it in one transaction. Locks: the reward where it
is rationed, the points account, the number series, the item.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from inventory.services import stock
from members.models import (
    Member,
    PartnerOrder,
    Redemption,
    RedemptionEvent,
    Reward,
    RewardCoupon,
    RewardTopUp,
)
from members.queries.rewards import Taken, closed, lives_until, taken
from members.queries.standing import held_standing, standing
from members.services import pool_purses
from members.services.points import Cause, NotEnoughPoints
from members.services.presence import NotPresent, Presence
from members.services.redemption_endings import AlreadyEnded, fulfil
from members.services.risk import OverTheLimit, demand_spend
from station.errors import Refusal
from station.models import BusinessDay, Station, Till, User
from station.money import ZERO
from station.queries.calendar import open_day
from station.services import audit
from station.services.numbering import next_number
from station.services.waking import wake

State, Kind = Redemption.State, Reward.Kind
ASK_PARTNERS = "members.tasks.ask_partners"
TOP_UP_REWARDS = "members.tasks.top_up_rewards"
REQUEST_LIVES = timedelta(days=1)
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another
CODE_LENGTH = 8


class NotRedeemable(Refusal):
    """The reward is not to be had now: off the shelf, sold out, or over a limit."""


class TooFewPoints(NotRedeemable):
    """The member lacks points; the words say how many."""


class MemberNotActive(NotRedeemable):
    """The member is frozen or closed."""


@dataclass(frozen=True)
class Wish:
    """What is to be redeemed for whom and where. `key` makes asking twice the same as once."""

    key: str
    member: Member
    reward: Reward
    station: Station
    channel: str = Redemption.Channel.TILL
    till: Till | None = None


def redeem(
    *, wish: Wish, presence: Presence, at: datetime, actor: User | None, hand_out: bool = False
) -> Redemption:
    """Take a reward for a member who is there; again with the same key, the same order.

    `hand_out`: goods that he takes along are fulfilled at once. Refuses TooFewPoints, NotRedeemable,
    MemberNotActive, NotEnoughStock, PointsFrozen, and a presence that was used before.
    """
    try:
        with transaction.atomic():
            order = request(wish=wish, at=at, actor=actor)
            if order.state != State.REQUESTED:
                return order
            order = reserve(order=order, presence=presence, at=at, actor=actor)
            if hand_out and order.kind == Kind.GOODS and not order.surcharge:
                order = fulfil(order=order, at=at, actor=actor)
            return order
    except (IntegrityError, Refusal) as error:
        return _taken_meanwhile(wish, error)


def _taken_meanwhile(wish: Wish, error: IntegrityError | Refusal) -> Redemption:
    """A twin that waited looked before the order was there: believe a refusal only without one."""
    twin = Redemption.objects.filter(client_key=wish.key, points_txn__isnull=False).first()
    if twin is not None:
        return _same(twin, wish)
    if isinstance(error, OverTheLimit):
        error.keep()
    if "a_swipe_proves_presence_once" in str(error):
        raise NotPresent(
            "没有兑换：这次刷卡或手机码已兑过一单。请会员再刷一次卡，或再扫一次手机码。"
        ) from error
    raise error


def _same(order: Redemption, wish: Wish) -> Redemption:
    his = order.member_id == wish.member.pk or order.member_id == standing(wish.member.pk).member_id
    if order.reward_id != wish.reward.pk or not his:
        raise NotRedeemable(f"没有兑换：这一步已办过（{order.number}）。请返回后重新选择。")
    return order


@transaction.atomic
def request(*, wish: Wish, at: datetime, actor: User | None) -> Redemption:
    """Open an order with its number; nothing is taken yet. Again with the same key, the same order.

    Refuses what cannot be had now. It expires after a day where nobody reserves it.
    """
    twin = Redemption.objects.filter(client_key=wish.key).first()
    if twin is not None:
        return _same(twin, wish)
    reward = _held(wish.reward)
    day = _day(wish.station)
    member_id = _spender(wish.member.pk)
    _refuse(reward, closed(reward, at))
    purse = pool_purses.locked_purse(member_id=member_id)
    twin = Redemption.objects.filter(client_key=wish.key).first()  # by who held the account
    if twin is not None:
        return _same(twin, wish)
    counts = taken([reward], member_id=member_id, at=at).get(reward.pk, Taken())
    _refuse(reward, counts.refuses(reward))
    cause = _cause("", day, wish.station.pk, at, actor, "", "")
    pool_purses.sweep(purse, cause)
    _refuse_poor(pool_purses.usable(purse, cause), reward)
    order = Redemption.objects.create(
        number=next_number(
            station=wish.station,
            kind="DH",
            day=day.date,
            till=wish.till.number if wish.till else 0,
        ),
        client_key=wish.key,
        station=wish.station,
        till=wish.till,
        member_id=member_id,
        reward=reward,
        kind=reward.kind,
        points=reward.cost_points,
        surcharge=reward.surcharge_item.price if reward.surcharge_item else ZERO,
        item=reward.item,
        channel=wish.channel,
        requested_at=at,
        requested_by=actor,
        expires_at=at + REQUEST_LIVES,
    )
    _note(order, State.REQUESTED, at, actor)
    return order


def _spender(member_id: int) -> int:
    """Whose points are spent: the member, locked, or whom he became. Refuses who may not spend."""
    stands = held_standing(member_id)
    if not stands.may_spend:
        raise MemberNotActive(f"没有兑换：{stands.words}")
    return stands.member_id


def _held(reward: Reward) -> Reward:
    """The reward as it is now; locked where others' orders count against it."""
    rows = Reward.objects.select_related("item", "surcharge_item")
    found = rows.get(pk=reward.pk)
    if found.is_rationed:
        found = rows.select_for_update(of=("self",), no_key=True).get(pk=reward.pk)
    return found


def _day(station: Station) -> BusinessDay:
    day = open_day(station)
    if day is None:
        raise NotRedeemable("没有兑换：本站还没有开始营业日。请站长先完成上线。")
    return day


def _refuse(reward: Reward, why: str) -> None:
    if why:
        raise NotRedeemable(f"没有兑换：「{reward.name}」{why}。请换一种。")


def _refuse_poor(balance: int, reward: Reward) -> None:
    missing = reward.cost_points - balance
    if missing > 0:
        raise TooFewPoints(
            f"没有兑换：「{reward.name}」要 {reward.cost_points} 分，"
            f"可用 {balance} 分，还差 {missing} 分。"
        )


@transaction.atomic
def reserve(
    *, order: Redemption, presence: Presence, at: datetime, actor: User | None
) -> Redemption:
    """Take the points and the piece of an open order for a member who is there.

    Refuses TooFewPoints, PointsFrozen, NotEnoughStock and an order that is no longer open.
    """
    spender = _spender(order.member_id)
    demand_spend(
        member_id=spender, at=at, station_id=order.station_id, actor=actor, undone="没有兑换"
    )
    purse = pool_purses.locked_purse(member_id=spender)
    day, reward = _day(order.station), order.reward
    cause = _cause(
        f"reward:{order.number}", day, order.station_id, at, actor, order.number, reward.name
    )
    try:
        txn = pool_purses.spend(purse=purse, points=order.points, cause=cause)[0]
    except NotEnoughPoints as error:
        _refuse_poor(pool_purses.usable(purse, cause), reward)
        raise error
    moved = Redemption.objects.filter(pk=order.pk, state=State.REQUESTED, expires_at__gt=at).update(
        state=State.RESERVED,
        points_txn=txn,
        presence=presence.kind,
        presence_ref=presence.reference,
        code=_code() if order.kind == Kind.SERVICE else "",
        expires_at=lives_until(reward, at),
    )
    if not moved:
        raise AlreadyEnded(f"没有兑换：{order.number} 已办过或已失效。请刷新后重新选择。")
    order.refresh_from_db()
    _note(order, State.RESERVED, at, actor)
    if order.item is not None:
        stock.give_away(
            station=order.station,
            day=day,
            document=order.number,
            item=order.item,
            at=at,
            actor=actor,
        )
    _ask_others(order, at)
    _note_vouched(order, presence, at, actor)
    return order


def _note_vouched(order: Redemption, presence: Presence, at: datetime, actor: User | None) -> None:
    if presence.kind == Redemption.Presence.VOUCHED:
        audit.record(
            at=at,
            actor=actor,
            station=order.station,
            action="members.redemption.vouched",
            document=order.number,
            reason=f"本人由 {presence.reference.removeprefix('user:')} 核验",
            after={"兑换": order.reward.name, "积分": str(order.points)},
        )


def _ask_others(order: Redemption, at: datetime) -> None:
    """Leave the row that another part takes: a coupon to issue, an amount to top up, a partner."""
    reward = order.reward
    if order.kind == Kind.COUPON:
        RewardCoupon.objects.create(
            redemption=order, template=reward.template, value=reward.value, made_at=at
        )
        wake(settings.ISSUE_REWARD_COUPONS)
    elif order.kind == Kind.TOP_UP:
        RewardTopUp.objects.create(redemption=order, amount=reward.value, made_at=at)
        wake(TOP_UP_REWARDS)
    elif order.kind == Kind.PARTNER:
        PartnerOrder.objects.create(redemption=order, partner=reward.partner, made_at=at)
        wake(ASK_PARTNERS)


def _code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def _cause(
    key: str,
    day: BusinessDay,
    station_id: int,
    at: datetime,
    actor: User | None,
    document: str,
    name: str,
) -> Cause:
    return Cause(
        key=key,
        at=at,
        date=day.date,
        document=document,
        station_id=station_id,
        actor=actor,
        reason=f"兑换 {name}" if name else "",
    )


def _note(order: Redemption, state: str, at: datetime, actor: User | None) -> None:
    RedemptionEvent.objects.create(redemption=order, state=state, at=at, actor=actor)
