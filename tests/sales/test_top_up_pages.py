"""储值 at the till's addresses and on its pages, as people send them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from members.models import TopUpPlan, ValueAccount
from members.services import value_accounts
from sales.models import Discrepancy, Payment, Sale, TopUp
from sales.queries.sessions import tender_dues
from sales.services import uploads
from tests import make

pytestmark = pytest.mark.django_db
D = Decimal
JSON = {"content_type": "application/json"}


@pytest.fixture
def till():
    make.tenders()
    return make.session()


def test_the_till_finds_a_member_tops_him_up_and_sells_to_him(till) -> None:
    account = make.value_account(at=till.station)
    plan = TopUpPlan.objects.create(
        name="充1000送50", amount=D("1000"), bonus=D("50"), since=make.TODAY - timedelta(days=900)
    )
    client = make.signed_in(till.cashier)
    told = client.get("/sales/till/value/", {"member": account.member_id}).json()
    assert told["account"]["number"] == account.number
    assert told["account"]["balance"] == "0.00"
    assert [(one["name"], one["amount"]) for one in told["plans"]] == [("充1000送50", "1000.00")]
    assert "收回赠金 50.00 元" in told["plans"][0]["rule"]

    body = {"key": "k1", "member": account.member_id, "plan": plan.pk, "amount": "1000.00",
            "tender": "CASH", "card": "", "reference": "", "buyer": ""}  # fmt: skip
    for _ in range(2):
        done = client.post("/sales/till/value/top-up/", body, **JSON)
        assert done.status_code == 200, done.content.decode()
        assert done.json()["balance"] == "1050.00"
    assert TopUp.objects.count() == 1

    fill = make.fill_at(till.station, litres="10.00", unit_price="8.00")
    basket = make.basket([fill], tenders=[("MEMBER", "80.00", account.number)])
    assert client.post("/sales/till/settle/", basket, **JSON).status_code == 200
    account.refresh_from_db()
    assert account.balance == D("970.00")


def test_a_card_that_is_not_known_is_opened_by_its_first_top_up(till) -> None:
    client = make.signed_in(till.cashier)
    told = client.get("/sales/till/value/", {"text": "b1234567"}).json()
    assert (told["account"], told["member"]) == (None, None)
    body = {"key": "k1", "card": "b1234567", "amount": "100", "tender": "CASH"}
    assert client.post("/sales/till/value/top-up/", body, **JSON).status_code == 200
    assert ValueAccount.objects.get(number="B1234567").principal == D("100.00")
    body = {"key": "k2", "card": "b-1", "amount": "100", "tender": "CASH"}
    refused = client.post("/sales/till/value/top-up/", body, **JSON)
    assert (refused.status_code, "卡号应为" in refused.json()["error"]) == (422, True)


def test_a_pin_is_asked_for_counted_when_wrong_and_locks_after_five(till) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00")
    value_accounts.set_pin(account=account, pin="258036", at=make.NOW, actor=till.cashier)
    client = make.signed_in(till.cashier)

    def pay(pin: str | None, key: str):
        fill = make.fill_at(till.station, litres="1.00", unit_price="8.00")
        secrets = {} if pin is None else {"secrets": {account.number: pin}}
        basket = make.basket([fill], tenders=[("MEMBER", "8.00", account.number)], key=key)
        return client.post("/sales/till/settle/", {**basket, **secrets}, **JSON)

    assert "须输支付密码" in pay(None, "a").json()["error"]
    assert pay("258036", "b").status_code == 200
    for turn in range(5):
        assert "支付密码不对" in pay("111112", f"c{turn}").json()["error"]
    locked = pay("258036", "d")
    assert (locked.status_code, "锁定 15 分钟" in locked.json()["error"]) == (422, True)
    assert Sale.objects.count() == 1
    ValueAccount.objects.update(pin_locked_until=now() - timedelta(seconds=1))
    assert pay("258036", "e").status_code == 200


def test_without_a_pin_only_small_amounts_are_taken(till) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00")
    client = make.signed_in(till.cashier)
    for litres, status in (("50.00", 200), ("50.01", 422)):
        fill = make.fill_at(till.station, litres=litres, unit_price="10.00")
        basket = make.basket([fill], tenders=[("MEMBER", str(fill.amount), account.number)])
        assert client.post("/sales/till/settle/", basket, **JSON).status_code == status


@pytest.mark.parametrize("secrets", ["x", [], {"a": 1}, {"": ""}, {"\x00": "\ud800"}])
def test_rubbish_for_a_pin_is_no_pin(till, secrets) -> None:
    client = make.signed_in(till.cashier)
    fill = make.fill_at(till.station)
    body = {**make.basket([fill]), "secrets": secrets}
    assert client.post("/sales/till/settle/", body, **JSON).status_code == 200


@pytest.mark.req("PAY-04")
def test_a_manager_gives_a_top_up_back_on_its_page_and_a_cashier_may_not(till) -> None:
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00", at=now())
    assert (
        make.signed_in(till.cashier).get(f"/sales/top-ups/{top.number}/refund/").status_code == 403
    )
    client = make.signed_in(make.manager(till.station))
    page = client.get(f"/sales/top-ups/{top.number}/").content.decode()
    assert "七日内退款" in page
    assert "应收回赠金" in page
    form = {"amount": "1000.00", "session": till.pk, "reason": "不想要了", "key": "k"}
    answer = client.post(f"/sales/top-ups/{top.number}/refund/", {**form, "amount": "1000.01"})
    assert (answer.status_code, "还能退本金 1000.00" in answer.content.decode()) == (422, True)
    for _ in range(2):
        answer = client.post(f"/sales/top-ups/{top.number}/refund/", form)
        assert answer.status_code == 302
    account.refresh_from_db()
    assert account.balance == 0
    assert [one.amount for one in Payment.objects.order_by("pk")] == [D("1000.00"), D("-1000.00")]
    assert client.get(answer["Location"]).status_code == 200
    assert client.get("/sales/top-ups/").content.decode().count(top.number) >= 1


def test_the_count_asks_nothing_of_stored_value_and_nothing_is_missing(till) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    fill = make.fill_at(till.station, litres="10.00", unit_price="8.00")
    make.sale(till, [fill], tenders=[("MEMBER", "80.00", account.number)])
    client = make.signed_in(till.cashier)
    client.post(f"/sales/sessions/{till.pk}/end/")
    page = client.get(f"/sales/sessions/{till.pk}/count/").content.decode()
    assert "会员储值合计" not in page
    counted = client.post(f"/sales/sessions/{till.pk}/count/", {"face_100": "6"})
    assert counted.status_code == 302, counted.content.decode()[:2000]
    till.refresh_from_db()
    told = {due.tender.code: due.difference for due in tender_dues(till)}
    assert told["MEMBER"] == 0


@pytest.mark.req("SAL-15")
def test_stored_value_claimed_by_an_upload_is_missing_money_and_not_a_debit(till) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "500.00")
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    body = {
        **make.basket([fill], tenders=[("MEMBER", "200.00", account.number)]),
        "number": "断1-20260422-0001",
        "at": make.NOW.isoformat(),
        "session": till.pk,
        "cashier": till.cashier_id,
        "till": till.till_id,
    }
    upload = uploads.receive(till=till.till, body=body, at=make.NOW)
    assert upload.sale is not None
    assert not upload.sale.payments.exists()
    odd = Discrepancy.objects.get()
    assert (odd.kind, odd.amount) == ("AMOUNT_DIFFERS", D("-200.00"))
    account.refresh_from_db()
    assert account.balance == D("500.00")


def test_a_sale_by_value_with_a_pin_takes_few_statements(till) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00", bonus="50.00")
    value_accounts.set_pin(account=account, pin="258036", at=make.NOW, actor=till.cashier)
    client = make.signed_in(till.cashier)
    water = make.item("矿泉水", price="2.00", on_hand="10")
    for _ in range(2):
        fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
        tenders = [("MEMBER", "202.00", account.number)]
        basket = make.basket([fill], [(water, 1)], tenders=tenders, member=account.member_id)
        basket["secrets"] = {account.number: "258036"}
        with CaptureQueriesContext(connection) as statements:
            answer = client.post("/sales/till/settle/", basket, **JSON)
        assert answer.status_code == 200, answer.content
    listing = "\n".join(one["sql"][:150] for one in statements)
    assert len(statements) <= 40, f"{len(statements)}\n{listing}"
