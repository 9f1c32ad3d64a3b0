"""积分互通: a partner's request moves points once per his number, and is taken back whole and once.

Locks: the member, the partner where all of a day is bounded, the points account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate

from members.models import (
    ExchangeOrder,
    ExchangePartner,
    Member,
    PartnerProgram,
    PointsAccount,
    PointsTxn,
)
from members.queries.earn_rules import active_program
from members.queries.exchanges import State, Way, exchanged_on, points_for, program_on
from members.queries.partner_months import is_closed
from members.queries.present_codes import PATTERN
from members.queries.standing import held_standing
from members.services import points as ledger
from members.services import points_returning
from members.services.noting import about
from members.services.points import Cause, Kind
from members.services.points_adjusting import write_off_gone
from members.services.points_clawing import expired_credit, take
from members.services.pools import whom
from members.services.present_codes import arrive
from members.services.risk import demand_spend, kept
from station.errors import Refusal
from station.models import User
from station.services.audit import SYSTEM, Subject
from station.services.numbering import next_number

MOST = 10**8
DOOR_LASTS = timedelta(days=30)  # so long a partner takes an exchange back by himself


class ExchangeRefused(Refusal):
    """What cannot be exchanged now."""


class OtherOrder(Refusal):
    """The partner used the number before for something else."""


@dataclass(frozen=True)
class Asked:
    """What a partner asks. `who` is the code of the member's phone, or, coming in, his number."""

    partner: ExchangePartner
    number: str
    way: str
    who: str
    theirs: int


@kept()
def exchange(*, asked: Asked, at: datetime) -> ExchangeOrder:
    """Move points as a partner asks; his number again is the same order, whoever asked faster.

    Refuses OtherOrder, CodeRefused, NotEnoughPoints, PointsFrozen, ExchangeRefused what the
    programme does not allow, and OverTheLimit points out soon after a change of phone.
    """
    known = known_order(partner=asked.partner, number=asked.number)
    if known is not None:
        return _same(known, asked)
    try:
        with transaction.atomic():
            return _exchange(asked, at)
    except (IntegrityError, Refusal) as error:
        known = known_order(partner=asked.partner, number=asked.number)
        if known is None:
            if isinstance(error, IntegrityError):  # the month was closed in this instant
                _refuse_closed(asked.partner, localdate(at), "没有兑换")
            raise error
        return _same(known, asked)


def known_order(*, partner: ExchangePartner, number: str) -> ExchangeOrder | None:
    """The order of a partner's number. One statement."""
    rows = ExchangeOrder.objects.select_related("member", "partner", "txn")
    return rows.filter(partner=partner, partner_no=number).first()


def _same(order: ExchangeOrder, asked: Asked) -> ExchangeOrder:
    if (order.way, order.theirs) != (asked.way, asked.theirs):
        raise OtherOrder(f"单号 {asked.number} 已用过，方向或分数不同。请换一个单号。")
    return order


def _exchange(asked: Asked, at: datetime) -> ExchangeOrder:
    day = localdate(at)
    partner, program = _terms(asked, day)
    member_id = _member(asked, partner, at)
    if program.daily_all is not None:
        ExchangePartner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    account = ledger.locked_account(member_id=member_id)
    wanted = points_for(program=program, way=asked.way, theirs=asked.theirs)
    _refuse_beyond(program, member_id, wanted, day)
    number = next_number(station=partner.station, kind="JH", day=day)
    fee = program.fee if asked.way == Way.OUT else 0
    cause = Cause(
        key=f"exchange:{partner.code}:{asked.number}",
        at=at,
        date=day,
        document=number,
        station_id=partner.station_id,
        reason=f"{'换成' if asked.way == Way.OUT else '换自'}{partner.name}积分 {asked.theirs} 分",
    )
    terms = active_program()
    if terms is None:
        raise ExchangeRefused("没有兑换：本站还没有积分方案。")
    if asked.way == Way.OUT:
        txn = ledger.redeem(
            account=account, points=wanted + fee, cause=cause, kind=Kind.EXCHANGE_OUT
        )
    else:
        txn = ledger.issue(
            account=account, points=wanted, program=terms, cause=cause, kind=Kind.EXCHANGE_IN
        )
    return ExchangeOrder.objects.create(
        number=number,
        partner=partner,
        program=program,
        partner_no=asked.number,
        way=asked.way,
        member_id=member_id,
        theirs=asked.theirs,
        points=wanted,
        fee=fee,
        state=State.DONE,
        txn_id=txn.pk,
        day=day,
        at=at,
    )


def _terms(asked: Asked, day: date) -> tuple[ExchangePartner, PartnerProgram]:
    """The partner as he is now, and what is exchanged with him on a day."""
    partner = ExchangePartner.objects.select_related("station").get(pk=asked.partner.pk)
    if not partner.active:
        raise ExchangeRefused("没有兑换：合作已停用。")
    program = program_on(partner=partner, day=day)
    _refuse_closed(partner, day, "没有兑换")
    if program is None:
        raise ExchangeRefused("没有兑换：现在没有生效的兑换方案。")
    if not 0 < asked.theirs <= MOST:
        raise ExchangeRefused("没有兑换：分数不对。")
    return partner, program


def _refuse_closed(partner: ExchangePartner, day: date, undone: str) -> None:
    """Refuse what would be of a month that was closed; the database refuses it too."""
    if is_closed(partner=partner, day=day):
        raise ExchangeRefused(f"{undone}：{day:%Y-%m} 的对账单已经结账。")


