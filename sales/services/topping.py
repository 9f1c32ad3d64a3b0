"""充值与储值退款: money of the drawer, under a document of its own. No sale, no revenue, no tax.

The money is an advance (预收), so that the session's tenders and the day's figures hold it and the
drawer ties out; what is owed for it stands in the ledger of the account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.timezone import localtime

from members.models import Member, TopUpPlan, ValueAccount
from members.queries.value import rule_of
from members.services import value_topping
from members.services.value_keeping import (
    ValueRefused,
    demand,
    demand_good,
    demand_member,
    locked_one,
    successor,
)
from sales.models import Payment, Receipt, Tender, TopUp
from sales.queries.selling import locked_session
from sales.queries.topups import Back, terms_of
from sales.services import writing
from sales.services.keys import check_key
from sales.services.settling import SessionEnded
from sales.services.writing import PRINT, Money
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO, Yuan
from station.services import audit
from station.services.numbering import next_number
from station.services.waking import wake

SAME_CUSTOMER = timedelta(minutes=30)  # bearer cards bought one after the other at one till


@dataclass(frozen=True)
class Asked:
    """What a customer wants to top up, and how it is paid. Yuan."""

    amount: Yuan
    tender: Tender
    reference: str = ""
    plan: TopUpPlan | None = None
    buyer: Member | None = None


def top_up(
    *,
    account: ValueAccount,
    asked: Asked,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
) -> TopUp:
    """Take money for stored value; again with the same key, the same document.

    Refuses an ended session, a frozen account or member, what the rules on prepaid cards forbid
    (OverLimit, RealNameNeeded), a bearer card that is over, a plan out of force, stored value as tender, a missing slip number.
    """
    check_key(key, refused=ValueRefused, undone="没有充值")
    try:
        with transaction.atomic():
            return _top_up(account, asked, session, actor, at, key)
    except (IntegrityError, Refusal) as error:
        twin = TopUp.objects.filter(client_key=key).first()
        if twin is None:
            raise error
        return _same(twin, (account.pk, asked.amount) == (twin.account_id, twin.principal))


def _top_up(
    account: ValueAccount,
    asked: Asked,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
) -> TopUp:
    held = locked_session(session=session, key=key)
    twin = TopUp.objects.filter(client_key=key).first()
    if twin is not None:
        return _same(twin, (account.pk, asked.amount) == (twin.account_id, twin.principal))
    _demand_open(held, "没有充值")
    if asked.tender.kind == Tender.Kind.VALUE:
        raise ValueRefused("没有充值：不能用储值充储值。请换一种付款方式。")
    reference = _reference(asked.tender, asked.reference, "没有充值")
    kept = locked_one(account)
    demand(kept, undone="没有充值")
    demand_good(kept, at=at, undone="没有充值")
    demand_member(kept, undone="没有充值")
    bonus = value_topping.check_plan(
        plan=asked.plan, account=kept, amount=asked.amount, at=localtime(at)
    )
    limits = value_topping.limits_of(held.station)
    value_topping.check(
        account=kept,
        amount=asked.amount,
        bonus=bonus,
        limits=limits,
        bought=_bought_just_now(held, at) if kept.kind == ValueAccount.Kind.BEARER else ZERO,
        buyer=asked.buyer,
    )
    top = TopUp(kind=TopUp.Kind.TOPUP, account=kept, plan=asked.plan, tender=asked.tender)
    top.principal, top.bonus, top.buyer = asked.amount, bonus, asked.buyer
    top.rule = rule_of(amount=asked.amount, bonus=bonus, days=limits.refund_days)
    _write(top, held, actor, at, key)
    value_topping.book(
        account=kept,
        principal=top.principal,
        bonus=bonus,
        document=top.number,
        day=held.shift.day,
        at=at,
        actor=actor,
    )
    money = Money(Payment.Kind.ADVANCE, asked.tender, asked.amount, reference)
    _pay(top, money, held, at)
    return top


def refund(
    *,
    top: TopUp,
    amount: Yuan,
    reference: str,
    reason: str,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
    approver: User | None = None,
) -> TopUp:
    """Give principal of a top-up back by the way it came; bonus is taken back first, by the rule.

    `amount` is principal given up; what is paid out is less by bonus that was spent already, except
    in the first days. Audited. Again with the same key, the same document. Refuses more than is
    left, a lost account, a missing reason or slip number.
    """
    check_key(key, refused=ValueRefused, undone="没有退款")
    try:
        with transaction.atomic():
            hands = _Hands(session, actor, approver, at, reason, key)
            return _refund(top, amount, reference, hands)
    except (IntegrityError, Refusal) as error:
        twin = TopUp.objects.filter(client_key=key).first()
        if twin is None:
            raise error
        return _same(twin, (top.pk, amount) == (twin.original_id, twin.gone))


def _refund(top: TopUp, amount: Yuan, reference: str, by: _Hands) -> TopUp:
    held = locked_session(session=by.session, key=by.key)
    by = replace(by, session=held)
    twin = TopUp.objects.filter(client_key=by.key).first()
    if twin is not None:
        return _same(twin, (top.pk, amount) == (twin.original_id, twin.gone))
    _demand_open(held, "没有退款")
    if not by.reason.strip():
        raise ValueRefused("没有退款：请写明原因。")
    if top.kind != TopUp.Kind.TOPUP or top.station_id != held.station_id:
        raise ValueRefused(f"没有退款：{top.number} 不是本站的充值单。")
    said = _reference(top.tender, reference, "没有退款")
    kept = locked_one(successor(top.account))
    demand(kept, undone="没有退款", but=[ValueAccount.Status.FROZEN])
    terms = terms_of(top=top, account=kept, days=_days(held), at=by.at)
    if not ZERO < amount <= terms.most:
        raise ValueRefused(
            f"没有退款：{top.number} 还能退本金 {terms.most} 元（充值 {top.principal} 元，"
            f"已退 {terms.gone} 元，账户本金 {kept.principal} 元）。"
        )
    made = _give_back(kept, top, terms.of(amount), by, said)
    audit.record(
        at=by.at,
        actor=by.actor,
        station=held.station,
        action="sales.top_up.refunded",
        document=top.number,
        reason=made.reason,
        after={
            "document": made.number,
            "amount": str(made.principal),
            "tender": top.tender.code,
            **({"approver": by.approver.name} if by.approver else {}),
        },
    )
    return made


@dataclass(frozen=True)
class _Hands:
    """Whose drawer pays, who gives the money back, who signed, when, why, and the page's key."""

    session: TillSession
    actor: User
    approver: User | None
    at: datetime
    reason: str
    key: str


