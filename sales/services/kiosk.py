"""What a member does at a kiosk: takes a reward, orders a top-up, and has his slips printed.

A kiosk takes no money: it has no person and, as long as no gateway is connected, no way of paying.
A top-up is an order with a number that a cashier takes in one step, within half an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from devices.models import Printer
from members.models import KioskVisit, Redemption, Reward, TopUpPlan, ValueAccount
from members.queries.value import account_of_member
from members.services import kiosk, redemptions, value_accounts, value_topping
from members.services.redemptions import Wish
from members.services.risk import kept
from members.services.value_keeping import ValueRefused, demand
from sales.models import KioskOrder, Receipt, Tender, TopUp
from sales.queries.kiosk import printer_of_order, why_not
from sales.services import topping
from sales.services.keys import check_key
from sales.services.printing import PRINT
from sales.services.rewards import known
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO
from station.queries.calendar import open_day
from station.services.numbering import next_number
from station.services.waking import wake

GOOD_FOR = timedelta(minutes=30)
State = KioskOrder.State


class NotOrdered(Refusal):
    """Nothing can be ordered here now."""


class NotOpen(Refusal):
    """The order is paid, cancelled or too old."""


# ------------------------------------------------------------------------------ points


@kept()
def redeem(*, visit: KioskVisit, reward: Reward, key: str, at: datetime) -> Redemption:
    """A reward for the member at the kiosk, and its slip. The same key is the same order.

    Refuses what `members.services.redemptions.redeem` refuses, and NotPresent without a proof.
    """
    check_key(key, refused=NotOrdered, undone="没有兑换")
    member = visit.member_id
    try:
        with transaction.atomic():
            done = known(key=key, member_id=member, reward_id=reward.pk)
            return done or _redeem(visit, reward, key, at)
    except (IntegrityError, Refusal) as error:
        # A twin that waited for the proof found it taken: the order that it was taken for is his.
        done = known(key=key, member_id=member, reward_id=reward.pk)
        if done is None:
            raise error
        return done


def _redeem(visit: KioskVisit, reward: Reward, key: str, at: datetime) -> Redemption:
    order = redemptions.redeem(
        wish=Wish(
            key=key,
            member=visit.member,
            reward=reward,
            station=visit.kiosk.station,
            channel=Redemption.Channel.KIOSK,
        ),
        presence=kiosk.take_proof(visit=visit, at=at),
        at=at,
        actor=None,
    )
    printer = visit.kiosk.printer
    if printer is not None and printer.active:
        _queue(order.number, Receipt.Kind.REWARD, printer, at)
    return order


# ------------------------------------------------------------------------------ stored value


def order_top_up(*, visit: KioskVisit, plan: TopUpPlan, key: str, at: datetime) -> KioskOrder:
    """An order for a plan, to be paid at a till within half an hour. The same key is the same order.

    The member's open order before it is cancelled: one at a time. Refuses what the till would
    refuse: a plan out of force, a frozen account, what the rules on prepaid cards forbid.
    """
    check_key(key, refused=NotOrdered, undone="没有下单")
    try:
        with transaction.atomic():
            twin = KioskOrder.objects.filter(client_key=key).first()
            return _own(twin, visit) if twin else _order(visit, plan, key, at)
    except (IntegrityError, Refusal) as error:
        twin = KioskOrder.objects.filter(client_key=key).first()
        if twin is None:
            if isinstance(error, IntegrityError):
                raise NotOrdered("没有下单：刚在另一台终端下了一单。请按“结束”后重试。") from error
            raise error
        return _own(twin, visit)


def _own(order: KioskOrder, visit: KioskVisit) -> KioskOrder:
    if order.member_id != visit.member_id:
        raise NotOrdered("没有下单：这一页已用过。请返回后重新选择。")
    return order


def _order(visit: KioskVisit, plan: TopUpPlan, key: str, at: datetime) -> KioskOrder:
    station, member = visit.kiosk.station, visit.member
    day = open_day(station)
    if day is None:
        raise NotOrdered("没有下单：本站还没有开始营业日。请到收银台询问。")
    bonus = _checked(visit, plan, at)
    KioskOrder.objects.filter(member=member, state=State.OPEN).update(
        state=State.CANCELLED, ended_at=at
    )
    order = KioskOrder.objects.create(
        station=station,
        kiosk=visit.kiosk,
        number=next_number(station=station, kind="ZC", day=day.date),
        member=member,
        plan=plan,
        amount=plan.amount,
        bonus=bonus,
        client_key=key,
        ordered_at=at,
        expires_at=at + GOOD_FOR,
    )
    printer = printer_of_order(order)
    if printer is not None:
        _queue(order.number, Receipt.Kind.KIOSK, printer, at)
    return order


def _checked(visit: KioskVisit, plan: TopUpPlan, at: datetime) -> Decimal:
    """What the till would refuse is refused here, before anybody queues; returns the bonus."""
    member, station = visit.member, visit.kiosk.station
    account = account_of_member(member.pk)
    if account is None:  # opened at the till, when it is paid
        account = ValueAccount(kind=ValueAccount.Kind.NAMED, station=station, member=member)
        account.number = "新账户"
    else:
        demand(account, undone="没有下单")
    bonus = value_topping.check_plan(
        plan=plan, account=account, amount=plan.amount, at=localtime(at)
    )
    value_topping.check(
        account=account,
        amount=plan.amount,
        bonus=bonus,
        limits=value_topping.limits_of(station),
        bought=ZERO,
        buyer=None,
    )
    return bonus


@transaction.atomic
def cancel(*, visit: KioskVisit, number: str, at: datetime) -> None:
    """The member does not want it any more. What is paid stays; twice is once."""
    mine = KioskOrder.objects.filter(number=number, member=visit.member_id, state=State.OPEN)
    mine.update(state=State.CANCELLED, ended_at=at)


@transaction.atomic
def take(
    *,
    number: str,
    tender: Tender,
    reference: str,
    session: TillSession,
    actor: User,
    at: datetime,
) -> TopUp:
    """Take the money of an order at a till: the top-up, once. Twice at one till is the same top-up.

    Refuses NotOpen one that is cancelled, too old or paid at another till (who would take the money
    a second time), and what a top-up at the till refuses.
    """
    # Locked alone: a row joined to it would be as it was before the other till was done.
    order = (
        KioskOrder.objects.select_for_update(no_key=True)
        .filter(number=number.strip().upper(), station=session.station_id)
        .first()
    )
    if order is None:
        raise NotOpen(f"没有收款：没有自助充值单 {number}。请核对单号。")
    if order.top_up is not None and order.top_up.session_id == session.pk:
        return order.top_up
    why = why_not(order, at=at)
    if why:
        raise NotOpen(f"没有收款：{why}")
    member = order.member.merged_into or order.member
    account = value_accounts.open_named(member=member, station=session.station, at=at, actor=actor)
    if order.plan.bonus != order.bonus:
        raise ValueRefused(
            f"没有收款：档位“{order.plan.name}”的赠送刚改过（{order.bonus} 改为 {order.plan.bonus}）。"
            "请顾客重新下单。"
        )
    top = topping.top_up(
        account=account,
        asked=topping.Asked(order.amount, tender, reference, order.plan),
        session=session,
        actor=actor,
        at=at,
        key=f"kiosk:{order.number}",
    )
    KioskOrder.objects.filter(pk=order.pk).update(state=State.PAID, top_up=top, ended_at=at)
    return top


# ------------------------------------------------------------------------------ paper


def _queue(document: str, kind: str, printer: Printer, at: datetime) -> None:
    """A waiting slip for the kiosk's printer; the same document is one paper."""
    _, made = Receipt.objects.get_or_create(
        document=document,
        kind=kind,
        copy=1,
        defaults={"station_id": printer.station_id, "printer": printer, "asked_at": at},
    )
    if made:
        wake(PRINT)
