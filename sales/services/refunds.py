"""退款与冲红: money goes back against the original, by another sale with negative lines.

A refund gives back goods by quantity and anything by amount, cumulatively never more than was
sold. The fuel is in the car: it is refunded by amount only. A reversal takes the whole sale back
and makes its fills unpaid again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from sales.models import FillClaim, Payment, Sale, SaleLine
from sales.queries.refundable import LineLeft, lines_left, tenders_left
from sales.queries.selling import locked_session
from sales.queries.totals import Paid, PricedLine
from sales.services import offering, value_tenders, writing
from sales.services.keys import check_key
from sales.services.points import give_points_back
from sales.services.settling import SessionEnded, head_of
from sales.services.writing import Money
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO, Yuan, round_yuan
from station.services import audit
from station.services.numbering import next_number


class RefundRefused(Refusal):
    """More than is left, the wrong way, or without a reason."""


@dataclass(frozen=True)
class RefundLine:
    """What to give back of one line: a quantity of goods, or an amount of money."""

    position: int
    quantity: Decimal = Decimal(0)
    amount: Yuan = ZERO


@dataclass(frozen=True)
class Hands:
    """Whose drawer the money leaves, who gives it back, who signed for it, and when."""

    session: TillSession
    actor: User
    approver: User | None
    at: datetime


def refund(
    *,
    sale: Sale,
    lines: Sequence[RefundLine],
    reason: str,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
    references: Mapping[str, str] | None = None,
    approver: User | None = None,
) -> Sale:
    """Give back part or all of a sale, to the tenders it was paid by; goods go back on the shelf.

    `session` is whose drawer pays, `approver` who signed where the actor may only ask (checked by
    the view). Again with the same key, the same refund. Refuses more than is left of a line, fuel
    by the litre, a reversed sale, a missing reason or slip number.
    """
    check_key(key, refused=RefundRefused, undone="没有退款")
    by = Hands(session, actor, approver, at)
    try:
        with transaction.atomic():
            return _refund(sale, lines, reason, by, key, references or {})
    except (IntegrityError, Refusal) as error:
        return _twin(sale, key, error)


def _refund(
    sale: Sale,
    asked: Sequence[RefundLine],
    reason: str,
    by: Hands,
    key: str,
    references: Mapping[str, str],
) -> Sale:
    held = locked_session(session=by.session, key=key)
    if held.settled:  # type: ignore[attr-defined]
        return _known(sale, key)
    original = _open_original(sale, held, reason)
    left = {one.line.position: one for one in lines_left(sale=original)}
    lines = [_back(left, one) for one in asked if one.quantity or one.amount]
    if not lines:
        raise RefundRefused("没有退款：没有选要退的明细。请填写数量或金额。")
    net = sum((line.net for line in lines), ZERO)
    everything = -net == sum((one.net for one in left.values()), ZERO)
    rounding = -original.rounding if everything else ZERO
    money = _to_tenders(original, -(net + rounding), references)
    head = _head(held, original, Sale.Kind.REFUND, lines, rounding, key, reason, by)
    _write(head, original, lines, left, money, whole=everything)
    writing.return_goods(head=head, lines=lines, actor=by.actor)
    _leave_traces(held, head, original, "sales.refund", money, by)
    return head


def reverse(
    *,
    sale: Sale,
    reason: str,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
    references: Mapping[str, str] | None = None,
    approver: User | None = None,
) -> Sale:
    """冲红: take a whole sale back; its fills are unpaid again, its goods on the shelf.

    Once per sale; again with the same key, the same reversal. Refuses a sale with refunds, a
    refund itself, a missing reason or slip number. `approver` as in `refund`.
    """
    check_key(key, refused=RefundRefused, undone="没有退款")
    by = Hands(session, actor, approver, at)
    try:
        with transaction.atomic():
            return _reverse(sale, reason, by, key, references or {})
    except (IntegrityError, Refusal) as error:
        return _twin(sale, key, error)


def _reverse(
    sale: Sale,
    reason: str,
    by: Hands,
    key: str,
    references: Mapping[str, str],
) -> Sale:
    held = locked_session(session=by.session, key=key)
    if held.settled:  # type: ignore[attr-defined]
        return _known(sale, key)
    original = _open_original(sale, held, reason)
    if original.corrections.exists():
        raise RefundRefused(f"没有冲红：{original.number} 已有退款。请按明细退其余部分。")
    left = {one.line.position: one for one in lines_left(sale=original)}
    lines = [
        _negative(one, quantity=one.quantity, list_amount=one.list_amount, net=one.net)
        for one in left.values()
    ]
    money = _to_tenders(original, original.due, references)
    head = _head(held, original, Sale.Kind.REVERSAL, lines, -original.rounding, key, reason, by)
    _write(head, original, lines, left, money, whole=True)
    FillClaim.objects.filter(document=original.number, released_at=None).update(
        released_at=by.at, released_day=head.day, released_by_document=head.number
    )
    writing.return_goods(head=head, lines=lines, actor=by.actor)
    _leave_traces(held, head, original, "sales.reversal", money, by)
    return head


def _twin(sale: Sale, key: str, error: IntegrityError | Refusal) -> Sale:
    """The same refund from a request that was first; else the error is the answer."""
    if not Sale.objects.filter(client_key=key).exists():
        raise error
    return _known(sale, key)


def _known(sale: Sale, key: str) -> Sale:
    """What this key made; refuses a key that made something of another sale."""
    twin = Sale.objects.get(client_key=key)
    if twin.original_id != sale.pk:
        raise RefundRefused(f"没有退款：这一页已用来办理 {twin.number}。请刷新后重新填写。")
    return twin


def _open_original(sale: Sale, session: TillSession, reason: str) -> Sale:
    """The original, locked: two refunds of one sale go one after the other."""
    if session.status != TillSession.Status.OPEN:
        raise SessionEnded("没有退款：收银班已结束。请在开着的收银班里退。")
    if not reason.strip():
        raise RefundRefused("没有退款：请写明原因。")
    original = Sale.objects.select_for_update(of=("self",), no_key=True).get(pk=sale.pk)
    if original.station_id != session.station_id or original.kind != Sale.Kind.SALE:
        raise RefundRefused(f"没有退款：{original.number} 不是本站的销售单。")
    if original.corrections.filter(kind=Sale.Kind.REVERSAL).exists():
        raise RefundRefused(f"没有退款：{original.number} 已冲红。")
    return original


def _back(left: Mapping[int, LineLeft], asked: RefundLine) -> PricedLine:
    one = left.get(asked.position)
    if one is None or asked.quantity < 0 or asked.amount < 0:
        raise RefundRefused("没有退款：明细行号或数量不对。请重新选择。")
    name = one.line.name
    if asked.quantity and one.line.kind == SaleLine.Kind.FUEL:
        raise RefundRefused(f"没有退款：{name} 的油已加出，只能退金额；整单收错请用冲红。")
    if asked.quantity > one.quantity:
        raise RefundRefused(
            f"没有退款：{name} 还能退 {one.quantity.normalize():f}，要退 {asked.quantity.normalize():f}。"
        )
    if asked.quantity:
        return _by_quantity(one, asked.quantity)
    if asked.amount > one.net:
        raise RefundRefused(f"没有退款：{name} 还能退 {one.net} 元，要退 {asked.amount} 元。")
    return _negative(one, quantity=Decimal(0), list_amount=asked.amount, net=asked.amount)


def _by_quantity(one: LineLeft, quantity: Decimal) -> PricedLine:
    if quantity == one.quantity:
        return _negative(one, quantity=quantity, list_amount=one.list_amount, net=one.net)
    share = quantity / one.line.quantity
    net = min(round_yuan(one.line.net * share), one.net)
    listed = max(round_yuan(one.line.list_amount * share), net)
    return _negative(one, quantity=quantity, list_amount=listed, net=net)


def _negative(one: LineLeft, *, quantity: Decimal, list_amount: Yuan, net: Yuan) -> PricedLine:
    line = one.line
    unit_cost = line.cost / line.quantity if line.quantity else Decimal(0)
    return PricedLine(
        position=line.position,
        kind=line.kind,
        name=line.name,
        product=line.item.code if line.item else line.grade.code if line.grade else "",
        category=line.item.category.name
        if line.item
        else line.grade.get_kind_display()
        if line.grade
        else "",
        quantity=-quantity,
        unit_price=line.unit_price,
        list_amount=-list_amount,
        tax_rate=line.tax_rate,
        unit_cost=unit_cost,
        fill_id=line.fill_id,
        grade_id=line.grade_id,
        item_id=line.item_id,
        attendant_id=line.attendant_id,
        discount=-(list_amount - net),
        reason=line.discount_reason,
    )


def _to_tenders(original: Sale, total: Yuan, references: Mapping[str, str]) -> list[Money]:
    """Refund payments for a positive total: cards and entries first, up to what each brought in."""
    rows = []
    for tender, brought in tenders_left(sale=original).items():
        part = min(brought, total)
        if part <= 0:
            continue
        reference = references.get(tender.code, "").strip()
        if tender.needs_reference and not reference:
            raise RefundRefused(f"没有退款：{tender.name} 的退款须填凭证号（退款小票上的流水号）。")
        paid = original.payments.filter(tender=tender, amount__gt=0).order_by("pk").first()
        rows.append(Money(Payment.Kind.REFUND, tender, -part, reference, paid))
        total -= part
    if total:
        raise RefundRefused(f"没有退款：原付款只剩可退 {-sum(r.amount for r in rows)} 元。")
    return rows


def _head(
    session: TillSession,
    original: Sale,
    kind: str,
    lines: Sequence[PricedLine],
    rounding: Yuan,
    key: str,
    reason: str,
    by: Hands,
) -> Sale:
    due = sum((line.net for line in lines), ZERO) + rounding
    head = head_of(lines, paid=Paid(due=due, rounding=rounding, change=ZERO), session=session)
    head.kind = kind
    head.original = original
    head.member_id = original.member_id
    head.number = next_number(
        station=session.station,
        kind="R" if kind == Sale.Kind.REFUND else "X",
        day=session.shift.day.date,
        till=session.till.number,
    )
    head.client_key = key
    head.cashier = by.actor
    head.approved_by = by.approver
    head.reason = reason.strip()
    head.occurred_at = by.at
    return head


def _write(
    head: Sale,
    original: Sale,
    lines: Sequence[PricedLine],
    left: Mapping[int, LineLeft],
    money: Sequence[Money],
    *,
    whole: bool,
) -> None:
    offering.take_back(
        head=head, original=original, lines=lines, left=left, whole=whole, actor=head.cashier
    )
    writing.add_sale(
        head=head,
        lines=lines,
        money=money,
        originals={position: one.line.pk for position, one in left.items()},
        points=give_points_back(head=head, original=original, lines=lines, left=left),
    )
    value_tenders.give_back(head=head, original=original, money=money)


def _leave_traces(
    session: TillSession,
    head: Sale,
    original: Sale,
    action: str,
    money: Sequence[Money],
    by: Hands,
) -> None:
    if session.has_printer:  # type: ignore[attr-defined]
        writing.ask_for_receipt(head=head, actor=by.actor, at=by.at, money=money)
    signed = {"approver": by.approver.name} if by.approver else {}
    audit.record(
        at=by.at,
        actor=by.actor,
        station=head.station,
        action=action,
        document=original.number,
        reason=head.reason,
        before={"due": str(original.due)},
        after={
            "document": head.number,
            "due": str(head.due),
            "tenders": {one.tender.code: str(one.amount) for one in money},
            **signed,
        },
    )
