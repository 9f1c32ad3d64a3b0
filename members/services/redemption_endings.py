"""How an order ends: handed out, its code used, cancelled or expired. Each once, whoever is faster.

Points go back by the ledger to the lots they came from, and the piece to the shelf, in the
transaction that ends the order: a second end finds nothing to move and takes all of itself back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Sum

from inventory.services import stock
from members.models import (
    PartnerOrder,
    PointsTxn,
    Purchase,
    Redemption,
    RedemptionEvent,
    Reward,
    RewardCoupon,
    RewardTopUp,
)
from members.queries.earn_rules import active_program
from members.queries.merged import ids_of
from members.services import pool_purses, pool_returns
from members.services.points import Cause
from station.errors import Refusal
from station.models import BusinessDay, Station, User
from station.money import ZERO
from station.queries.calendar import open_day
from station.services import audit

State, Kind = Redemption.State, Reward.Kind
BY_OTHERS: dict[str, type[RewardCoupon | RewardTopUp | PartnerOrder]] = {
    Kind.COUPON: RewardCoupon,
    Kind.TOP_UP: RewardTopUp,
    Kind.PARTNER: PartnerOrder,
}
PENDING, SUCCEEDED = RewardCoupon.Status.PENDING, RewardCoupon.Status.SUCCEEDED
FAILED, VOID = RewardCoupon.Status.FAILED, RewardCoupon.Status.VOID


class AlreadyEnded(Refusal):
    """The order was handed out, cancelled or expired before."""


class UnknownCode(Refusal):
    """No order of this station has that code."""


class NotPaid(Refusal):
    """The surcharge is not paid yet."""


class PartnerAtWork(Refusal):
    """The partner has the order; only his answer ends it."""


class ReasonMissing(Refusal):
    """A cancelled order says why."""


class ReferenceMissing(Refusal):
    """What another part gave is written down by its number."""


def verify(*, code: str, station: Station, at: datetime, actor: User) -> Redemption:
    """Use up a service's code at its station, once. Refuses UnknownCode, AlreadyEnded, NotPaid."""
    wanted = "".join(code.split()).replace("-", "").upper()
    order = (
        Redemption.objects.select_related("reward", "station")
        .filter(code=wanted, station=station)
        .exclude(code="")
        .first()
    )
    if order is None:
        raise UnknownCode(f"没有核销：本站没有核销码「{wanted[:12]}」。请核对后重输。")
    return fulfil(order=order, at=at, actor=actor)


@transaction.atomic
def fulfil(
    *, order: Redemption, at: datetime, actor: User | None, reference: str = ""
) -> Redemption:
    """Hand out the goods, use the code, or note under which number another part gave it.

    Refuses AlreadyEnded (also after its last day), NotPaid, ReferenceMissing, PartnerAtWork.
    """
    if order.kind == Kind.PARTNER and not _is_answered(order):
        raise PartnerAtWork(f"没有完成：{order.number} 等合作方答复。有了结果请在兑换单上登记。")
    by_others = order.kind in BY_OTHERS
    if by_others and not reference.strip():
        raise ReferenceMissing("没有完成：请填写券号或充值凭证号。")
    live = Q() if by_others else Q(expires_at__gt=at)
    moved = Redemption.objects.filter(live, pk=order.pk, state=State.RESERVED).update(
        state=State.FULFILLED,
        paid_document=_payment_of(order) if order.surcharge else "",
        reference=reference.strip()[:60],
        ended_at=at,
    )
    if not moved:
        _refuse_ended(order, "没有发放")
    if by_others and order.kind != Kind.PARTNER:
        _end_waiting(order, SUCCEEDED, at, reference=reference)
    order.refresh_from_db()
    _note(order, State.FULFILLED, at, actor, "")
    return order


def _is_answered(order: Redemption) -> bool:
    return PartnerOrder.objects.filter(redemption=order, status=SUCCEEDED).exists()


def _payment_of(order: Redemption) -> str:
    """The sale in which the member paid the surcharge of this order; refunds counted against it."""
    item = Reward.objects.select_related("surcharge_item").get(pk=order.reward_id).surcharge_item
    whose = ids_of(order.member.merged_into or order.member)
    bought = Purchase.objects.filter(member__in=whose, product=item.code if item else "")
    used = Redemption.objects.filter(member__in=whose).exclude(paid_document="")
    mine = used.filter(reward__surcharge_item=item).aggregate(total=Sum("surcharge"))["total"]
    paid = bought.aggregate(total=Sum("net"))["total"] or ZERO
    sale = (
        bought.filter(net__gte=order.surcharge, occurred_at__gte=order.requested_at)
        .exclude(document__in=used.values("paid_document"))
        .order_by("pk")
        .first()
    )
    if sale is None or paid - (mine or ZERO) < order.surcharge:
        name = item.name if item else "加价款"
        raise NotPaid(
            f"没有发放：{order.number} 要加 {order.surcharge} 元。"
            f"请先选这位会员收「{name}」，收款后再发放。"
        )
    return sale.document


@transaction.atomic
def cancel(*, order: Redemption, reason: str, at: datetime, actor: User | None) -> Redemption:
    """Take an order back: all points to their lots, the piece to the shelf. Audited, once.

    Refuses AlreadyEnded, ReasonMissing, and PartnerAtWork while a partner has the order.
    """
    if not reason.strip():
        raise ReasonMissing("没有取消：请写明原因。")
    if order.kind == Kind.PARTNER and _is_pending(order):
        raise PartnerAtWork(f"没有取消：{order.number} 已交合作方。请等答复，或登记他的结果。")
    return give_up(order=order, reason=reason, at=at, actor=actor)


