"""付款方式: what may be tendered, and changing the tender of a payment before the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from marketing.queries.quoting import Limit
from marketing.queries.tenders import limits_of
from sales.models import Payment, Sale, Tender
from sales.queries.tickets import Tendered
from sales.services.writing import Money, add_payments
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO, Yuan
from station.services import audit


class TenderRefused(Refusal):
    """A tender that cannot be taken as it was entered."""


def check_tenders(offered: Sequence[Tendered], known: Mapping[str, Tender]) -> None:
    """Refuses an unknown tender, an amount that is not positive, and a missing slip number."""
    for one in offered:
        tender = known.get(one.tender)
        if tender is None:
            raise TenderRefused(f"没有收款：付款方式 {one.tender} 已停用。请换一种方式。")
        if one.amount <= 0:
            raise TenderRefused(f"没有收款：{tender.name} 的金额应大于零。请改正或删去这一行。")
        if tender.needs_reference and not one.reference.strip():
            raise TenderRefused(f"没有收款：{tender.name} 须填凭证号（小票上的流水号）。")


def demand_tenders(
    offered: Sequence[Tendered], known: Mapping[str, Tender], *, limits: Sequence[Limit]
) -> None:
    """Refuses TenderRefused a coupon limited to some ways of paying, where another pays a part."""
    for limit in limits:
        wrong = [known[one.tender].name for one in offered if one.tender not in limit.tenders]
        if wrong:
            raise TenderRefused(
                f"没有收款：「{limit.name}」{limit.words}，单上有{wrong[0]}。"
                f"请都用限定的方式收，或点掉这张券再收。"
            )


@transaction.atomic
def change_tender(
    *,
    payment: Payment,
    tender: Tender,
    reference: str,
    reason: str,
    actor: User,
    at: datetime,
) -> list[Payment]:
    """改付款方式: take a payment out of one tender and put it into another, by two rows.

    Refuses after the session was counted, a payment of a change or refund, one already changed, the
    same tender, one that a coupon is not for, a missing slip number or reason. Audited.
    """
    session = (
        TillSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station", "shift__day", "till")
        .get(pk=payment.session_id)
    )
    _check_change(session, payment, tender, reference, reason)
    sale = Sale.objects.select_for_update(of=("self",)).get(pk=payment.sale_id or 0)
    if sale.corrections.exists():
        raise TenderRefused(f"没有改：{sale.number} 已有退款或冲红。")
    kind = Payment.Kind.RETENDER
    _check_limits(sale, tender)
    amount = min(payment.amount, _left_in(sale, payment.tender_id))
    if amount <= 0:
        raise TenderRefused(f"没有改：这笔{payment.tender.name}已全部找零或改过付款方式。")
    rows = add_payments(
        sale=sale,
        document=sale.number,
        money=[
            Money(kind, payment.tender, -amount, original=payment),
            Money(kind, tender, amount, reference.strip(), original=payment),
        ],
        at=at,
        session=session,
        first=sale.payments.count() + 1,
    )
    audit.record(
        at=at,
        actor=actor,
        station=session.station,
        action="sales.tender.changed",
        document=sale.number,
        reason=reason,
        before={"tender": payment.tender.name, "amount": str(amount)},
        after={"tender": tender.name, "reference": reference.strip()},
    )
    return rows


def _check_change(
    session: TillSession, payment: Payment, tender: Tender, reference: str, reason: str
) -> None:
    if session.status not in (TillSession.Status.OPEN, TillSession.Status.ENDED):
        raise TenderRefused("没有改：这个收银班已点款。请在班次订正里说明。")
    if payment.kind != Payment.Kind.PAYMENT or payment.sale_id is None:
        raise TenderRefused("没有改：只有收款可以改付款方式，找零和退款不能改。")
    if payment.corrections.filter(kind=Payment.Kind.RETENDER).exists():
        raise TenderRefused("没有改：这笔收款已经改过付款方式。")
    if Tender.Kind.VALUE in (tender.kind, payment.tender.kind):
        raise TenderRefused(
            "没有改：会员储值不能改成或改自其他付款方式，余额已经动过。请退款后重新收。"
        )
    if tender.pk == payment.tender_id:
        raise TenderRefused(f"没有改：原来就是{tender.name}。")
    if tender.needs_reference and not reference.strip():
        raise TenderRefused(f"没有改：{tender.name} 须填凭证号。")
    if not reason.strip():
        raise TenderRefused("没有改：请写明原因。")


def _check_limits(sale: Sale, tender: Tender) -> None:
    for one in limits_of(document=sale.number) if sale.discount else []:
        if tender.code not in one.tenders:
            raise TenderRefused(
                f"没有改：这一单用了「{one.name}」，{one.paid_by}。请退款后重新收。"
            )


def _left_in(sale: Sale, tender_id: int) -> Yuan:
    """What a tender holds of a sale: paid, less change and what was moved out already."""
    return sum((one.amount for one in sale.payments.filter(tender=tender_id)), ZERO)