def _member(asked: Asked, partner: ExchangePartner, at: datetime) -> int:
    """Whose points move, locked: who shows his phone's code, or, when he only gets, his number.

    Refuses OverTheLimit who may not spend yet, for points out.
    """
    if PATTERN.fullmatch(asked.who.strip().upper()):
        found: Member | None = arrive(code=asked.who, station=partner.station, at=at, actor=None)
    elif asked.way == Way.OUT:
        raise ExchangeRefused("没有兑换：换出积分要会员本人出示手机上的会员码。")
    else:
        found = whom(asked.who)
    if found is None:
        raise ExchangeRefused("没有兑换：没有这个会员。")
    stands = held_standing(found.pk)
    if not stands.may_spend:
        raise ExchangeRefused("没有兑换：这位会员现在不能兑换积分。")
    if asked.way == Way.OUT:
        member_id, where = stands.member_id, partner.station_id
        demand_spend(member_id=member_id, at=at, station_id=where, actor=None, undone="没有兑换")
    return stands.member_id


def _refuse_beyond(program: PartnerProgram, member_id: int, wanted: int, day: date) -> None:
    """Refuse less or more than the programme allows. Ask with the account locked."""
    if not program.least <= wanted <= program.most:
        raise ExchangeRefused(
            f"没有兑换：折合 {wanted} 分，一次应为 {program.least} 至 {program.most} 分。"
        )
    partner = program.partner
    his = exchanged_on(partner=partner, day=day, member_id=member_id)
    if his + wanted > program.daily:
        left = max(program.daily - his, 0)
        raise ExchangeRefused(f"没有兑换：每人每天最多 {program.daily} 分，今天还可兑 {left} 分。")
    if program.daily_all is not None:
        everybody = exchanged_on(partner=partner, day=day)
        if everybody + wanted > program.daily_all:
            raise ExchangeRefused("没有兑换：今天的兑换额度已用完，请明天再来。")


def reverse_at_door(*, order: ExchangeOrder, reason: str, at: datetime) -> ExchangeOrder:
    """Take an exchange back as its partner asks, within 30 days. Refuses what `reverse` refuses."""
    if order.state == State.DONE and at - order.at > DOOR_LASTS:
        raise ExchangeRefused("没有冲回：已超过 30 天。请联系油站，由油站冲回。")
    return reverse(order=order, reason=reason, at=at, actor=None)


@transaction.atomic
def reverse(
    *, order: ExchangeOrder, reason: str, at: datetime, actor: User | None
) -> ExchangeOrder:
    """Take an exchange back, whole: points out return to their lots, points in are taken back.

    What of the latter was spent meanwhile is owed; by a closed member nothing. Twice is once. Refuses without a reason. Audited.
    """
    if len(reason.strip()) < 2:
        raise ExchangeRefused("没有冲回：请写明原因。")
    held_standing(order.member_id)
    account = ledger.locked(account_id=order.txn.account_id)
    order = ExchangeOrder.objects.select_related("partner__station", "txn", "member").get(
        pk=order.pk
    )
    if order.state == State.REVERSED:
        return order
    day = localdate(at)
    _refuse_closed(order.partner, day, "没有冲回")
    cause = Cause(
        key=f"{order.txn.idem}:back",
        at=at,
        date=day,
        document=order.number,
        station_id=order.partner.station_id,
        actor=actor,
        reason=f"冲回与{order.partner.name}的兑换",
    )
    txn = _back(order, account, cause)
    write_off_gone(ids=[account.pk], cause=cause)
    _mark(order, txn, reason, at, actor)
    Subject(
        order.partner.station, order.number, order.partner.name if actor is None else SYSTEM
    ).note(
        "members.exchange.reversed",
        at,
        actor,
        reason=reason.strip(),
        after={"会员": order.member.number, "积分": str(order.points)},
    )
    about(order.member).note(
        "members.exchange.reversed", at, actor, reason=reason.strip(), after={"单号": order.number}
    )
    order.refresh_from_db()
    return order


def _mark(
    order: ExchangeOrder, txn: PointsTxn, reason: str, at: datetime, actor: User | None
) -> None:
    rows = ExchangeOrder.objects.filter(pk=order.pk, state=State.DONE)
    try:
        with transaction.atomic():
            rows.update(
                state=State.REVERSED,
                back_txn=txn,
                reversed_at=at,
                reversed_day=localdate(at),
                reversed_by=actor,
                reason=reason.strip()[:200],
            )
    except IntegrityError:  # the month was closed in this instant
        _refuse_closed(order.partner, localdate(at), "没有冲回")
        raise


def _back(order: ExchangeOrder, account: PointsAccount, cause: Cause) -> PointsTxn:
    program = active_program()
    assert program is not None  # what was moved under it cannot be deleted
    ledger.sweep(account, cause)
    whole = order.txn.amount
    if order.way == Way.IN:
        expired = min(whole, expired_credit(order.txn))
        return take(account, order.txn, whole, expired, program, cause, Kind.EXCHANGE_OUT)
    account.balance += whole
    txn = ledger.note(
        account, Kind.EXCHANGE_IN, cause, amount=whole, delta=whole, reverses=order.txn
    )
    account.balance -= whole
    points_returning.give_back_lots(account, txn, order.txn, whole, program, cause)
    ledger.offset_debt(account, cause)
    ledger.keep(account)
    return txn


def orders_stand(order: ExchangeOrder) -> dict[str, object]:
    """What the partner is told of an order."""
    return {
        "no": order.partner_no,
        "order": order.number,
        "way": order.way,
        "state": order.state,
        "theirs": order.theirs,
        "points": order.points,
        "fee": order.fee,
    }
