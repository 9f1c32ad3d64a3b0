"""预付: money taken before the fill. It is an advance under its own document; the sale is made for
what was delivered, with the offers that held at the fill's end for whom the prepay names, and what
is left is due back until it is paid, in whatever shift that is.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists

from devices.models import Authorisation, Fill
from devices.services import authorising
from marketing.queries.quoting import Offer
from marketing.services.lock_uses import LockSpent
from marketing.services.uses import CapReached
from members.models import Member
from members.queries.standing import Standing, held_standing
from members.queries.tier_benefits import NOBODY, Held, held_at
from sales.models import Discrepancy, DriveOff, Payment, Prepay, Sale, Tender
from sales.queries.offers import apply_offer, offer_of, rules_always
from sales.queries.selling import fills_to_sell, fuel_line, locked_session
from sales.queries.tickets import TicketLine
from sales.queries.totals import Paid, PricedLine
from sales.queries.unpaid import live_claims
from sales.services import discrepancies, offering, writing
from sales.services.settling import SessionEnded, head_of
from sales.services.writing import Money
from station.errors import Refusal
from station.models import Nozzle, TillSession, User
from station.money import ZERO, Yuan
from station.services import audit
from station.services.numbering import next_number
from station.services.sealing import blind_index

Status = Prepay.Status
SECONDS = 900
OPEN = (Status.OPEN, Status.FUELLING)
RACES = 3


class PrepayRefused(Refusal):
    """A prepay that cannot be taken, moved, cancelled or paid out."""


def create(
    *,
    nozzle: Nozzle,
    amount: Yuan,
    tender: Tender,
    reference: str,
    plate: str,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
    member: Member | None = None,
) -> Prepay:
    """Take an advance and let the nozzle deliver up to it; again with the same key, the same one.

    Refuses a plate that drove off unpaid, a missing slip number, an ended session, and a nozzle
    that cannot be authorised (then no money is taken).
    """
    try:
        with transaction.atomic():
            return _create(
                nozzle, amount, tender, reference, plate, session, actor, at, key, member
            )
    except IntegrityError as error:
        twin = Prepay.objects.filter(client_key=key).first()
        if twin is None:
            raise error
        return twin


def _create(
    nozzle: Nozzle,
    amount: Yuan,
    tender: Tender,
    reference: str,
    plate: str,
    session: TillSession,
    actor: User,
    at: datetime,
    key: str,
    member: Member | None,
) -> Prepay:
    held = locked_session(session=session, key=key)
    twin = Prepay.objects.filter(client_key=key).first()
    if twin is not None:
        return twin
    _demand_open(held)
    refuse_owing_plate(plate)
    if amount <= 0:
        raise PrepayRefused("没有收预付：金额应大于零。")
    if tender.kind == Tender.Kind.VALUE:
        raise PrepayRefused("没有收预付：预付不能用会员储值。请在收款时用储值，或换一种方式。")
    if tender.needs_reference and not reference.strip():
        raise PrepayRefused(f"没有收预付：{tender.name} 须填凭证号。")
    number = next_number(
        station=held.station, kind="Y", day=held.shift.day.date, till=held.till.number
    )
    authorisation = authorising.authorise(
        nozzle=nozzle, actor=actor, at=at, amount=amount, document=number, seconds=SECONDS
    )
    prepay = Prepay.objects.create(
        station=held.station,
        number=number,
        nozzle=nozzle,
        amount=amount,
        session=held,
        cashier=actor,
        day=held.shift.day,
        client_key=key,
        member=member,
        authorisation=authorisation,
        taken_at=at,
    )
    money = [Money(Payment.Kind.ADVANCE, tender, amount, reference.strip())]
    writing.add_payments(sale=None, document=number, money=money, at=at, session=held)
    return prepay


def refuse_owing_plate(plate: str) -> None:
    """Refuses PrepayRefused for a plate that drove off and has not paid since."""
    if not plate.strip():
        return
    owing = DriveOff.objects.filter(
        plate_index=blind_index("plate", plate), status=DriveOff.Status.OPEN
    ).first()
    if owing is not None:
        raise PrepayRefused(
            f"没有授权：这辆车有跑单 {owing.number}，欠 {owing.amount} 元。请先在跑单里收回。"
        )


def fill_of(prepay: Prepay) -> Fill | None:
    """The fill that ran under a prepay and is not claimed yet."""
    return (
        Fill.objects.filter(authorisation__document=prepay.number, station=prepay.station_id)
        .exclude(Exists(live_claims()))
        .order_by("pk")
        .first()
    )


def settle_due(*, at: datetime, limit: int = 50) -> int:
    """Make the sales of prepays whose fill has come in; how many. Called by a worker and the till."""
    waiting = (
        Prepay.objects.filter(status__in=OPEN, number__in=_documents_with_fills())
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(settle_prepay(prepay_id=pk, at=at) is not None for pk in list(waiting))


def _documents_with_fills() -> list[str]:
    live = Prepay.objects.filter(status__in=OPEN).values("number")
    return list(
        Authorisation.objects.filter(document__in=live, fills__isnull=False)
        .values_list("document", flat=True)
        .distinct()
    )


@transaction.atomic
def settle_prepay(*, prepay_id: int, at: datetime) -> Sale | None:
    """Make the sale of a prepay for what was delivered, less its offers; the rest is due back.

    None while there is no fill, no open session to book it in, or another worker has it. Never
    refuses: the fuel has left. More than was prepaid is a discount put on 待处理 with its money.
    """
    waits = Prepay.objects.filter(pk=prepay_id, status__in=OPEN)
    found = waits.first()
    session = _session_for(found) if found else None  # before the prepay, as who pays it back does
    held = (
        waits.select_for_update(of=("self",), skip_locked=True)
        .select_related("station", "session", "cashier")
        .first()
    )
    fill = fill_of(held) if held else None
    if held is None or fill is None or session is None:
        return None
    loaded = fills_to_sell(ids=[fill.pk], station=held.station, at=at)[fill.pk]
    line = fuel_line(1, TicketLine(kind="FUEL", fill_id=fill.pk), loaded)
    sale, over = _sell(held, line, ended=loaded.occurred_at, session=session, at=at)
    held.status = Status.SETTLED
    held.sale = sale
    held.refund_due = held.amount - sale.due
    held.settled_at = at
    held.save(update_fields=["status", "sale", "refund_due", "settled_at"])
    if over:
        discrepancies.raise_one(
            station=held.station,
            kind=Discrepancy.Kind.OVER_PRESET,
            document=sale.number,
            subject=f"fill:{fill.pk}",
            amount=over,
            text=f"{fill.nozzle} 预付 {held.amount} 元，实际加了 {fill.amount} 元，"
            f"{_less(sale, over)}多出 {over} 元未收。",
            day=session.shift.day,
            at=at,
        )
    return sale


def _session_for(prepay: Prepay) -> TillSession | None:
    """The prepay's own session while it is open, else any open one of the station."""
    sessions = TillSession.objects.filter(station=prepay.station_id, status=TillSession.Status.OPEN)
    own = sessions.filter(pk=prepay.session_id).first() or sessions.order_by("pk").first()
    if own is None:
        return None
    held = locked_session(session=own, key=prepay.client_key)
    return held if held.status == TillSession.Status.OPEN else None


