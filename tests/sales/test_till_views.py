"""The till's door: one request for a sale, a pulse that costs nothing when nothing changed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from sales.models import ParkedTicket, Sale
from sales.services import parking
from sales.services.sessions import end_session
from sales.services.settling import SessionEnded
from sales.services.shifts import hand_over
from station.models import TillSession
from tests import make
from tests.sales.test_handover import at_once

pytestmark = pytest.mark.django_db


def post(client: Client, name: str, body: dict[str, object], *args: object):
    return client.post(
        reverse(f"sales:{name}", args=args), json.dumps(body), content_type="application/json"
    )


def at_the_till() -> tuple[Client, TillSession]:
    till = make.session()
    make.tenders()
    return make.signed_in(till.cashier), till


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-02", "SAL-07", "PAY-01")
def test_a_fill_an_item_and_a_payment_take_at_most_22_statements() -> None:
    client, till = at_the_till()
    make.printer(till.till)
    make.fuel_cost(till.station)
    water = make.item("矿泉水", price="2.00", on_hand="10")
    for _ in range(2):
        basket = make.basket([make.fill_at(till.station, "25.00", "8.00")], [(water, 1)])
        with CaptureQueriesContext(connection) as statements:
            answer = post(client, "settle", basket)
        assert answer.status_code == 200, answer.content
    assert answer.json()["due"] == "202.00"
    listing = "\n".join(one["sql"][:150] for one in statements)
    assert len(statements) <= 22, f"{len(statements)}\n{listing}"


@pytest.mark.req("SAL-02")
def test_a_retried_request_answers_the_same_sale() -> None:
    client, till = at_the_till()
    basket = make.basket([make.fill_at(till.station)], tenders=[("CASH", "300.00")])
    first, second = post(client, "settle", basket), post(client, "settle", basket)
    assert first.json() == second.json()
    assert Decimal(first.json()["change"]) == Decimal("300.00") - Sale.objects.get().due


def test_a_refusal_is_said_in_words_and_takes_nothing() -> None:
    client, till = at_the_till()
    basket = make.basket([make.fill_at(till.station)], tenders=[("CASH", "1.00")])
    answer = post(client, "settle", basket)
    assert answer.status_code == 422
    assert "还差" in answer.json()["error"]
    for nonsense in ({}, {"key": "x", "lines": [{"kind": "FUEL"}]}, {"key": "x", "lines": "no"}):
        assert post(client, "settle", nonsense).status_code == 422
    answer = client.post(reverse("sales:settle"), "[", content_type="application/json")
    assert answer.status_code == 422
    assert not Sale.objects.exists()


@pytest.mark.req("SAL-02")
def test_the_pulse_shows_a_fill_at_once_and_an_unchanged_till_costs_a_304() -> None:
    client, till = at_the_till()
    empty = client.get(reverse("sales:till_pulse"))
    assert empty.json()["fills"] == []
    fill = make.fill_at(till.station, "25.00", "8.00")
    fresh = client.get(reverse("sales:till_pulse"), headers={"If-None-Match": empty["ETag"]})
    assert [(one["id"], one["amount"], one["held"]) for one in fresh.json()["fills"]] == [
        (fill.pk, "200.00", None)
    ]
    same = client.get(reverse("sales:till_pulse"), headers={"If-None-Match": fresh["ETag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("swipe", ["²", "9" * 5000, "-1", "", "soon"])
def test_a_pulse_after_no_swipe_is_a_pulse(swipe: str) -> None:
    client, _ = at_the_till()
    assert client.get(reverse("sales:till_pulse"), {"swipe": swipe}).status_code == 200


def test_the_pulse_says_which_till_holds_a_fill() -> None:
    client, till = at_the_till()
    other = make.session(till.station, till=make.till(till.station, 2))
    fill = make.fill_at(till.station)
    there = make.signed_in(other.cashier)
    assert post(there, "lease", {"fills": [fill.pk]}).status_code == 200
    shown = client.get(reverse("sales:till_pulse")).json()["fills"][0]
    assert (shown["held"], shown["mine"]) == (2, False)
    assert post(client, "lease", {"fills": [fill.pk]}).status_code == 422
    assert post(there, "put_back", {"fills": [fill.pk]}).json() == {"freed": 1}
    assert post(client, "lease", {"fills": [fill.pk]}).status_code == 200


def test_without_a_session_the_till_says_how_to_begin() -> None:
    where = make.station()
    client = make.signed_in(make.cashier(where))
    assert "收银班" in client.get(reverse("sales:till")).content.decode()
    assert client.get(reverse("sales:till_pulse")).status_code == 409
    make.tenders()
    assert post(client, "settle", make.basket()).status_code == 422


@pytest.mark.req("SAL-09")
def test_a_basket_put_aside_is_taken_up_at_another_till_exactly_once() -> None:
    client, till = at_the_till()
    other = make.session(till.station, till=make.till(till.station, 2))
    there = make.signed_in(other.cashier)
    fill = make.fill_at(till.station)
    basket = make.basket([fill])
    put = {"basket": basket, "total": str(fill.amount), "label": "白色轿车"}
    number = post(client, "park", put).json()["number"]
    assert post(client, "park", put).json()["number"] == number
    listed = there.get(reverse("sales:parked")).json()["parked"]
    assert [(one["number"], one["label"]) for one in listed] == [(number, "白色轿车")]
    assert client.get(reverse("sales:till_pulse")).json()["badges"]["parked"] == 1

    taken = post(there, "recall", {}, listed[0]["id"])
    assert taken.json()["basket"] == basket
    assert post(there, "recall", {}, listed[0]["id"]).status_code == 200  # a lost answer
    assert post(client, "recall", {}, listed[0]["id"]).status_code == 422
    assert post(client, "settle", basket).status_code == 422  # the fill is at the other till now
    assert post(there, "settle", basket).status_code == 200


@pytest.mark.req("SAL-09")
def test_a_basket_that_was_taken_up_can_be_put_aside_again() -> None:
    client, till = at_the_till()
    put = {"basket": make.basket([make.fill_at(till.station)]), "total": "1.00"}
    first = post(client, "park", put).json()["number"]
    pk = client.get(reverse("sales:parked")).json()["parked"][0]["id"]
    basket = post(client, "recall", {}, pk).json()["basket"]  # with the key that it had
    again = post(client, "park", {"basket": basket, "total": "1.00"}).json()["number"]
    assert again != first
    listed = client.get(reverse("sales:parked")).json()["parked"]
    assert [one["number"] for one in listed] == [again]


@pytest.mark.req("SAL-09")
def test_an_ended_session_puts_nothing_aside() -> None:
    till = make.session()
    water = make.item(on_hand="9", at=till.station)
    end_session(session=till, at=make.NOW, actor=till.cashier)
    with pytest.raises(SessionEnded, match="没有挂单"):
        parking.park(
            basket=make.basket(items=[(water, 1)]),
            total=Decimal(2),
            label="",
            session=till,
            actor=till.cashier,
            at=make.NOW,
        )


@pytest.mark.req("SAL-09")
@pytest.mark.parametrize("stop", ["end", "hand over"])
def test_a_basket_put_aside_keeps_its_fill_when_its_till_stops(stop: str) -> None:
    client, till = at_the_till()
    aside, shown = make.fill_at(till.station), make.fill_at(till.station)
    post(client, "park", {"basket": make.basket([aside]), "total": "1.00"})
    assert post(client, "lease", {"fills": [shown.pk]}).status_code == 200
    if stop == "end":
        end_session(session=till, at=now(), actor=till.cashier)
    else:
        receiver = make.cashier(till.station)
        hand_over(
            shift=till.shift, receiver=receiver, crew=[], at=now(), actor=receiver, ends_day=False
        )
    other = make.session(till.station, till=make.till(till.station, 2))
    there = make.signed_in(other.cashier)
    assert post(there, "settle", make.basket([aside])).status_code == 422
    assert post(there, "settle", make.basket([shown])).status_code == 200
    pk = there.get(reverse("sales:parked")).json()["parked"][0]["id"]
    taken = post(there, "recall", {}, pk).json()["basket"]
    assert post(there, "settle", taken).status_code == 200


@pytest.mark.req("SAL-09")
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_put_a_basket_aside_once() -> None:
    till = make.session()
    water = make.item(on_hand="9", at=till.station)
    basket = make.basket(items=[(water, 1)])

    def click() -> None:
        parking.park(
            basket=basket,
            total=Decimal(2),
            label="",
            session=till,
            actor=till.cashier,
            at=make.NOW,
        )

    at_once(click, click)
    assert ParkedTicket.objects.count() == 1


def test_a_parked_basket_is_voided_in_words_and_its_fill_is_free() -> None:
    client, till = at_the_till()
    fill = make.fill_at(till.station)
    put = {"basket": make.basket([fill]), "total": "1.00"}
    post(client, "park", put)
    pk = client.get(reverse("sales:parked")).json()["parked"][0]["id"]
    assert post(client, "void_parked", {"reason": ""}, pk).status_code == 422
    assert post(client, "void_parked", {"reason": "客人走了"}, pk).status_code == 200
    assert post(client, "recall", {}, pk).status_code == 422
    shown = client.get(reverse("sales:till_pulse")).json()["fills"][0]
    assert (shown["held"], shown["mine"]) == (None, False)


def test_the_catalogue_holds_what_the_shop_sells() -> None:
    client, _ = at_the_till()
    make.item(
        "矿泉水", price="2.00", on_hand="10", barcode="6901234567892", pinyin="kuangquanshui ksq"
    )
    make.item("旧货", active=False)
    items = client.get(reverse("sales:till_catalogue")).json()["items"]
    assert [(one["name"], one["price"], one["barcodes"]) for one in items] == [
        ("矿泉水", "2.00", [["6901234567892", 1]])
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "odd",
    [
        {"attendant": 999_999},
        {"fill": float("inf")},
        {"fill": 10**30},
        {"reason": "\x00\ud800"},
        {"kind": "GOODS", "fill": None, "item": 1, "quantity": "9999999"},
    ],
)
def test_what_no_till_sends_is_refused_and_takes_nothing(odd: dict[str, object]) -> None:
    client, till = at_the_till()
    body = make.basket([make.fill_at(till.station)], tenders=[("CARD", "1.00", "123")])
    body["lines"] = [{**line, **odd} for line in body["lines"]]  # type: ignore[attr-defined]
    assert post(client, "settle", body).status_code == 422
    if "attendant" not in odd:
        body["tenders"] = []
    else:
        body["tenders"] = [{"tender": "CASH", "amount": "9999"}]
    answer = post(client, "settle", body)
    assert answer.status_code == 422, answer.content
    assert not Sale.objects.exists()


def test_a_lease_of_what_is_no_fill_is_refused() -> None:
    client, _ = at_the_till()
    for fills in ([float("inf")], [10**30], ["x"], None):
        assert post(client, "lease", {"fills": fills}).status_code == 422
    deep = "[" * 100_000
    answer = client.post(reverse("sales:settle"), deep, content_type="application/json")
    assert answer.status_code == 422


def test_a_form_of_the_till_takes_figures_that_are_no_text_and_refuses_the_rest() -> None:
    client, till = at_the_till()
    gun = make.nozzle(till.station)
    for junk in (True, -1, 1.5, [1], {}, None, "\ud800\x00"):
        names = (
            "nozzle",
            "litres",
            "unit_price",
            "amount",
            "totalizer_after",
            "ended_at",
            "reason",
        )
        body = dict.fromkeys((*names, "gap", "tender", "key", "plate", "approver"), junk)
        for name in ("late_entry", "prepay_new", "park", "void_line"):
            assert post(client, name, {**body, "nozzle": gun.pk}).status_code in (403, 422)