def _is_pending(order: Redemption) -> bool:
    return PartnerOrder.objects.filter(redemption=order, status=PENDING).exists()


@transaction.atomic
def give_up(*, order: Redemption, reason: str, at: datetime, actor: User | None) -> Redemption:
    """Cancel without asking why or whose it is: what a partner's refusal does too."""
    _end(order, State.CANCELLED, returns=True, reason=reason, at=at, actor=actor)
    audit.record(
        at=at,
        actor=actor,
        station=order.station,
        action="members.redemption.cancelled",
        document=order.number,
        reason=reason.strip(),
        after={"退回积分": str(order.points if order.points_txn_id else 0)},
    )
    return order


def end_for(*, members: Collection[int], at: datetime, actor: User | None) -> None:
    """Locked members are being closed: their open orders are taken back, points and pieces with them.

    Refuses PartnerAtWork while a partner has one.
    """
    rows = Redemption.objects.select_related("reward", "station", "item", "points_txn")
    rows = rows.filter(member__in=members, state__in=[State.REQUESTED, State.RESERVED])
    for order in rows.order_by("pk"):
        if order.kind == Kind.PARTNER and _is_pending(order):
            raise PartnerAtWork(
                f"没有注销：兑换单 {order.number} 已交合作方，还没有答复。"
                "请等答复，或在兑换单上登记他的结果，再注销。"
            )
        give_up(order=order, reason="会员注销", at=at, actor=actor)


def expire_due(*, at: datetime, limit: int = 500) -> int:
    """End the orders whose last day is over; how many. What another part owes never expires here."""
    due = Redemption.objects.filter(
        Q(state=State.REQUESTED) | Q(state=State.RESERVED, kind__in=[Kind.GOODS, Kind.SERVICE]),
        expires_at__lte=at,
    )
    ended = 0
    for pk in list(due.order_by("expires_at", "pk").values_list("pk", flat=True)[:limit]):
        order = Redemption.objects.select_related("reward", "station", "item").get(pk=pk)
        try:
            expire(order=order, at=at)
        except AlreadyEnded:  # handed out or cancelled since it was looked for
            continue
        ended += 1
    return ended


@transaction.atomic
def expire(*, order: Redemption, at: datetime) -> Redemption:
    """End an order that nobody picked up; the points come back where the reward says so.

    Refuses AlreadyEnded, also where the order lives on.
    """
    returns = order.reward.returns_points
    _end(order, State.EXPIRED, returns=returns, reason="过期未领", at=at, actor=None)
    return order


def _end(
    order: Redemption,
    state: str,
    *,
    returns: bool,
    reason: str,
    at: datetime,
    actor: User | None,
) -> None:
    day = open_day(order.station)
    if day is None:
        raise AlreadyEnded(f"没有办理：{order.station.name} 没有营业日，请先完成上线。")
    order.refresh_from_db()
    back = _points_back(order, day, at, actor) if returns else None
    live = Q(expires_at__lte=at) if state == State.EXPIRED else Q()
    moved = Redemption.objects.filter(
        live,
        Q(points_txn=order.points_txn_id),
        pk=order.pk,
        state__in=[State.REQUESTED, State.RESERVED],
    ).update(state=state, returned_txn=back, ended_at=at)
    if not moved:
        _refuse_ended(order, "没有取消")
    if order.points_txn_id and order.item is not None:
        stock.put_gift_back(
            station=order.station,
            day=day,
            document=order.number,
            item=order.item,
            at=at,
            actor=actor,
        )
    _end_waiting(order, VOID, at, only_pending=True)
    order.refresh_from_db()
    _note(order, state, at, actor, reason)


def _points_back(
    order: Redemption, day: BusinessDay, at: datetime, actor: User | None
) -> PointsTxn | None:
    """What the order took, back to the lots; the same row where it was given back before."""
    if order.points_txn is None:
        return None
    program = active_program()
    assert program is not None  # what was spent under it cannot be deleted
    cause = Cause(
        key=f"reward-back:{order.number}",
        at=at,
        date=day.date,
        document=order.number,
        station_id=order.station_id,
        actor=actor,
        reason=f"退回 {order.reward.name}",
    )
    rows = pool_purses.spent_rows(order.points_txn.idem.removesuffix(pool_purses.POOL))
    return pool_returns.cancel_spent(
        held=pool_returns.accounts_for(rows),
        rows=rows,
        upto=sum(row.amount for row in rows),
        program=program,
        cause=cause,
    )


def _end_waiting(
    order: Redemption, status: str, at: datetime, *, reference: str = "", only_pending: bool = False
) -> None:
    table = BY_OTHERS.get(order.kind)
    if table is None:
        return
    rows = table.objects.filter(redemption=order, status=PENDING)
    moved = rows.update(status=status, reference=reference.strip()[:60], done_at=at)
    if not moved and not only_pending:
        raise AlreadyEnded(f"没有完成：{order.number} 的发放已办过。请刷新页面。")


def _refuse_ended(order: Redemption, what: str) -> None:
    order.refresh_from_db()
    if order.state in {State.REQUESTED, State.RESERVED}:
        raise AlreadyEnded(f"{what}：{order.number} 已过有效期，或还没有扣积分。请刷新页面。")
    raise AlreadyEnded(
        f"{what}：{order.number} {order.get_state_display()}，不能再办。请刷新页面。"
    )


def _note(order: Redemption, state: str, at: datetime, actor: User | None, reason: str) -> None:
    RedemptionEvent.objects.create(
        redemption=order, state=state, at=at, actor=actor, reason=reason.strip()[:200]
    )
