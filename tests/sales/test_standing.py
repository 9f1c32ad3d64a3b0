"""A member who is frozen, merged or gone at the till: nothing is earned or spent, the sale goes through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marketing.models import Coupon
from marketing.services import locking
from members.models import Member, PointsAccount, Purchase
from members.queries.standing import held_standing
from members.services import freezing, merging
from members.services.value_keeping import ValueRefused
from sales.models import Sale
from sales.queries.offers import CouponGone
from sales.queries.points_till import gained_by, points_on_screen
from sales.services import offering
from sales.services.points import PointsRefused
from sales.services.settling import NotForSale
from tests import make
from tests.marketing import offers

pytestmark = [pytest.mark.django_db, pytest.mark.req("CRM-13", "PTS-04")]


def freeze(member: Member) -> None:
    freezing.freeze(member=member, reason="卡被盗用", at=make.NOW, actor=None)


def wash(price: str = "100.00") -> Any:
    return make.item("洗车", price, kind="SERVICE")


def points(member: Member) -> int:
    rows = PointsAccount.objects.filter(member=member).values_list("balance", flat=True)
    return rows.first() or 0


def test_a_frozen_member_buys_without_points_and_is_told_why() -> None:
    till = make.session()
    member = make.member(till.station)
    make.sale(till, items=[(wash(), 1)], member=member.pk)
    freeze(member)
    sale = make.sale(till, items=[(wash(), 1)], member=member.pk)
    assert (sale.member_id, points(member)) == (member.pk, 10)
    assert "已冻结" in gained_by(sale)["words"]
    assert Purchase.objects.get(document=sale.number).points == 0
    ticket = make.ticket(items=[(wash(), 1)], member=member.pk)
    told = points_on_screen(ticket=ticket, station=till.station, at=make.NOW)
    assert (told["most"], told["frozen"], told["earns"]) == (0, True, 0)
    assert "已冻结" in told["words"][0]
    freezing.unfreeze(member=member, reason="查清了", at=make.NOW, actor=None)
    make.sale(till, items=[(wash(), 1)], member=member.pk)
    assert points(member) == 20


def test_a_frozen_member_pays_nothing_by_points_or_stored_value_and_tops_up_nothing() -> None:
    till = make.session()
    member = make.member(till.station)
    account = make.value_account(member)
    make.top_up(till, account, "1000.00")
    make.sale(till, items=[(wash("20000.00"), 1)], member=member.pk)
    freeze(member)
    with pytest.raises(PointsRefused, match="已冻结"):
        make.sale(
            till, items=[(wash(), 1)], tenders=[("CASH", "90.00")], member=member.pk, points=1000
        )
    with pytest.raises(ValueRefused, match="冻结"):
        make.sale(
            till,
            items=[(wash(), 1)],
            tenders=[("MEMBER", "100.00", account.number)],
            member=member.pk,
        )
    with pytest.raises(ValueRefused, match="冻结"):
        make.top_up(till, account, "100.00")
    account.refresh_from_db()
    assert (points(member), account.balance) == (2000, Decimal("1000.00"))
    assert Sale.objects.count() == 1


def test_a_frozen_members_coupons_are_not_offered_and_not_held() -> None:
    till = make.session()
    member = make.member(till.station)
    coupon = offers.coupon(till.station, member)
    what = wash("300.00")
    ticket = make.ticket(items=[(what, 1)], member=member.pk, tenders=[("CASH", "280.00")])

    def quoted() -> Any:
        return offering.quote(ticket=ticket, session=till, actor=till.cashier, at=make.NOW)

    assert quoted().offer.coupons == (coupon.pk,)
    freeze(member)
    with pytest.raises(CouponGone):  # held by this basket before he was frozen
        make.sale(
            till,
            items=[(what, 1)],
            key=ticket.key,
            member=member.pk,
            coupons=[coupon.pk],
            tenders=[("CASH", "280.00")],
        )
    found = quoted()
    assert (found.offer.coupons, found.coupons) == ((), {})
    assert not locking.hold(
        ids=[coupon.pk], key="other", station=till.station, actor=till.cashier, at=make.NOW
    )
    assert Coupon.objects.get().state == Coupon.State.ISSUED


def test_what_is_for_members_is_not_for_one_who_is_frozen() -> None:
    till = make.session()
    member = make.member(till.station)
    offers.promotion(
        till.station, name="会员九折", benefit="PERCENT", percent=Decimal("0.1"), members_only=True
    )
    what = wash("100.00")
    assert (
        make.sale(till, items=[(what, 1)], member=member.pk, tenders=[("CASH", "90.00")]).due == 90
    )
    freeze(member)
    sale = make.sale(till, items=[(what, 1)], member=member.pk, tenders=[("CASH", "100.00")])
    assert (sale.due, sale.discount, sale.member_id) == (100, 0, member.pk)


def test_what_is_sold_to_a_merged_member_is_the_survivors() -> None:
    till = make.session()
    stays, goes = make.member(till.station), make.member(till.station)
    merging.merge(survivor=stays, merged=goes, reason="登记了两次", at=make.NOW, actor=till.cashier)
    sale = make.sale(till, items=[(wash(), 1)], member=goes.pk)
    assert (sale.member_id, points(stays), points(goes)) == (stays.pk, 10, 0)
    assert Purchase.objects.get(document=sale.number).member_id == stays.pk
    assert held_standing(goes.pk).member_id == stays.pk


def test_a_member_who_never_was_is_refused() -> None:
    till = make.session()
    with pytest.raises(NotForSale, match="不存在"):
        make.sale(till, items=[(wash(), 1)], member=999_999_999)


def test_how_he_stands_is_one_statement(django_assert_num_queries: Any) -> None:
    member = make.member()
    with django_assert_num_queries(1):
        assert held_standing(member.pk).may_spend
