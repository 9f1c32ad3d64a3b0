"""What a till sold while the server was away: each arrives once, is never refused, and what does
not fit is on 待处理 with its money."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from inventory.models import StockBalance
from inventory.queries.places import selling_place
from members.models import Member, Purchase
from sales.models import Discrepancy, FillClaim, OfflineUpload, Payment, Sale
from sales.queries.uploads import uploads_waiting
from sales.services import till_keys, uploads
from sales.services.discrepancies import NotOpen, work_off
from sales.services.till_keys import BadSignature
from station.models import BusinessDay, Shift, TillSession
from tests import make

pytestmark = pytest.mark.django_db


def sold(till: TillSession, number: int = 1, **basket: Any) -> dict[str, Any]:
    """An offline sale as the till's store keeps it."""
    return {
        **make.basket(**basket),
        "number": f"断1-20260422-{number:04d}",
        "at": (make.NOW - timedelta(minutes=5)).isoformat(),
        "session": till.pk,
        "cashier": till.cashier_id,
        "till": till.till_id,
    }


def arrive(till: TillSession, body: dict[str, Any]) -> Sale:
    upload = uploads.receive(till=till.till, body=body, at=make.NOW)
    assert upload.sale is not None
    return upload.sale


def ready() -> TillSession:
    till = make.session()
    make.tenders()
    return till


@pytest.mark.req("SAL-15")
def test_an_offline_sale_becomes_the_same_rows_as_one_at_the_till() -> None:
    till = ready()
    fill = make.fill_at(till.station, "25.00", "8.00")
    water = make.item("矿泉水", price="2.00", on_hand="10")
    body = sold(till, fills=[fill], items=[(water, 1)], tenders=[("CASH", "300.00")])
    sale = arrive(till, body)
    assert (sale.source, sale.due, sale.reason) == ("OFFLINE", Decimal("202.00"), body["number"])
    assert sale.occurred_at < make.NOW
    assert FillClaim.objects.get().document == sale.number
    assert StockBalance.objects.get().quantity == 9
    assert sale.payments.aggregate(s=Sum("amount"))["s"] == Decimal("202.00")
    assert Purchase.objects.filter(document=sale.number).count() == 2
    assert not Discrepancy.objects.exists()


@pytest.mark.req("SAL-15")
def test_the_member_on_an_offline_sale_is_the_one_who_bought_it() -> None:
    till = ready()
    water = make.item("矿泉水", price="2.00", on_hand="10")
    member, forgotten = make.member(till.station), make.member(till.station)
    Member.objects.filter(pk=forgotten.pk).update(
        status=Member.Status.CLOSED,
        closed_at=make.NOW,
        phone_index="",
        id_number_index="",
        name_index="",
    )
    for number, (said, known) in enumerate(
        [(member.pk, member.pk), (forgotten.pk, None), (99_999_999, None), (None, None)], 1
    ):
        sale = arrive(till, sold(till, number, items=[(water, 1)], member=said))
        assert sale.member_id == known
        assert Purchase.objects.get(document=sale.number).member_id == known


@pytest.mark.req("SAL-15")
def test_it_arrives_once_however_often_it_is_sent_also_when_the_answer_was_lost() -> None:
    till = ready()
    body = sold(till, fills=[make.fill_at(till.station)])
    first = arrive(till, body)
    assert arrive(till, body) == first
    # settled at the server, the answer lost, then sold again by the till alone with the same key
    fill = make.fill_at(till.station)
    online = make.sale(till, fills=[fill], key="lost-answer")
    assert arrive(till, sold(till, 2, fills=[fill], key="lost-answer")) == online
    assert Sale.objects.count() == 2
    assert not Discrepancy.objects.exists()


@pytest.mark.req("SAL-15")
@pytest.mark.timeout(300)
def test_five_hundred_offline_sales_equal_an_online_run() -> None:
    till = ready()
    other = ready()  # the same at another station, online
    water = make.item("矿泉水", price="2.00", on_hand="2000", at=till.station)
    StockBalance.objects.create(
        station=other.station, place=selling_place(other.station), item=water, quantity=2000
    )
    gun, there = make.nozzle(till.station), make.nozzle(other.station)
    bodies = []
    for number in range(1, 511):
        litres = Decimal(10) + Decimal(number) / 100
        fills = [make.fill(gun, litres)] if number % 3 else []
        mirror = [make.fill(there, litres)] if number % 3 else []
        goods = [(water, 1 + number % 4)]
        bodies.append(sold(till, number, fills=fills, items=goods))
        make.sale(other, fills=mirror, items=goods)
    client = Client()
    key = enrolled(till)
    for _ in range(2):  # the whole lot twice: a lost answer
        for first in range(0, len(bodies), 50):
            answer = send(client, till, key, {"sales": bodies[first : first + 50]})
            assert answer.status_code == 200
            assert all(one["number"] for one in answer.json()["taken"])
    assert Sale.objects.filter(station=till.station, source="OFFLINE").count() == 510

    def figures(station: Any) -> tuple[Any, ...]:
        bought = Purchase.objects.filter(station=station)
        return (
            bought.aggregate(n=Sum("net"), q=Sum("quantity"), p=Sum("points")),
            Payment.objects.filter(station=station).aggregate(s=Sum("amount"))["s"],
            FillClaim.objects.filter(station=station).count(),
            StockBalance.objects.get(station=station).quantity,
        )

    assert figures(till.station) == figures(other.station)
    assert not Discrepancy.objects.exists()


