"""断网补传: what a till sold while the server was away arrives, each exactly once, never refused.

The words of the till are kept first, then booked. A fill somebody else was paid for, goods that
were not there, an ended session or a closed day are no reason to refuse: the money is in the
drawer. They are booked on what is open and put on 待处理 with their money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction
from django.utils.dateparse import parse_datetime

from members.models import Member
from sales.models import Discrepancy, OfflineUpload, Payment, Sale, SaleLine, Tender
from sales.queries.selling import fuel_line, item_line, locked_session, shelf_of
from sales.queries.tickets import BadTicket, Ticket, TicketLine, read_id, read_ticket, storable
from sales.queries.totals import Paid, PricedLine, WrongPayment, settle_up
from sales.queries.uploads import UNREADABLE, uploads_waiting
from sales.services import discrepancies, writing
from sales.services.settling import head_of
from sales.services.writing import Money
from station.models import BusinessDay, Grade, Shift, Till, TillSession, User
from station.money import ZERO, Yuan, round_yuan
from station.queries import wording
from station.queries.calendar import open_day
from station.services.numbering import next_number

Kind = Discrepancy.Kind
RACES = 3
log = structlog.get_logger(__name__)


@dataclass
class Oddities:
    """What did not fit in one upload, with its money."""

    found: list[tuple[str, str, Yuan, str]] = field(default_factory=list)

    def add(self, kind: str, subject: str, amount: Yuan, text: str) -> None:
        """Note one."""
        self.found.append((kind, subject, amount, text))


def receive(*, till: Till, body: Mapping[str, Any], at: datetime) -> OfflineUpload:
    """Take in one offline sale: kept word for word, then booked. Again, it is the same upload.

    Never refuses; what cannot be booked now (no session is open) waits for a worker.
    """
    upload = _kept(till, body, at)
    take_in(upload_id=upload.pk, at=at)
    upload.refresh_from_db()
    return upload


def take_in(*, upload_id: int, at: datetime) -> bool:
    """Book an upload, or put on 待处理 what no row can hold; whether there is a sale of it.

    One that cannot be booked must keep neither the others of its till nor the day's close waiting.
    """
    for attempt in range(RACES):
        try:
            return book(upload_id=upload_id, at=at) is not None
        except IntegrityError as error:  # a till was faster with one of the fills: look again
            if attempt == RACES - 1:
                _set_aside(upload_id, error, at)
        except (DataError, ArithmeticError, ValueError) as error:
            _set_aside(upload_id, error, at)
            break
    return False


@transaction.atomic
def _set_aside(upload_id: int, error: Exception, at: datetime) -> None:
    upload = OfflineUpload.objects.select_related("till__station").get(pk=upload_id)
    log.error("upload_not_booked", upload=upload.pk, error=str(error)[:300])
    day = open_day(upload.till.station)
    if day is not None:
        odd = Oddities()
        _note_unreadable(odd, upload)
        _raise(odd, upload, day, upload.client_key, at)


def _note_unreadable(odd: Oddities, upload: OfflineUpload) -> None:
    odd.add(
        Kind.AMOUNT_DIFFERS,
        UNREADABLE,
        _yuan(upload.body.get("due")),
        f"断网单 {upload.local_number} 的内容无法识别，没有入账，请人工核对后补录。",
    )


@transaction.atomic
def _kept(till: Till, body: Mapping[str, Any], at: datetime) -> OfflineUpload:
    words: dict[str, Any] = storable(body)
    key = str(words.get("key") or f"no-key:{till.pk}:{words.get('number')}")[:60]
    sold_at = _instant(words.get("at"), at)
    upload, _ = OfflineUpload.objects.get_or_create(
        client_key=key,
        defaults={
            "till": till,
            "local_number": str(words.get("number") or "")[:40],
            "body": words,
            "sold_at": sold_at,
            "received_at": at,
        },
    )
    return upload


def _instant(text: Any, at: datetime) -> datetime:
    """When the till says it sold; a clock that runs ahead is taken back to now."""
    try:
        said = parse_datetime(str(text))
    except ValueError:
        said = None
    return min(said, at) if said is not None and said.tzinfo is not None else at


def book_waiting(*, at: datetime, limit: int = 100) -> int:
    """Book uploads that found no open session when they arrived; how many."""
    ids = list(uploads_waiting().order_by("pk").values_list("pk", flat=True)[:limit])
    return sum(take_in(upload_id=pk, at=at) for pk in ids)


@transaction.atomic
def book(*, upload_id: int, at: datetime) -> Sale | None:
    """Make the sale of an upload; None while there is nowhere to book it, or it is no ticket."""
    upload = (
        OfflineUpload.objects.select_for_update(of=("self",))
        .select_related("till__station")
        .get(pk=upload_id)
    )
    if upload.sale_id is not None:
        return upload.sale
    twin = Sale.objects.filter(client_key=upload.client_key).first()
    if twin is None:
        twin = _booked(upload, at)
    if twin is not None:
        upload.sale = twin
        upload.save(update_fields=["sale"])
    return twin


def _booked(upload: OfflineUpload, at: datetime) -> Sale | None:
    odd = Oddities()
    session = _session_for(upload, odd)
    if session is None:
        return None
    try:
        ticket = read_ticket(upload.body)
        lines = _lines(ticket, session, upload, odd)
    except BadTicket:
        _note_unreadable(odd, upload)
        _raise(odd, upload, session.shift.day, upload.client_key, at)
        return None
    money, paid = _money(ticket, lines, session, odd)
    head = head_of(lines, paid=paid, session=session)
    head.source = Sale.Source.OFFLINE
    head.number = next_number(
        station=session.station,
        kind="S",
        day=session.shift.day.date,
        till=upload.till.number,
    )
    head.till = upload.till
    head.client_key = upload.client_key
    head.cashier = _cashier(upload, session)
    head.member_id = _member(ticket)
    head.reason = upload.local_number
    head.occurred_at = upload.sold_at
    writing.add_sale(head=head, lines=lines, money=money, plate=ticket.plate)
    writing.claim_fills(lines=lines, document=head.number, day=session.shift.day, at=at)
    for short in writing.take_goods(head=head, lines=lines, actor=None, allow_negative=True):
        line = next(one for one in lines if one.item_id == short.item_id)
        odd.add(
            Kind.NEGATIVE_STOCK,
            f"item:{short.item_id}",
            line.net,
            f"断网单 {upload.local_number} 卖出 {line.name}，库存成了 {short.balance.normalize():f}。",
        )
    _raise(odd, upload, session.shift.day, head.number, at)
    return head


def _session_for(upload: OfflineUpload, odd: Oddities) -> TillSession | None:
    """The session it was sold in while its drawer is not counted; else an open one, and a note."""
    own = (
        TillSession.objects.select_related("shift__day")
        .filter(pk=_id(upload.body.get("session")), till=upload.till_id)
        .first()
    )
    uncounted = (TillSession.Status.OPEN, TillSession.Status.ENDED)
    if (
        own is not None
        and own.status in uncounted
        and own.shift.status != Shift.Status.CLOSED
        and own.shift.day.status != BusinessDay.Status.CLOSED
    ):
        return locked_session(session=own, key="")
    stations = TillSession.objects.filter(
        station=upload.till.station_id, status=TillSession.Status.OPEN
    )
    other = stations.filter(till=upload.till_id).first() or stations.order_by("pk").first()
    if other is None:
        return None
    closed = own is not None and own.shift.day.status == BusinessDay.Status.CLOSED
    odd.add(
        Kind.CLOSED_DAY if closed else Kind.ENDED_SESSION,
        f"session:{own.pk if own else '?'}",
        _yuan(upload.body.get("due")),
        f"断网单 {upload.local_number} 收款的{'营业日已日结' if closed else '收银班已点款'}，"
        "记在现在的收银班；钱在原来的钱箱里，两边长短款各差这一笔。",
    )
    return locked_session(session=other, key="")


def _lines(
    ticket: Ticket, session: TillSession, upload: OfflineUpload, odd: Oddities
) -> list[PricedLine]:
    shelf = shelf_of(ticket=ticket, station=session.station, at=upload.sold_at)
    lines = []
    seen: set[int] = set()
    told = [line.attendant_id for line in ticket.lines if line.attendant_id]
    known = set(User.objects.filter(pk__in=told).values_list("pk", flat=True)) if told else set()
    for position, said in enumerate(ticket.lines, start=1):
        asked = said if said.attendant_id in known else replace(said, attendant_id=None)
        if asked.kind == SaleLine.Kind.FUEL:
            fill = shelf.fills.get(asked.fill_id or 0)
            repeated = fill is not None and fill.pk in seen
            line = _fuel(position, asked, fill, upload, odd, repeated=repeated)
            seen.add(asked.fill_id or 0)
        else:
            item = shelf.items.get(asked.item_id or 0)
            if item is None:
                raise BadTicket("找不到商品")
            line = item_line(position, asked, item, as_shown=True)
        off = min(asked.discount, line.net)
        lines.append(line.less(off, asked.reason or "断网优惠") if off else line)
    return lines


def _fuel(
    position: int,
    asked: TicketLine,
    fill: Any,
    upload: OfflineUpload,
    odd: Oddities,
    *,
    repeated: bool,
) -> PricedLine:
    """The line of a fill as the till charged it; a fill that is gone keeps its money, not the fill."""
    number = upload.local_number
    charged = asked.amount if asked.amount is not None else (fill.amount if fill else ZERO)
    if fill is None:
        odd.add(
            Kind.UNKNOWN_FILL,
            f"line:{position}",
            charged,
            f"断网单 {number} 第 {position} 行 {asked.name} {charged} 元，找不到它的加油记录。",
        )
        return _fuel_without_fill(position, asked, charged)
    line = fuel_line(position, asked, fill)
    if charged != line.list_amount:
        odd.add(
            Kind.AMOUNT_DIFFERS,
            f"fill:{fill.pk}",
            charged - line.list_amount,
            f"断网单 {number} 收 {charged} 元，加油机上是 {line.list_amount} 元。",
        )
        line = replace(line, list_amount=charged)
    owner = fill.claimed_by or fill.prepaid_by or (number if repeated else None)
    if owner:
        odd.add(
            Kind.SECOND_CLAIM,
            f"fill:{fill.pk}",
            charged,
            f"断网单 {number} 收了 {fill.nozzle} {charged} 元，这笔已由 {owner} 收款：可能收了两次。",
        )
        line = replace(line, fill_id=None)
    return line


def _fuel_without_fill(position: int, asked: TicketLine, charged: Yuan) -> PricedLine:
    grade = Grade.objects.filter(pk=asked.grade_id or 0).first()
    if grade is None:
        raise BadTicket("油品不明")
    return PricedLine(
        position=position,
        kind=SaleLine.Kind.FUEL,
        name=asked.name or grade.name,
        product=grade.code,
        category=grade.get_kind_display(),
        quantity=asked.quantity,
        unit_price=asked.price or round_yuan(charged / asked.quantity),
        list_amount=charged,
        tax_rate=grade.tax_rate,
        unit_cost=Decimal(0),
        grade_id=grade.pk,
        attendant_id=asked.attendant_id,
    )


def _money(
    ticket: Ticket, lines: list[PricedLine], session: TillSession, odd: Oddities
) -> tuple[list[Money], Paid]:
    """The payments as they were taken; where they do not make the total, they are still what they are."""
    known = {one.code: one for one in Tender.objects.order_by("position")}
    fallback = next(one for one in known.values() if one.kind == Tender.Kind.CASH)
    rows = [
        Money(Payment.Kind.PAYMENT, known.get(one.tender, fallback), one.amount, one.reference)
        for one in ticket.tenders
        # Stored value is not taken without the network: what was not debited was not paid.
        if one.amount > 0 and known.get(one.tender, fallback).kind != Tender.Kind.VALUE
    ]
    cash = sum((row.amount for row in rows if row.tender.kind == Tender.Kind.CASH), ZERO)
    other = sum((row.amount for row in rows), ZERO) - cash
    net = sum((line.net for line in lines), ZERO)
    try:
        paid = settle_up(net=net, cash=cash, other=other, step=session.station.rounding_step)
    except WrongPayment:
        taken = cash + other
        odd.add(
            Kind.AMOUNT_DIFFERS,
            "payments",
            taken - net,
            f"断网单明细合计 {net} 元，实收 {taken} 元，{wording.more_less_yuan(taken - net)}。",
        )
        return rows, Paid(due=taken, rounding=taken - net, change=ZERO)
    if paid.change:
        tender = next(row.tender for row in rows if row.tender.kind == Tender.Kind.CASH)
        rows.append(Money(Payment.Kind.CHANGE, tender, -paid.change))
    return rows, paid


def _cashier(upload: OfflineUpload, session: TillSession) -> User:
    said = User.objects.filter(
        pk=_id(upload.body.get("cashier")), sessions__till=upload.till_id
    ).first()
    return said or session.cashier


def _member(ticket: Ticket) -> int | None:
    """Who bought it, as the till knew him; somebody forgotten since gets nothing."""
    known = Member.objects.filter(pk=ticket.member_id or 0).exclude(status=Member.Status.CLOSED)
    return known.values_list("pk", flat=True).first()


def _raise(
    odd: Oddities, upload: OfflineUpload, day: BusinessDay, document: str, at: datetime
) -> None:
    for kind, subject, amount, text in odd.found:
        discrepancies.raise_one(
            station=upload.till.station,
            kind=kind,
            document=document,
            subject=subject,
            amount=amount,
            text=text,
            day=day,
            at=at,
        )


def _id(value: Any) -> int:
    try:
        return read_id(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _yuan(value: Any) -> Yuan:
    """An amount said in an upload, zero where it is none."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return ZERO
    return round_yuan(amount) if amount.is_finite() and abs(amount) < 10**9 else ZERO