def _less(sale: Sale, over: Yuan) -> str:
    """What the offers took off a prepaid fill, in words."""
    off = sale.discount - over
    return f"优惠 {off} 元后" if off else ""


def _sell(
    prepay: Prepay, line: PricedLine, *, ended: datetime, session: TillSession, at: datetime
) -> tuple[Sale, Yuan]:
    """The sale with the offers that held when the fill ended, and what of it was not prepaid.

    Litres that went elsewhere meanwhile are quoted again; the fuel has left, so that in the end it
    is sold at list price before it is refused.
    """
    stands = held_standing(prepay.member_id) if prepay.member_id is not None else None
    tier = held_at(member_id=stands.member_id, at=ended) if stands else NOBODY
    for _ in range(RACES):
        offer = _offer(line, stands, tier, session=session, at=ended)
        with suppress(CapReached, LockSpent), transaction.atomic():
            return _priced(prepay, line, offer, stands, tier, session=session, at=at)
    nothing = offer_of(lines=[line], member=None, held=NOBODY, rules=[], at=ended)
    return _priced(prepay, line, nothing, stands, tier, session=session, at=at)


def _offer(
    line: PricedLine, stands: Standing | None, tier: Held, *, session: TillSession, at: datetime
) -> Offer:
    member = stands.member_id if stands else None
    rules = rules_always(station=session.station, member=member, at=at)
    return offer_of(lines=[line], member=member, held=tier, rules=rules, at=at)