@pytest.mark.req("SAL-15")
def test_a_second_claim_keeps_its_money_and_says_who_had_the_fill() -> None:
    till = ready()
    fill = make.fill_at(till.station, "25.00", "8.00")
    there = make.session(till.station, till=make.till(till.station, 2))
    first = make.sale(there, fills=[fill])
    sale = arrive(till, sold(till, fills=[fill]))
    odd = Discrepancy.objects.get()
    assert (odd.kind, odd.amount, odd.document) == (
        "SECOND_CLAIM",
        Decimal("200.00"),
        sale.number,
    )
    assert first.number in odd.text
    assert sale.lines.get().fill is None
    assert FillClaim.objects.get().document == first.number


@pytest.mark.req("SAL-15")
def test_an_unknown_fill_and_another_amount_are_booked_as_charged() -> None:
    till = ready()
    fill = make.fill_at(till.station, "25.00", "8.00")
    body = sold(till, tenders=[("CASH", "350.00")])
    body["lines"] = [
        {"kind": "FUEL", "fill": fill.pk, "amount": "199.00"},
        {
            "kind": "FUEL",
            "fill": 999999,
            "grade": fill.grade_id,
            "name": "92# 3 号枪",
            "quantity": "18.75",
            "price": "8.00",
            "amount": "150.00",
        },
    ]
    sale = arrive(till, body)
    assert sale.due == Decimal("349.00")
    found = {one.kind: one.amount for one in Discrepancy.objects.all()}
    assert found == {"AMOUNT_DIFFERS": Decimal("-1.00"), "UNKNOWN_FILL": Decimal("150.00")}


@pytest.mark.req("SAL-15", "INV-07")
def test_goods_that_were_not_there_leave_a_negative_stock_to_work_off() -> None:
    till = ready()
    water = make.item("矿泉水", price="2.00", on_hand="1")
    arrive(till, sold(till, items=[(water, 3)]))
    odd = Discrepancy.objects.get()
    assert (odd.kind, odd.amount) == ("NEGATIVE_STOCK", Decimal("6.00"))
    assert StockBalance.objects.get().quantity == -2


@pytest.mark.req("SAL-15")
def test_an_ended_session_still_takes_it_until_its_drawer_was_counted() -> None:
    till = ready()
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    assert arrive(till, sold(till, fills=[make.fill_at(till.station)])).session == till
    TillSession.objects.update(status="COUNTED", counted_at=make.NOW)
    body = sold(till, 2, fills=[make.fill_at(till.station)], due="200.02")
    waiting = uploads.receive(till=till.till, body=body, at=make.NOW)
    assert waiting.sale is None  # no session is open: it waits, it is not refused
    now = make.session(till.station, cashier=make.cashier(till.station), till=till.till)
    assert uploads.book_waiting(at=make.NOW) == 1
    waiting.refresh_from_db()
    assert waiting.sale.session == now
    odd = Discrepancy.objects.get()
    assert (odd.kind, odd.amount) == ("ENDED_SESSION", Decimal("200.02"))


@pytest.mark.req("SAL-15")
def test_a_closed_day_gets_no_row_the_open_day_does() -> None:
    till = ready()
    body = sold(till, items=[(make.item("洗车", "30.00", kind="SERVICE"), 1)], due="30.00")
    old = till.shift
    TillSession.objects.update(status="CLOSED", closed_at=make.NOW)
    Shift.objects.filter(pk=old.pk).update(
        status="CLOSED", handed_over_at=make.NOW, closed_at=make.NOW
    )
    BusinessDay.objects.filter(pk=old.day_id).update(
        status="CLOSED", cut_at=make.NOW, closed_at=make.NOW
    )
    tomorrow = make.day(till.station, make.TODAY + timedelta(days=1))
    now = make.session(till.station, cashier=make.cashier(till.station), till=till.till)
    sale = arrive(till, body)
    assert (sale.day, sale.session) == (tomorrow, now)
    assert Discrepancy.objects.get().kind == "CLOSED_DAY"


