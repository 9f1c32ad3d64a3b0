"""Settling: a ticket becomes a sale, exactly once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import StockBalance, StockMove
from members.models import Purchase
from sales.models import FillClaim, Payment, Receipt, Sale
from sales.queries.totals import WrongPayment
from sales.queries.unpaid import unpaid_fills
from sales.services import leasing
from sales.services.discounts import DiscountRefused
from sales.services.settling import FillTaken, NotForSale, PriceMoved, SessionEnded, settle
from sales.services.tenders import TenderRefused
from station.models import AuditEntry, TillSession
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.req("SAL-07", "PAY-01")
def test_a_fill_a_bottle_and_a_wash_are_one_sale_paid_by_card_and_cash() -> None:
    till = make.session()
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    water = make.item("农夫山泉", price="2.00", cost="1.00", on_hand="10")
    wash = make.item("洗车", price="30.00", kind="SERVICE")

    sale = settle(
        make.ticket(
            fills=[fill],
            items=[(water, 2), (wash, 1)],
            tenders=[("CARD", "134.00", "004711"), ("CASH", "150.00")],
        ),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )

    assert (sale.list_amount, sale.discount, sale.due) == (Decimal("234.00"), 0, Decimal("234.00"))
    assert [(one.kind, one.net, one.quantity) for one in sale.lines.order_by("position")] == [
        ("FUEL", Decimal("200.00"), Decimal("25.000")),
        ("GOODS", Decimal("4.00"), Decimal("2.000")),
        ("SERVICE", Decimal("30.00"), Decimal("1.000")),
    ]
    assert [(p.kind, p.tender.code, p.amount) for p in sale.payments.order_by("number")] == [
        ("PAYMENT", "CARD", Decimal("134.00")),
        ("PAYMENT", "CASH", Decimal("150.00")),
        ("CHANGE", "CASH", Decimal("-50.00")),
    ]
    claim = FillClaim.objects.get(fill=fill)
    assert (claim.document, claim.day_id) == (sale.number, till.shift.day_id)
    assert StockBalance.objects.get(item=water).quantity == 8
    assert StockMove.objects.get(document=sale.number).quantity == -2
    assert not unpaid_fills(station=till.station).exists()


@pytest.mark.req("SAL-07")
def test_tax_is_within_each_line_and_cost_is_before_tax() -> None:
    till = make.session()
    make.fuel_cost(till.station, "6.500000")
    fill = make.fill_at(till.station, litres="12.29", unit_price="7.81", amount=Decimal("96.00"))
    sale = settle(
        make.ticket(fills=[fill], tenders=[("CASH", "96.00")]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    line = sale.lines.get()
    # the real invoice: 96.00 within which 11.04 of VAT at 13 %
    assert (line.tax, sale.tax) == (Decimal("11.04"), Decimal("11.04"))
    assert line.cost == Decimal("79.89")  # 12.29 × 6.50 = 79.885


@pytest.mark.req("SAL-07")
def test_what_was_bought_is_handed_down_equal_to_the_sale() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    water = make.item("农夫山泉", price="2.00", on_hand="10")
    sale = settle(
        make.ticket(fills=[fill], items=[(water, 1)]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    bought = Purchase.objects.filter(document=sale.number).order_by("line")
    assert [(p.line, p.kind, p.quantity, p.net, p.tenders) for p in bought] == [
        (one.position, one.kind, one.quantity, one.net, ["CASH"])
        for one in sale.lines.order_by("position")
    ]


def test_the_same_key_again_is_the_same_sale() -> None:
    till = make.session()
    ticket = make.ticket(fills=[make.fill_at(till.station)])
    first = settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    again = settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    assert again == first
    assert Sale.objects.count() == 1
    assert Payment.objects.count() == 1


def test_the_same_key_is_the_same_sale_even_after_the_session_ended() -> None:
    till = make.session()
    ticket = make.ticket(fills=[make.fill_at(till.station)])
    first = settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    assert settle(ticket, session=till, actor=till.cashier, at=make.NOW) == first


def test_a_fill_is_sold_once() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    sale = settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)
    with pytest.raises(FillTaken, match=sale.number):
        settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)
    two = make.fill_at(till.station)
    with pytest.raises(NotForSale, match="出现了两次"):
        settle(make.ticket(fills=[two, two]), session=till, actor=till.cashier, at=make.NOW)


def test_a_fill_of_another_station_is_not_found() -> None:
    till = make.session()
    other = make.fill_at(make.session().station)
    assert other.station_id != till.station_id
    with pytest.raises(NotForSale, match="找不到"):
        settle(make.ticket(fills=[other]), session=till, actor=till.cashier, at=make.NOW)


def test_a_fill_held_by_another_till_is_locked_until_put_back() -> None:
    here = make.session()
    there = make.session(at=here.station, till=make.till(here.station, 2))
    fill = make.fill_at(here.station)
    leasing.lease(fill_ids=[fill.pk], session=there, at=make.NOW)
    with pytest.raises(FillTaken, match="2 号收银台锁定"):
        settle(make.ticket(fills=[fill]), session=here, actor=here.cashier, at=make.NOW)
    with pytest.raises(leasing.NotYours, match="2 号收银台"):
        leasing.lease(fill_ids=[fill.pk], session=here, at=make.NOW)
    assert leasing.put_back(fill_ids=[fill.pk], session=there) == 1
    leasing.lease(fill_ids=[fill.pk], session=here, at=make.NOW)
    settle(make.ticket(fills=[fill]), session=here, actor=here.cashier, at=make.NOW)


def test_a_lease_runs_out() -> None:
    here = make.session()
    there = make.session(at=here.station, till=make.till(here.station, 2))
    fill = make.fill_at(here.station)
    until = leasing.lease(fill_ids=[fill.pk], session=there, at=make.NOW)
    leasing.lease(fill_ids=[fill.pk], session=here, at=until)
    settle(make.ticket(fills=[fill]), session=here, actor=here.cashier, at=until)


def test_an_ended_session_takes_no_money() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    with pytest.raises(SessionEnded):
        settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)
    assert not Sale.objects.exists()


@pytest.mark.parametrize(
    ("tenders", "words"),
    [
        ([("CASH", "199.99")], "还差 0.01 元"),
        ([("CARD", "200.01", "1")], "超过应收"),
        ([("CARD", "200.00", "1"), ("CASH", "10.00")], "不用再收现金"),
        ([], "还差 200.00 元"),
    ],
)
@pytest.mark.req("PAY-01")
def test_payments_must_make_the_total(tenders: list[tuple[str, ...]], words: str) -> None:
    till = make.session()
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    with pytest.raises(WrongPayment, match=words):
        settle(
            make.ticket(fills=[fill], tenders=tenders),
            session=till,
            actor=till.cashier,
            at=make.NOW,
        )
    assert not FillClaim.objects.exists()


def test_a_card_slip_needs_its_number_and_a_tender_must_be_known() -> None:
    till = make.session()
    make.tenders()
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    for tender, words in ((("CARD", "200.00", ""), "凭证号"), (("GOLD", "200.00"), "停用")):
        with pytest.raises(TenderRefused, match=words):
            settle(
                make.ticket(fills=[fill], tenders=[tender]),
                session=till,
                actor=till.cashier,
                at=make.NOW,
            )


@pytest.mark.parametrize(
    ("amount", "rounding", "due", "change"),
    [("200.04", "-0.04", "200.00", "-50.00"), ("200.05", "0.05", "200.10", "-49.90")],
)
def test_cash_is_rounded_by_the_stations_step(
    amount: str, rounding: str, due: str, change: str
) -> None:
    till = make.session(make.station(rounding_step=Decimal("0.10")))
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00", amount=Decimal(amount))
    sale = settle(
        make.ticket(fills=[fill], tenders=[("CASH", "250.00")]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    assert (sale.rounding, sale.due) == (Decimal(rounding), Decimal(due))
    assert sale.payments.get(kind="CHANGE").amount == Decimal(change)


def test_a_card_pays_to_the_fen() -> None:
    till = make.session(make.station(rounding_step=Decimal("0.10")))
    fill = make.fill_at(till.station, amount=Decimal("200.04"), litres="25.00", unit_price="8.00")
    sale = settle(
        make.ticket(fills=[fill], tenders=[("CARD", "200.04", "7")]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    assert (sale.rounding, sale.due) == (0, Decimal("200.04"))


def test_a_total_that_moved_since_the_screen_is_shown_again_and_not_taken() -> None:
    till = make.session()
    water = make.item("农夫山泉", price="3.00", on_hand="10")
    with pytest.raises(PriceMoved, match=r"现在应收 3\.00 元"):
        settle(
            make.ticket(items=[(water, 1)], tenders=[("CASH", "5.00")], due="2.00"),
            session=till,
            actor=till.cashier,
            at=make.NOW,
        )


def test_goods_that_are_not_there_are_refused_and_nothing_is_written() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    water = make.item("农夫山泉", price="2.00", on_hand="1")
    with pytest.raises(Exception, match="库存不足"):
        settle(
            make.ticket(fills=[fill], items=[(water, 2)]),
            session=till,
            actor=till.cashier,
            at=make.NOW,
        )
    assert not Sale.objects.exists()
    assert not FillClaim.objects.exists()


@pytest.mark.req("SEC-08")
def test_a_hand_discount_needs_a_reason_and_a_limit_and_leaves_a_trace() -> None:
    till = make.session()
    water = make.item("礼盒", price="50.00", on_hand="10")
    wash = make.item("洗车", price="30.00", kind="SERVICE")

    def take(discount: str, reason: str, approver: object = None) -> Sale:
        return settle(
            make.ticket(
                items=[(water, 1), (wash, 1)],
                discount=discount,
                reason=reason,
                tenders=[("CASH", "100.00")],
            ),
            session=till,
            actor=till.cashier,
            at=make.NOW,
            approver=approver,
        )

    with pytest.raises(DiscountRefused, match="原因"):
        take("4.00", "")
    with pytest.raises(DiscountRefused, match="权限"):
        take("20.00", "老顾客")
    with pytest.raises(DiscountRefused, match="不能减"):
        take("90.00", "老顾客", make.owner())
    sale = take("20.00", "老顾客", make.manager(till.station))
    assert (sale.discount, sale.due) == (Decimal("20.00"), Decimal("60.00"))
    assert [one.discount for one in sale.lines.order_by("position")] == [
        Decimal("12.50"),
        Decimal("7.50"),
    ]
    trace = AuditEntry.objects.get(action="sales.discount")
    assert (trace.document, trace.reason) == (sale.number, "老顾客")


def test_the_attendant_of_the_island_stands_on_the_fuel_line() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    zhao = make.attendant(till.station)
    till.shift.crew.create(user=zhao, post="ATTENDANT", island=fill.nozzle.dispenser.island)
    sale = settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)
    assert sale.lines.get().attendant == zhao


def test_a_receipt_waits_only_where_the_till_has_a_printer() -> None:
    till = make.session()
    sale = settle(
        make.ticket(fills=[make.fill_at(till.station)]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    assert not Receipt.objects.exists()
    make.printer(till.till)
    sale = settle(
        make.ticket(fills=[make.fill_at(till.station)]),
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    receipt = Receipt.objects.get()
    assert (receipt.document, receipt.status, receipt.opens_drawer) == (
        sale.number,
        "WAITING",
        True,
    )


@pytest.mark.req("FIN-01")
def test_the_database_takes_no_line_into_a_settled_sale() -> None:
    session = make.session(make.station())
    sale = make.sale(session, [make.fill(make.nozzle(session.station))])
    connection.check_constraints()  # the sale is committed: its own guards have nothing to ask more
    with pytest.raises(IntegrityError, match="lines make"), transaction.atomic():
        _add_its_line_again(sale)
    assert sale.lines.count() == 1


def _add_its_line_again(sale: Sale) -> None:
    line = sale.lines.get()
    line.pk, line.position = None, 2
    line.save(force_insert=True)
    connection.check_constraints()  # what a commit asks
