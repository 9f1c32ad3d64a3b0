"""Pages of sales: the list, one sale, its receipt, and money going back through them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sales.models import Payment, Receipt, Sale
from sales.queries.go_live import findings
from sales.queries.health import checks
from sales.queries.search import hits
from sales.services import disposals
from sales.services.tenders import TenderRefused, change_tender
from station.models import AuditEntry, Station, TillSession
from tests import make

pytestmark = pytest.mark.django_db


def desk() -> tuple[Client, TillSession]:
    till = make.session()
    make.tenders()
    return make.signed_in(make.manager(till.station)), till


def page_of(client: Client, name: str, *args: object) -> str:
    return client.get(reverse(f"sales:{name}", args=args)).content.decode()


def test_the_list_shows_filters_and_sums_in_eight_statements_whatever_the_rows() -> None:
    client, till = desk()
    counts = []
    for rows in (1, 3):
        while Sale.objects.count() < rows:
            make.sale(till, fills=[make.fill_at(till.station, "25.00", "8.00")])
        with CaptureQueriesContext(connection) as statements:
            text = page_of(client, "sales")
        counts.append(len(statements))
    assert counts[0] == counts[1], counts
    assert "¥600.00" in text
    wash = make.item("洗车", "30.00", kind="SERVICE")
    carded = make.sale(till, items=[(wash, 1)], tenders=[("CARD", "30.00", "9")])
    text = client.get(reverse("sales:sales"), {"tender": "CARD"}).content.decode()
    assert carded.number in text
    assert text.count("/sales/sales/S") >= 1
    assert "¥600.00" not in text


@pytest.mark.req("SEC-15")
def test_another_stations_sale_is_not_there() -> None:
    client, _ = desk()
    sale = make.sale(make.session(), items=[(make.item("洗车", "30.00", kind="SERVICE"), 1)])
    for name in ("sale", "receipt", "refund", "reverse"):
        assert client.get(reverse(f"sales:{name}", args=[sale.number])).status_code == 404
    assert sale.number not in page_of(client, "sales")


def test_a_sale_shows_what_it_is_made_of_and_its_history() -> None:
    client, till = desk()
    sale = make.sale(
        till,
        fills=[make.fill_at(till.station, "25.00", "8.00")],
        discount="2.00",
        reason="会员日",
        tenders=[("CASH", "200.00")],
    )
    text = page_of(client, "sale", sale.number)
    for words in ("92# 车用汽油 1 号枪", "会员日", "¥198.00", "找零", "历史"):
        assert words in text, words


@pytest.mark.req("SAL-10")
def test_the_receipt_is_on_screen_with_its_code_and_a_reprint_needs_a_printer() -> None:
    client, till = desk()
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    text = page_of(client, "receipt", sale.number)
    assert "销售小票" in text
    assert "data:image/svg+xml" in text
    again = client.post(reverse("sales:reprint", args=[sale.number]))
    assert again.status_code == 422
    make.printer(till.till)
    assert client.post(reverse("sales:reprint", args=[sale.number])).status_code == 302
    assert Receipt.objects.get(kind="REPRINT").document == sale.number


@pytest.mark.req("SAL-08")
def test_money_goes_back_through_the_page_and_nothing_typed_is_lost() -> None:
    client, till = desk()
    water = make.item("矿泉水", "2.00", on_hand="10")
    sale = make.sale(till, items=[(water, 3)])
    address = reverse("sales:refund", args=[sale.number])
    assert "可退数量" in client.get(address).content.decode()
    typed = {"key": "k1", "session": till.pk, "reason": "退货", "quantity_1": "5"}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    assert 'value="5"' in refused.content.decode()
    assert "还能退 3" in refused.content.decode()
    assert client.post(address, {**typed, "quantity_1": "一"}).status_code == 422
    for _ in range(2):  # twice is once
        assert client.post(address, {**typed, "quantity_1": "2"}).status_code == 302
    assert Sale.objects.get(kind="REFUND").due == Decimal("-4.00")


@pytest.mark.req("SAL-08")
def test_a_whole_sale_is_taken_back_through_the_page_by_those_who_may() -> None:
    client, till = desk()
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    address = reverse("sales:reverse", args=[sale.number])
    cashier = make.signed_in(till.cashier)
    assert cashier.get(address).status_code == 403
    assert cashier.get(reverse("sales:refund", args=[sale.number])).status_code == 403
    assert f'"{address}"' not in page_of(cashier, "sale", sale.number)
    assert f'"{address}"' in page_of(client, "sale", sale.number)
    typed = {"key": "k1", "session": till.pk, "reason": ""}
    assert client.post(address, typed).status_code == 422
    assert client.post(address, {**typed, "reason": "收错"}).status_code == 302
    assert "已冲红" in page_of(client, "sale", sale.number)


def test_the_tender_of_a_payment_is_changed_until_the_drawer_is_counted() -> None:
    client, till = desk()
    sale = make.sale(
        till, fills=[make.fill_at(till.station, "25.00", "8.00")], tenders=[("CASH", "300.00")]
    )
    paid = sale.payments.get(kind="PAYMENT")
    address = reverse("sales:retender", args=[sale.number, paid.pk])
    assert client.post(address, {"tender": "CARD", "reason": "刷了卡"}).status_code == 422
    typed = {"tender": "CARD", "reason": "刷了卡", "reference": "77"}
    assert client.post(address, typed).status_code == 302
    by_tender = {
        code: sum(p.amount for p in Payment.objects.filter(tender__code=code))
        for code in ("CASH", "CARD")
    }
    assert by_tender == {"CASH": Decimal("0.00"), "CARD": Decimal("200.00")}
    assert AuditEntry.objects.get(action="sales.tender.changed").document == sale.number
    assert client.post(address, typed).status_code == 422  # once


def test_a_tender_stays_after_the_count_and_change_has_none_of_its_own() -> None:
    _, till = desk()
    sale = make.sale(till, fills=[make.fill_at(till.station)], tenders=[("CASH", "300.00")])
    wechat = make.tenders()["WECHAT"]

    def change(payment: Payment) -> None:
        change_tender(
            payment=payment,
            tender=wechat,
            reference="",
            reason="改",
            actor=till.cashier,
            at=make.NOW,
        )

    with pytest.raises(TenderRefused, match="找零"):
        change(sale.payments.get(kind="CHANGE"))
    TillSession.objects.update(status="COUNTED", counted_at=make.NOW)
    with pytest.raises(TenderRefused, match="已点款"):
        change(sale.payments.get(kind="PAYMENT"))


def test_a_number_a_slip_and_a_plate_find_their_way() -> None:
    _, till = desk()
    wash = make.item("洗车", "30.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)], tenders=[("CARD", "30.00", "004711")])
    fill = make.fill_at(till.station)
    gone = disposals.drive_off(
        fill=fill, plate="云A12345", note="", session=till, actor=till.cashier, at=make.NOW
    )
    every = Station.objects.all()

    def found(text: str, stations: object = every) -> list[str]:
        return [one.title for one in hits(query=text, user=till.cashier, stations=stations)]

    assert found(sale.number) == [sale.number]
    assert found(sale.number[-4:]) == [sale.number]
    assert found("004711") == [sale.number]
    assert found("云A12345") == [gone.number]
    assert found("云A12345", Station.objects.none()) == []


def test_health_and_go_live_say_what_the_till_lacks() -> None:
    _, till = desk()
    assert {one.name for one in checks(at=make.NOW)} == {"receipts", "uploads", "discrepancies"}
    lacking = {one.subject for one in findings(station=till.station, at=make.NOW) if not one.ok}
    assert lacking == {f"{till.till.name}的打印机", f"{till.till.name}的设备密钥"}


@pytest.mark.req("SAL-14")
def test_a_driver_who_comes_back_pays_on_the_page_of_his_drive_off() -> None:
    _, till = desk()
    cashier = make.signed_in(till.cashier)
    fill = make.fill_at(till.station, "25.00", "8.00")
    gone = disposals.drive_off(
        fill=fill, plate="云A12345", note="白车", session=till, actor=till.cashier, at=make.NOW
    )
    assert gone.number in page_of(cashier, "drive_offs")
    text = page_of(cashier, "drive_off", gone.pk)
    assert "12345" not in text
    address = reverse("sales:drive_off_recover", args=[gone.pk])
    assert cashier.post(address, {"key": "a", "tender": "CARD"}).status_code == 422
    assert cashier.post(address, {"key": "a", "tender": "CASH"}).status_code == 302
    assert Sale.objects.get().due == Decimal("200.00")
    assert "已追回" in page_of(cashier, "drive_off", gone.pk)


def test_the_last_cash_tender_stays() -> None:
    client, _ = desk()
    cash = make.tenders()["CASH"]
    typed = {"code": "CASH", "name": "现金", "kind": "CASH", "position": "0"}
    address = reverse("sales:tenders-edit", args=[cash.pk])
    refused = client.post(address, typed)
    assert refused.status_code == 422
    assert "不能没有现金" in refused.content.decode()
    assert client.post(address, {**typed, "name": "人民币", "active": "on"}).status_code == 302
    assert AuditEntry.objects.get(action="sales.tender.saved").document == "tender:CASH"