def _priced(
    prepay: Prepay,
    line: PricedLine,
    offer: Offer,
    stands: Standing | None,
    tier: Held,
    *,
    session: TillSession,
    at: datetime,
) -> tuple[Sale, Yuan]:
    [priced] = apply_offer([line], offer)
    over = max(priced.net - prepay.amount, ZERO)
    sale = _write(
        prepay,
        priced.less(over, "超出预付"),
        offer=offer,
        stands=stands,
        tier=tier,
        session=session,
        at=at,
    )
    return sale, over


def _write(
    prepay: Prepay,
    line: PricedLine,
    *,
    offer: Offer,
    stands: Standing | None,
    tier: Held,
    session: TillSession,
    at: datetime,
) -> Sale:
    head = head_of([line], paid=Paid(due=line.net, rounding=ZERO, change=ZERO), session=session)
    head.source = Sale.Source.PREPAY
    head.number = next_number(
        station=session.station, kind="S", day=session.shift.day.date, till=session.till.number
    )
    head.client_key = f"prepay:{prepay.number}"
    head.cashier = prepay.cashier
    head.member_id = stands.member_id if stands else None
    head.occurred_at = at
    if offer.discount:
        offering.redeem(offer, head=head, key=head.client_key, actor=None)
    tender = advance_of(prepay).tender
    kind = Payment.Kind.ADVANCE_USED
    money = [Money(kind, tender, line.net)] if line.net else []
    writing.add_sale(head=head, lines=[line], money=money, tier=tier, stands=stands)
    if money:
        out = [Money(kind, tender, -line.net)]
        writing.add_payments(
            sale=None, document=prepay.number, money=out, at=at, session=session, first=2
        )
    writing.claim_fills(lines=[line], document=head.number, day=session.shift.day, at=at)
    if session.has_printer:  # type: ignore[attr-defined]
        writing.ask_for_receipt(head=head, actor=prepay.cashier, at=at, money=[])
    return head


def advance_of(prepay: Prepay) -> Payment:
    """The payment by which the prepay was taken."""
    return Payment.objects.select_related("tender").get(
        document=prepay.number, kind=Payment.Kind.ADVANCE
    )


@transaction.atomic
def pay_refund(
    *, prepay: Prepay, reference: str, session: TillSession, actor: User, at: datetime
) -> Prepay:
    """Pay out what is due of a prepay, to the tender it came by, from this session's drawer. Once.

    Refuses when nothing is due (any more), an ended session and a missing slip number.
    """
    held_session = locked_session(session=session, key="")
    _demand_open(held_session)
    held = Prepay.objects.select_for_update(of=("self",)).get(pk=prepay.pk)
    if not held.refund_due or held.refunded_at is not None:
        raise PrepayRefused(f"没有退款：{held.number} 没有应退的钱，或已经退过。")
    advance = advance_of(held)
    if advance.tender.needs_reference and not reference.strip():
        raise PrepayRefused(f"没有退款：{advance.tender.name} 须填退款凭证号。")
    writing.add_payments(
        sale=None,
        document=held.number,
        money=[
            Money(Payment.Kind.REFUND, advance.tender, -held.refund_due, reference.strip(), advance)
        ],
        at=at,
        session=held_session,
        first=3,
    )
    held.refunded_at = at
    held.save(update_fields=["refunded_at"])
    audit.record(
        at=at,
        actor=actor,
        station=held.station,
        action="sales.prepay.refunded",
        document=held.number,
        after={"amount": str(held.refund_due), "tender": advance.tender.code},
    )
    return held


def _demand_open(session: TillSession) -> None:
    if session.status != TillSession.Status.OPEN:
        raise SessionEnded("没有办理：收银班已结束。请开新的收银班。")