def _give_back(account: ValueAccount, top: TopUp, back: Back, by: _Hands, reference: str) -> TopUp:
    """The document, the rows of the ledger and the money of a refund."""
    made = TopUp(kind=TopUp.Kind.REFUND, account=account, original=top, tender=top.tender)
    made.principal, made.bonus, made.withheld = back.paid_out, back.bonus, back.withheld
    made.rule, made.reason, made.approved_by = top.rule, by.reason.strip(), by.approver
    _write(made, by.session, by.actor, by.at, by.key)
    value_topping.book_refund(
        account=account,
        paid_out=back.paid_out,
        withheld=back.withheld,
        bonus=back.bonus,
        document=made.number,
        day=by.session.shift.day,
        at=by.at,
        actor=by.actor,
    )
    if back.paid_out:
        paid = Payment.objects.get(document=top.number, kind=Payment.Kind.ADVANCE)
        money = Money(Payment.Kind.REFUND, top.tender, -back.paid_out, reference, paid)
        _pay(made, money, by.session, by.at)
    return made


def _days(session: TillSession) -> int:
    return value_topping.limits_of(session.station).refund_days


def _write(top: TopUp, session: TillSession, actor: User, at: datetime, key: str) -> None:
    top.station, top.session, top.shift = session.station, session, session.shift
    top.day = session.shift.day
    top.cashier, top.client_key, top.occurred_at = actor, key, at
    top.number = next_number(
        station=session.station,
        kind="VC" if top.kind == TopUp.Kind.TOPUP else "VR",
        day=session.shift.day.date,
        till=session.till.number,
    )
    top.save(force_insert=True)


def _pay(top: TopUp, money: Money, session: TillSession, at: datetime) -> None:
    """The money in the session, and the paper."""
    writing.add_payments(sale=None, document=top.number, money=[money], at=at, session=session)
    if session.has_printer:  # type: ignore[attr-defined]
        Receipt.objects.create(
            station=session.station,
            kind=Receipt.Kind.TOPUP,
            document=top.number,
            opens_drawer=money.tender.opens_drawer,
            asked_by=top.cashier,
            asked_at=at,
        )
        wake(PRINT)


def _bought_just_now(session: TillSession, at: datetime) -> Yuan:
    """What was put on bearer cards at this till in the last half hour: one customer's, we must think."""
    rows = TopUp.objects.filter(
        session=session,
        kind=TopUp.Kind.TOPUP,
        account__kind=ValueAccount.Kind.BEARER,
        occurred_at__gt=at - SAME_CUSTOMER,
    )
    total: Yuan = rows.aggregate(total=Sum("principal", default=ZERO))["total"]
    return total


def _demand_open(session: TillSession, undone: str) -> None:
    if session.status != TillSession.Status.OPEN:
        raise SessionEnded(f"{undone}：收银班已结束。请开新的收银班。")


def _reference(tender: Tender, reference: str, undone: str) -> str:
    if tender.needs_reference and not reference.strip():
        raise ValueRefused(f"{undone}：{tender.name} 须填凭证号（小票上的流水号）。")
    return reference.strip()


def _same(twin: TopUp, is_it: bool) -> TopUp:
    """What this key made; refuses a key that made something else."""
    if not is_it:
        raise ValueRefused(f"没有办理：这一页已用来办理 {twin.number}。请刷新后重新填写。")
    return twin
