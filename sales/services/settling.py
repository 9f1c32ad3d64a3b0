"""收款: a ticket becomes a sale, exactly once.

Three steps. `freeze` prices the ticket and refuses what cannot be sold; nothing is written. Then
tenders that ask a gateway ask it, with no transaction open (cash, card slips and manual entries
are taken at the till and ask nobody). `complete` writes the sale with the frozen offer, and does
not refuse for a reason that `freeze` could have given. While no tender asks a gateway, the first
and the last step share one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction
from psycopg2.errors import ForeignKeyViolation

from marketing.queries.quoting import Offer
from members.queries.standing import Standing, held_standing
from members.queries.tier_benefits import Held, held_at
from members.services.risk import OverTheLimit
from members.services.value_spending import Hold
from sales.models import FillClaim, Payment, Sale, Tender
from sales.queries.offers import apply_offer, offer_to_settle
from sales.queries.selling import (
    Shelf,
    locked_session,
    price_lines,
    shelf_of,
    tender_table,
)
from sales.queries.tickets import MOST, Ticket
from sales.queries.totals import Paid, PricedLine, settle_up
from sales.services import discounts, offering, points, value_tenders, writing
from sales.services.tenders import check_tenders, demand_tenders
from sales.services.writing import Money
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO
from station.services.numbering import next_number

UNKNOWN = "没有收款：单上的会员或加油员不存在。请去掉会员、重选加油员后再收。"


class FillTaken(Refusal):
    """The fill belongs to another document or is held by another till."""


class SessionEnded(Refusal):
    """The till session takes no more money."""


class PriceMoved(Refusal):
    """What the screen showed is not what the ticket comes to."""


class AlreadySold(Refusal):
    """The key was settled with another total: the ticket was changed after it was paid."""


class NotForSale(Refusal):
    """A line names what cannot be sold here."""


@dataclass(frozen=True)
class Frozen:
    """A ticket priced and checked: what will be written, down to the change."""

    ticket: Ticket
    lines: tuple[PricedLine, ...]
    money: tuple[Money, ...]
    paid: Paid
    by_hand: bool
    offer: Offer
    tier: Held
    value: tuple[Hold, ...] = ()
    stands: Standing | None = None


def settle(
    ticket: Ticket,
    *,
    session: TillSession,
    actor: User,
    at: datetime,
    approver: User | None = None,
) -> Sale:
    """Take full payment for a ticket and return its sale; again with the same key, the same sale.

    Amounts in yuan. Refuses FillTaken, SessionEnded, NotForSale, PriceMoved, WrongPayment, a hand
    discount above the role's limit without an approver, and goods that are not on the shelf.
    """
    try:
        with transaction.atomic():
            held = locked_session(session=session, key=ticket.key, member=ticket.member_id)
            if held.settled:  # type: ignore[attr-defined]
                return _same(Sale.objects.get(client_key=ticket.key), ticket)
            if held.status != TillSession.Status.OPEN:
                raise SessionEnded("没有收款：收银班已结束。请开新的收银班后再收，明细仍在屏幕上。")
            frozen = freeze(ticket, session=held, actor=actor, at=at, approver=approver)
            return complete(frozen, session=held, actor=actor, at=at, approver=approver)
    except (IntegrityError, Refusal) as error:
        return _settled_meanwhile(ticket, error)


def _settled_meanwhile(ticket: Ticket, error: IntegrityError | Refusal) -> Sale:
    """Another request was first: with this key it was ours; with one of the fills it was not.

    A twin that waited for the lock looked for its sale before that one was there, so a refusal is
    believed only when the key is still unknown.
    """
    twin = Sale.objects.filter(client_key=ticket.key).first()
    if twin is not None:
        return _same(twin, ticket)
    if isinstance(error, OverTheLimit):
        error.keep()
    if isinstance(error, Refusal):
        raise error
    if isinstance(error.__cause__, ForeignKeyViolation):
        raise NotForSale(UNKNOWN) from error
    taken = (
        FillClaim.objects.select_related("fill__nozzle")
        .filter(fill__in=ticket.fill_ids, released_at=None)
        .first()
    )
    if taken is None:
        raise error
    raise FillTaken(
        f"没有收款：{taken.fill.nozzle} {taken.fill.amount} 元刚被 {taken.document} 收走。"
        "请从单上删去这一笔。"
    ) from error


def _same(sale: Sale, ticket: Ticket) -> Sale:
    """The sale of the key, where it is the one on the screen: else more was put on it since."""
    if ticket.shown_due is not None and ticket.shown_due != sale.due:
        raise AlreadySold(
            f"没有再收：这一单已收 {sale.due} 元（{sale.number}），屏幕上却是 {ticket.shown_due} 元。"
            "请清空，把没收过的重新上单。"
        )
    return sale


def freeze(
    ticket: Ticket, *, session: TillSession, actor: User, at: datetime, approver: User | None
) -> Frozen:
    """Price the ticket, apply the offer and hand discounts, and see that it is paid. No writes."""
    ticket, stands = _member_of(ticket)
    shelf = shelf_of(ticket=ticket, station=session.station, at=at)
    _check_shelf(ticket, shelf, session)
    listed = price_lines(ticket=ticket, shelf=shelf)
    tier = held_at(member_id=ticket.member_id, at=at)
    offer = offer_to_settle(lines=listed, ticket=ticket, session=session, held=tier, at=at)
    lines = apply_offer(listed, offer)
    by_hand = discounts.given_by_hand(ticket)
    if by_hand:
        lines = discounts.apply(ticket, lines)
        discounts.check_limit(
            ticket=ticket, lines=lines, station=session.station, actor=actor, approver=approver
        )
    if ticket.points:
        points.demand_spend(ticket=ticket, stands=stands, session=session, actor=actor, at=at)
        lines = points.pay_part(ticket=ticket, lines=lines)
    tenders = tender_table()
    check_tenders(ticket.tenders, tenders)
    demand_tenders(ticket.tenders, tenders, limits=offer.limits)
    ticket, value = value_tenders.hold(
        ticket=ticket,
        tenders=tenders,
        figures=session.figures,  # type: ignore[attr-defined]
        at=at,
    )
    cash = sum((t.amount for t in ticket.tenders if _is_cash(tenders[t.tender])), ZERO)
    other = sum((t.amount for t in ticket.tenders), ZERO) - cash
    net = sum((line.net for line in lines), ZERO)
    if sum((line.list_amount for line in lines), ZERO) > MOST:
        raise NotForSale(f"没有收款：整单超过 {MOST} 元。请核对数量，或分开收。")
    paid = settle_up(net=net, cash=cash, other=other, step=session.station.rounding_step)
    if ticket.shown_due is not None and ticket.shown_due != paid.due:
        raise PriceMoved(
            f"没有收款：屏幕上是 {ticket.shown_due} 元，现在应收 {paid.due} 元（价格已变）。"
            "请看清新的金额再收。"
        )
    money = _money(ticket, tenders, paid)
    return Frozen(ticket, tuple(lines), money, paid, by_hand, offer, tier, value, stands)


def _member_of(ticket: Ticket) -> tuple[Ticket, Standing | None]:
    """The ticket of whom its member became, and how he stands; locked before anything of his."""
    if ticket.member_id is None:
        return ticket, None
    stands = held_standing(ticket.member_id)
    if not stands.number:
        raise NotForSale(UNKNOWN)
    return replace(ticket, member_id=stands.member_id), stands


def _is_cash(tender: Tender) -> bool:
    return tender.kind == Tender.Kind.CASH


def _money(ticket: Ticket, tenders: dict[str, Tender], paid: Paid) -> tuple[Money, ...]:
    """The payment rows: what was handed over, and the change as a row of its own."""
    rows = [
        Money(Payment.Kind.PAYMENT, tenders[one.tender], one.amount, one.reference)
        for one in ticket.tenders
    ]
    if paid.change:
        cash = next(row.tender for row in rows if _is_cash(row.tender))
        rows.append(Money(Payment.Kind.CHANGE, cash, -paid.change))
    return tuple(rows)


def _check_shelf(ticket: Ticket, shelf: Shelf, session: TillSession) -> None:
    seen: set[int] = set()
    for line in ticket.lines:
        if line.fill_id is not None:
            if line.fill_id in seen:
                raise NotForSale("没有收款：同一笔加油在单上出现了两次。请删去一行。")
            seen.add(line.fill_id)
            _check_fill(line.fill_id, shelf, session)
        elif line.item_id is not None:
            item = shelf.items.get(line.item_id)
            if item is None or not item.active:
                name = item.name if item else line.name or "这件商品"
                raise NotForSale(f"没有收款：{name} 已停售。请从单上删去，或请站长恢复在售。")
            if item.kind != line.kind:
                raise NotForSale(f"没有收款：{item.name} 的类别不对。请删去后重新添加。")
        else:
            raise NotForSale("没有收款：单上的油品没有加油记录。请从待付款里重新添加。")


def _check_fill(fill_id: int, shelf: Shelf, session: TillSession) -> None:
    fill = shelf.fills.get(fill_id)
    if fill is None:
        raise NotForSale("没有收款：找不到这笔加油记录。请刷新待付款后重新添加。")
    words = f"{fill.nozzle} {fill.amount} 元"
    claimed, prepaid = fill.claimed_by, fill.prepaid_by  # type: ignore[attr-defined]
    if claimed or prepaid:
        raise FillTaken(
            f"没有收款：{words} 已由 {claimed or f'预付单 {prepaid}'} 收款。请从单上删去这一笔。"
        )
    held_by, held_till = fill.held_by, fill.held_till  # type: ignore[attr-defined]
    if held_by is not None and held_by != session.pk:
        raise FillTaken(
            f"没有收款：{words} 已被 {held_till} 号收银台锁定。请在那边收款，或让那边退回。"
        )


@transaction.atomic(savepoint=False)
def complete(
    frozen: Frozen, *, session: TillSession, actor: User, at: datetime, approver: User | None
) -> Sale:
    """Write the sale of a frozen ticket: claims, goods out, payments, purchases, receipt, audit."""
    day = session.shift.day
    number = next_number(station=session.station, kind="S", day=day.date, till=session.till.number)
    head = head_of(frozen.lines, paid=frozen.paid, session=session)
    head.number = number
    head.client_key = frozen.ticket.key
    head.cashier = actor
    head.member_id = frozen.ticket.member_id
    head.approved_by = approver
    head.reason = frozen.ticket.reason
    head.occurred_at = at
    if frozen.offer.discount:
        offering.redeem(frozen.offer, head=head, key=frozen.ticket.key, actor=actor)
    writing.add_sale(
        head=head,
        lines=frozen.lines,
        money=frozen.money,
        tier=frozen.tier,
        stands=frozen.stands,
        plate=frozen.ticket.plate,
    )
    if frozen.ticket.fill_ids:
        writing.claim_fills(lines=frozen.lines, document=number, day=day, at=at)
    value_tenders.take(holds=frozen.value, head=head)
    writing.take_goods(head=head, lines=frozen.lines, actor=actor)
    if session.has_printer:  # type: ignore[attr-defined]
        writing.ask_for_receipt(head=head, actor=actor, at=at, money=frozen.money)
    if frozen.by_hand:
        discounts.record(head=head, lines=frozen.lines, actor=actor, approver=approver, at=at)
    return head


def head_of(lines: Sequence[PricedLine], *, paid: Paid, session: TillSession) -> Sale:
    """The head of a sale in a session, with its sums; numbers, keys and people are the caller's."""
    return Sale(
        station=session.station,
        day=session.shift.day,
        shift=session.shift,
        session=session,
        till=session.till,
        list_amount=sum((line.list_amount for line in lines), ZERO),
        discount=sum((line.discount for line in lines), ZERO),
        rounding=paid.rounding,
        due=paid.due,
        tax=sum((line.tax for line in lines), ZERO),
    )
