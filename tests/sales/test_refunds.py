"""Refunds and reversals: against the original, to the original tender, never more than was sold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum
from django.urls import reverse as href

from inventory.models import StockBalance
from members.models import Purchase
from sales.models import FillClaim, Sale
from sales.queries.unpaid import unpaid_fills
from sales.services.refunds import RefundLine, RefundRefused, refund, reverse
from sales.services.settling import SessionEnded
from sales.services.tenders import change_tender
from station.models import AuditEntry, TillSession
from tests import make

pytestmark = pytest.mark.django_db


def give_back(sale: Sale, *lines: RefundLine, key: str = "r1", **fields: object) -> Sale:
    session = TillSession.objects.get(pk=sale.session_id)
    return refund(
        **{
            "sale": sale,
            "lines": lines,
            "reason": "顾客退货",
            "session": session,
            "actor": session.cashier,
            "at": make.NOW,
            "key": key,
            **fields,
        }
    )


@pytest.mark.req("SAL-08")
def test_goods_go_back_by_quantity_and_never_more_than_were_sold() -> None:
    till = make.session()
    water = make.item("矿泉水", price="2.00", on_hand="10")
    sale = make.sale(till, items=[(water, 3)])
    first = give_back(sale, RefundLine(1, quantity=Decimal(2)))
    assert (first.due, first.kind) == (Decimal("-4.00"), "REFUND")
    assert StockBalance.objects.get(item=water).quantity == 9
    with pytest.raises(RefundRefused, match="还能退 1，要退 2"):
        give_back(sale, RefundLine(1, quantity=Decimal(2)), key="r2")
    second = give_back(sale, RefundLine(1, quantity=Decimal(1)), key="r3")
    assert second.due == Decimal("-2.00")
    with pytest.raises(RefundRefused, match=r"还能退 0\.00 元"):
        give_back(sale, RefundLine(1, amount=Decimal("0.01")), key="r4")


@pytest.mark.req("SAL-08")
def test_uneven_discounts_come_back_to_the_fen() -> None:
    till = make.session()
    box = make.item("礼盒", price="10.00", on_hand="3")
    sale = make.sale(
        till, items=[(box, 3)], discount="1.00", reason="破损", tenders=[("CASH", "29.00")]
    )
    parts = [give_back(sale, RefundLine(1, quantity=Decimal(1)), key=f"r{n}").due for n in range(3)]
    assert parts == [Decimal("-9.67"), Decimal("-9.67"), Decimal("-9.66")]


@pytest.mark.req("SAL-08")
def test_a_refund_goes_to_the_tenders_the_sale_was_paid_by() -> None:
    till = make.session()
    wash = make.item("洗车", price="50.00", kind="SERVICE")
    sale = make.sale(
        till, items=[(wash, 1)], tenders=[("CARD", "30.00", "9001"), ("CASH", "50.00")]
    )
    with pytest.raises(RefundRefused, match="凭证号"):
        give_back(sale, RefundLine(1, amount=Decimal("40.00")))
    back = give_back(sale, RefundLine(1, amount=Decimal("40.00")), references={"CARD": "9002"})
    assert [(p.tender.code, p.amount, p.reference) for p in back.payments.order_by("number")] == [
        ("CARD", Decimal("-30.00"), "9002"),
        ("CASH", Decimal("-10.00"), ""),
    ]
    rest = give_back(sale, RefundLine(1, amount=Decimal("10.00")), key="r2")
    assert [(p.tender.code, p.amount) for p in rest.payments.all()] == [("CASH", Decimal("-10.00"))]


@pytest.mark.req("SAL-08")
def test_fuel_in_the_car_is_refunded_by_amount_only() -> None:
    till = make.session()
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    with pytest.raises(RefundRefused, match="油已加出"):
        give_back(sale, RefundLine(1, quantity=Decimal(1)))
    back = give_back(sale, RefundLine(1, amount=Decimal("5.00")))
    assert back.lines.get().quantity == 0
    assert FillClaim.objects.get().released_at is None


@pytest.mark.req("SAL-08")
def test_a_refund_leaves_a_negative_purchase_and_a_trace() -> None:
    till = make.session()
    water = make.item("矿泉水", price="2.00", on_hand="10")
    sale = make.sale(till, items=[(water, 3)])
    back = give_back(sale, RefundLine(1, quantity=Decimal(1)))
    row = Purchase.objects.get(document=back.number)
    assert (row.quantity, row.net) == (Decimal("-1.000"), Decimal("-2.00"))
    assert AuditEntry.objects.get(action="sales.refund").document == sale.number


def test_a_refund_twice_is_once() -> None:
    till = make.session()
    wash = make.item("洗车", price="50.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)])
    first = give_back(sale, RefundLine(1, amount=Decimal("5.00")))
    assert give_back(sale, RefundLine(1, amount=Decimal("5.00"))) == first


@pytest.mark.req("SAL-08")
@pytest.mark.parametrize("way", ["refund", "reverse"])
def test_a_page_without_a_key_of_its_own_gives_nothing_back(way: str) -> None:
    till = make.session()
    water = make.item(price="2.00", on_hand="10", at=till.station)
    one, other = make.sale(till, items=[(water, 1)]), make.sale(till, items=[(water, 1)])
    client = make.signed_in(make.manager(till.station))

    def give(sale: Sale, key: str) -> int:
        said = {"key": key, "session": till.pk, "reason": "换货", "quantity_1": "1"}
        return client.post(href(f"sales:{way}", args=[sale.number]), said).status_code

    assert [give(one, ""), give(one, "k" * 61)] == [422, 422]
    assert [give(one, "page-1"), give(one, "page-1")] == [302, 302]
    assert give(other, "page-1") == 422
    assert [row.original for row in Sale.objects.exclude(kind="SALE")] == [one]


def test_a_refund_needs_a_reason_an_open_session_and_a_sale() -> None:
    till = make.session()
    wash = make.item("洗车", price="50.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)])
    line = RefundLine(1, amount=Decimal("5.00"))
    with pytest.raises(RefundRefused, match="原因"):
        give_back(sale, line, reason=" ")
    with pytest.raises(RefundRefused, match="没有选"):
        give_back(sale)
    with pytest.raises(RefundRefused, match="行号"):
        give_back(sale, RefundLine(7, amount=Decimal(1)))
    back = give_back(sale, line)
    with pytest.raises(RefundRefused, match="不是本站的销售单"):
        give_back(back, line, key="r2")
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    with pytest.raises(SessionEnded):
        give_back(sale, line, key="r3")


@pytest.mark.req("SAL-08")
def test_a_reversal_takes_everything_back_and_the_fill_is_unpaid_again() -> None:
    till = make.session(make.station(rounding_step=Decimal("0.10")))
    fill = make.fill_at(till.station, "25.00", "8.00", amount=Decimal("200.04"))
    water = make.item("矿泉水", price="2.00", on_hand="10")
    sale = make.sale(till, fills=[fill], items=[(water, 1)], tenders=[("CASH", "300.00")])
    assert sale.rounding == Decimal("-0.04")
    red = reverse(
        sale=sale,
        reason="收错车",
        session=till,
        actor=till.cashier,
        at=make.NOW,
        key="x1",
    )
    assert red.due == -sale.due
    assert red.lines.get(kind="FUEL").quantity == -fill.litres
    assert list(unpaid_fills(station=till.station)) == [fill]
    assert StockBalance.objects.get(item=water).quantity == 10
    assert Purchase.objects.aggregate(net=Sum("net"))["net"] == 0
    again = make.sale(till, fills=[fill])
    assert again.lines.get().fill == fill
    with pytest.raises(RefundRefused, match="已冲红"):
        reverse(sale=sale, reason="再来", session=till, actor=till.cashier, at=make.NOW, key="x2")


def test_a_sale_with_a_refund_is_not_reversed() -> None:
    till = make.session()
    wash = make.item("洗车", price="50.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)])
    give_back(sale, RefundLine(1, amount=Decimal("5.00")))
    with pytest.raises(RefundRefused, match="已有退款"):
        reverse(sale=sale, reason="收错", session=till, actor=till.cashier, at=make.NOW, key="x")


@pytest.mark.req("SAL-08")
def test_change_is_taken_off_once_when_two_cash_payments_move_to_the_card() -> None:
    till = make.session()
    water = make.item("矿泉水", price="130.00", on_hand="10")
    sale = make.sale(till, items=[(water, 1)], tenders=[("CASH", "100.00"), ("CASH", "50.00")])
    card = make.tenders()["CARD"]
    for payment in sale.payments.filter(kind="PAYMENT").order_by("pk"):
        change_tender(
            payment=payment,
            tender=card,
            reference="88",
            reason="其实刷了卡",
            actor=till.cashier,
            at=make.NOW,
        )
    held = dict(sale.payments.values_list("tender__code").annotate(s=Sum("amount")).order_by())
    assert held == {"CASH": Decimal("0.00"), "CARD": Decimal("130.00")}