@pytest.mark.req("SAL-15")
def test_payments_that_do_not_add_up_and_nonsense_are_kept_and_shown() -> None:
    till = ready()
    wash = make.item("洗车", "30.00", kind="SERVICE")
    sale = arrive(till, sold(till, items=[(wash, 1)], tenders=[("GOLD", "25.00")]))
    assert (sale.due, sale.rounding) == (Decimal("25.00"), Decimal("-5.00"))
    nonsense = {"key": "n", "due": "7.00", "session": till.pk}
    kept = uploads.receive(till=till.till, body=nonsense, at=make.NOW)
    assert kept.sale is None
    assert kept.body == nonsense
    found = [(one.kind, one.amount) for one in Discrepancy.objects.order_by("pk")]
    assert found == [
        ("AMOUNT_DIFFERS", Decimal("-5.00")),
        ("AMOUNT_DIFFERS", Decimal("7.00")),
    ]


def enrolled(till: TillSession) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    till_keys.enrol(
        till=till.till,
        public_key=base64.b64encode(point).decode(),
        actor=till.cashier,
        at=make.NOW,
    )
    return key


def send(client: Client, till: TillSession, key: ec.EllipticCurvePrivateKey, body: object) -> Any:
    data = json.dumps(body).encode()
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    signature = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
    return client.post(
        reverse("sales:upload", args=[till.till_id]),
        data,
        content_type="application/json",
        headers={"X-Till-Signature": signature},
    )


@pytest.mark.req("SAL-15")
def test_only_the_tills_own_key_opens_the_door() -> None:
    till = ready()
    body = {"sales": [sold(till, fills=[make.fill_at(till.station)])]}
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert send(Client(), till, stranger, body).status_code == 403  # no key enrolled yet
    key = enrolled(till)
    assert send(Client(), till, stranger, body).status_code == 403
    assert not OfflineUpload.objects.exists()
    assert send(Client(), till, key, body).status_code == 200
    assert send(Client(), till, key, ["nonsense"]).status_code == 403
    with pytest.raises(BadSignature):
        till_keys.enrol(till=till.till, public_key="bm90", actor=till.cashier, at=make.NOW)


def test_a_discrepancy_is_worked_off_once_and_in_words() -> None:
    till = ready()
    water = make.item("矿泉水", price="2.00")
    arrive(till, sold(till, items=[(water, 1)]))
    odd = Discrepancy.objects.get()
    boss = make.manager(till.station)
    with pytest.raises(NotOpen, match="写明"):
        work_off(discrepancy=odd, resolution=" ", accepted=False, actor=boss, at=make.NOW)
    client = make.signed_in(boss)
    page = client.get(reverse("sales:discrepancies")).content.decode()
    assert "库存成了 -1" in page
    answer = client.post(reverse("sales:discrepancy", args=[odd.pk]), {"resolution": "补盘点入库"})
    assert answer.status_code == 302
    odd.refresh_from_db()
    assert (odd.status, odd.resolution) == ("RESOLVED", "补盘点入库")
    with pytest.raises(NotOpen, match="已经处理过"):
        work_off(discrepancy=odd, resolution="再来", accepted=True, actor=boss, at=make.NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-15")
@pytest.mark.parametrize(
    "odd",
    [
        {"lines": [{"kind": "FUEL", "fill": float("inf")}]},
        {"lines": [{"kind": "GOODS", "item": 10**30, "quantity": "1"}]},
        {"reason": "a\x00b", "lines": []},
        {"due": float("nan"), "tenders": "none"},
        {"lines": [{"kind": "GOODS", "item": 1, "quantity": "1", "amount": "1e400"}]},
    ],
)
def test_an_upload_that_no_row_can_hold_keeps_neither_the_others_nor_the_day_waiting(
    odd: dict[str, object],
) -> None:
    till = ready()
    key = enrolled(till)
    good = sold(till, fills=[make.fill_at(till.station)])
    answer = send(Client(), till, key, {"sales": [{**sold(till, 2), **odd}, good]})
    assert [bool(one["number"]) for one in answer.json()["taken"]] == [False, True]
    assert Discrepancy.objects.get().text.endswith("请人工核对后补录。")
    assert not uploads_waiting().exists()
    assert uploads.book_waiting(at=make.NOW) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-15")
def test_an_attendant_who_is_nobody_does_not_keep_a_sale_out_of_the_books() -> None:
    till = ready()
    body = sold(till, fills=[make.fill_at(till.station)])
    body["lines"][0]["attendant"] = 999_999
    assert arrive(till, body).lines.get().attendant is None
