"""What users of other systems complained about, each once, along the road that a customer goes.

The races behind some of them are raced elsewhere (`tests/marketing/test_coupon_races.py`,
`tests/members/test_points_jobs.py`, `tests/members/test_value_ledger.py`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketing.models import CouponBatch
from members.models import (
    EarnRule,
    PointsAccount,
    PointsLot,
    PointsProgram,
    PointsTxn,
    ValueAccount,
)
from members.services import points_sweeping
from sales.models import Sale
from sales.services import refunds, uploads
from sales.services.refunds import RefundLine
from station.models import TillSession
from tests import make
from tests.marketing import offers
from tests.members import rewards as mall
from tests.members.points import violations

pytestmark = [pytest.mark.django_db, pytest.mark.req("PTS-14")]
Kind = PointsTxn.Kind


@pytest.fixture
def till() -> TillSession:
    made = make.session()
    make.tenders()
    return made


def wallet(member: Any) -> tuple[int, int, int]:
    """Usable, waiting and owed points."""
    account = PointsAccount.objects.filter(member=member).first()
    return (account.balance, account.pending, account.debt) if account else (0, 0, 0)


def wash(price: str = "100.00") -> Any:
    return make.item("洗车", price, kind="SERVICE")


def pay(till: TillSession, body: dict[str, Any]) -> dict[str, Any]:
    """A basket paid at the till as its page does it."""
    client = make.signed_in(till.cashier)
    answer = client.post(reverse("sales:settle"), json.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content.decode()
    return dict(answer.json())


def take_back(till: TillSession, sale: Sale, key: str, quantity: Decimal | None = None) -> None:
    """A refund of so many of the first line, or the whole sale reversed."""
    told: dict[str, Any] = {
        "sale": sale, "reason": "不要了", "session": till, "actor": make.manager(till.station),
        "at": make.NOW, "key": key,
    }  # fmt: skip
    if quantity is None:
        refunds.reverse(**told)
    else:
        refunds.refund(lines=[RefundLine(1, quantity=quantity)], **told)


def test_buy_refund_repeat_mints_no_points(till: TillSession) -> None:
    member = make.member(till.station)
    for turn in range(3):
        sale = make.sale(till, items=[(wash(), 1)], member=member.pk)
        assert wallet(member) == (10, 0, 0)
        take_back(till, sale, f"x-{turn}")
        assert wallet(member) == (0, 0, 0)


def test_a_refund_gives_the_spent_points_back_and_never_takes_them_again(till: TillSession) -> None:
    member = make.member(till.station)
    mall.give(member, 1000)
    water = make.item("水", "10.00", on_hand="9")
    sale = make.sale(
        till, items=[(water, 4)], member=member.pk, points=1000, tenders=[("CASH", "30.00")]
    )
    before = wallet(member)[0]
    for turn in range(4):
        take_back(till, sale, f"back-{turn}", Decimal(1))
        assert wallet(member)[0] > before
        before = wallet(member)[0]
    assert wallet(member) == (1000, 0, 0)
    assert not violations()


def test_what_is_sent_twice_by_till_or_after_an_outage_earns_once(till: TillSession) -> None:
    member = make.member(till.station)
    body = make.basket(items=[(wash(), 1)], member=member.pk)
    assert [pay(till, body)["points"]["earned"] for _ in range(3)] == [10, 10, 10]
    late = make.basket(items=[(wash(), 1)], member=member.pk)
    late |= {"at": make.at(9).isoformat(), "number": "断1", "due": "100.00", "session": till.pk}
    for _ in range(3):
        uploads.receive(till=till.till, body=late, at=make.at(11))
    assert wallet(member) == (20, 0, 0)
    assert PointsTxn.objects.count() == 2


def test_points_are_counted_by_the_server_from_the_sale_alone(till: TillSession) -> None:
    """However it is paid, and whatever the browser says they are."""
    member = make.member(till.station)
    account = make.value_account(at=till.station, member=member)
    make.top_up(till, account, "500.00")
    tenders = [("MEMBER", "100.00", account.number)]
    body = make.basket(items=[(wash(), 1)], member=member.pk, tenders=tenders)
    said = pay(till, body | {"earned": 9999, "earn": {"points": 9999}, "price": "0.01"})
    assert said["points"]["earned"] == 10
    assert wallet(member) == (10, 0, 0)


def test_what_points_pay_earns_no_points(till: TillSession) -> None:
    member = make.member(till.station)
    PointsProgram.objects.update(max_redeem_pct=100)
    mall.give(member, 10000)
    mall.swipe(mall.card_of(member, till.station), till.till, at=make.NOW)
    sale = make.sale(
        till, items=[(wash(), 1)], member=member.pk, points=10000, tenders=[], due="0.00"
    )
    assert (sale.due, sale.discount) == (Decimal(0), Decimal(100))
    assert wallet(member) == (0, 0, 0)
    assert not PointsTxn.objects.filter(kind=Kind.EARN, document=sale.number).exists()


def test_a_rule_gives_nothing_before_its_first_second_and_nothing_from_its_last_on(
    till: TillSession,
) -> None:
    member = make.member(till.station)
    EarnRule.objects.create(
        program=PointsProgram.objects.get(),
        code="BONUS",
        version=1,
        name="双休日加分",
        kind="BONUS",
        points=500,
        valid_from=make.at(9),
        valid_until=make.at(11),
    )
    second = timedelta(seconds=1)
    given = []
    for at in (make.at(9) - second, make.at(9), make.at(11) - second, make.at(11)):
        before = wallet(member)[0]
        make.sale(till, items=[(wash(), 1)], member=member.pk, at=at)
        given.append(wallet(member)[0] - before)
    assert given == [10, 510, 510, 10]


def test_one_member_has_one_account(till: TillSession) -> None:
    member = make.member(till.station)
    mall.give(member, 5)
    with pytest.raises(IntegrityError), transaction.atomic():
        PointsAccount.objects.create(member=member, holder="", balance=0)


def test_the_till_loads_nobody_but_the_member_it_asks_for(till: TillSession) -> None:
    """As many statements and as large an answer with two hundred members more."""
    client = make.signed_in(till.cashier)
    addresses = [reverse("sales:till"), reverse("sales:till_pulse")]

    def asked() -> list[tuple[int, int]]:
        sizes = []
        for address in addresses:
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(address)
            body = b"".join(answer) if answer.streaming else answer.content
            sizes.append((len(captured), len(body) // 100))
        return sizes

    make.member(till.station)
    asked()  # what is read once and kept
    before = asked()
    for _ in range(200):
        mall.give(make.member(till.station), 10)
    assert asked() == before


@pytest.mark.req("PAY-03")
def test_stored_value_is_spent_once_and_never_below_nothing(till: TillSession) -> None:
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    body = make.basket(items=[(wash(), 1)], tenders=[("MEMBER", "100.00", account.number)])
    pay(till, body)
    pay(till, body)  # the answer was lost, and it is sent again
    client = make.signed_in(till.cashier)
    another = make.basket(items=[(wash(), 1)], tenders=[("MEMBER", "100.00", account.number)])
    answer = client.post(
        reverse("sales:settle"), json.dumps(another), content_type="application/json"
    )
    assert answer.status_code == 422
    assert "余额" in answer.json()["error"]
    assert Sale.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        ValueAccount.objects.filter(pk=account.pk).update(principal=F("principal") - 1)


@pytest.mark.req("CPN-09")
def test_a_limit_of_coupons_is_the_databases_and_not_the_pages(till: TillSession) -> None:
    batch = offers.batch(offers.template(till.station), quota=3)
    CouponBatch.objects.filter(pk=batch.pk).update(issued=3)
    with (
        pytest.raises(IntegrityError, match="no_more_coupons_than_the_quota"),
        transaction.atomic(),
    ):
        CouponBatch.objects.filter(pk=batch.pk).update(issued=F("issued") + 1)


def test_one_wallet_for_all_documents_and_a_return_undoes_both_sides(till: TillSession) -> None:
    member = make.member(till.station)
    mall.give(member, 1000)
    water = make.item("水", "30.00", on_hand="9")
    sale = make.sale(
        till, items=[(water, 1)], member=member.pk, points=1000, tenders=[("CASH", "20.00")]
    )
    late = make.basket(items=[(wash(), 1)], member=member.pk)
    late |= {"at": make.at(9).isoformat(), "number": "断2", "due": "100.00", "session": till.pk}
    uploads.receive(till=till.till, body=late, at=make.at(11))
    assert wallet(member) == (12, 0, 0)
    take_back(till, sale, "x")
    assert wallet(member) == (1010, 0, 0)
    assert PointsAccount.objects.filter(member=member).count() == 1
    assert not violations()


@pytest.mark.parametrize(("basis", "earned"), [("NET", 8), ("LIST", 10)])
def test_the_basis_is_what_was_paid_or_the_list_price_as_the_programme_says(
    till: TillSession, basis: str, earned: int
) -> None:
    PointsProgram.objects.update(basis=basis)
    member = make.member(till.station)
    coupon = offers.coupon(till.station, member, benefit="AMOUNT", amount=Decimal(20))
    sale = make.sale(
        till,
        items=[(wash(), 1)],
        member=member.pk,
        coupons=[coupon.pk],
        tenders=[("CASH", "80.00")],
        due="80.00",
    )
    assert sale.due == Decimal(80)
    assert wallet(member) == (earned, 0, 0)


def test_expiry_that_is_switched_on_leaves_the_points_that_are_there(till: TillSession) -> None:
    PointsProgram.objects.update(expiry="NEVER")
    old, new = make.member(till.station), make.member(till.station)
    mall.give(old, 300)
    PointsProgram.objects.update(expiry="DAYS", expiry_n=30)
    mall.give(new, 300)
    later = make.at(9) + timedelta(days=60)
    points_sweeping.expire_all(at=later)
    assert wallet(old) == (300, 0, 0)
    assert wallet(new) == (0, 0, 0)
    assert PointsLot.objects.get(account__member=old).expires_at is None
