"""What two members have becomes one's: points, stored value, coupons, tiers, orders; and goes back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.utils.timezone import localdate

from marketing.models import Coupon
from marketing.queries.loading import coupons_in_hand
from marketing.services import locking
from members.models import (
    Member,
    MemberTier,
    Merge,
    PointsAccount,
    PointsLot,
    Purchase,
    Tier,
    TierMeasureDaily,
    ValueAccount,
)
from members.queries.points_report import points_report
from members.queries.rewards import open_orders
from members.queries.tiers import tier_at
from members.queries.value import broken_accounts
from members.services import (
    merging,
    points,
    points_adjusting,
    tier_measures,
    tiers,
    value_accounts,
)
from members.services.points import Cause
from members.services.value_keeping import ValueRefused
from sales.services import refunds
from tests import make
from tests.marketing import offers
from tests.members import rewards as mall
from tests.members.points import violations
from tests.members.test_tiers import rule

pytestmark = [pytest.mark.django_db, pytest.mark.req("CRM-13")]
D = Decimal
LATER = make.NOW + timedelta(hours=2)


class Two:
    """A till, and one person with two numbers."""

    def __init__(self) -> None:
        self.till = make.session()
        self.station = self.till.station
        self.stays, self.goes = make.member(self.station), make.member(self.station)

    def merge(self) -> Merge:
        return merging.merge(
            survivor=self.stays,
            merged=self.goes,
            reason="登记了两次",
            at=make.NOW,
            actor=self.till.cashier,
        )

    def undo(self, row: Merge) -> None:
        merging.undo(merge=row, reason="弄错了", at=LATER, actor=self.till.cashier)

    def buy(self, member: Member, price: str, **fields: Any) -> Any:
        what = make.item("洗车", price, kind="SERVICE")
        return make.sale(self.till, items=[(what, 1)], member=member.pk, **fields)


def wallet(member: Member) -> tuple[int, int]:
    row = PointsAccount.objects.filter(member=member).first()
    return (row.balance, row.debt) if row else (0, 0)


def all_points() -> int:
    rows = PointsAccount.objects.aggregate(balance=Sum("balance"), debt=Sum("debt"))
    day = localdate(make.NOW)
    report = points_report(since=day - timedelta(days=400), until=day)
    assert report.outstanding == (rows["balance"] or 0)
    assert violations() == []
    return (rows["balance"] or 0) - (rows["debt"] or 0)


def all_value() -> tuple[Decimal, Decimal]:
    rows = ValueAccount.objects.aggregate(principal=Sum("principal"), bonus=Sum("bonus"))
    assert broken_accounts() == []
    return rows["principal"], rows["bonus"]


def test_points_move_with_their_expiry_and_what_is_left_comes_back() -> None:
    two = Two()
    mall.give(two.stays, 100)
    mall.give(two.goes, 500, at=make.at(7))
    before, lot = all_points(), PointsLot.objects.get(account__member=two.goes)
    row = two.merge()
    assert two.merge() == row
    assert (wallet(two.stays), wallet(two.goes), all_points()) == ((600, 0), (0, 0), before)
    moved = PointsLot.objects.get(account__member=two.stays, root=lot.root)
    assert (moved.expires_at, moved.station_id) == (lot.expires_at, lot.station_id)
    account = PointsAccount.objects.get(member=two.stays)
    cause = Cause(key="spend", at=make.NOW, date=localdate(make.NOW))
    points.redeem(account=points.locked(account_id=account.pk), points=250, cause=cause)
    held = all_points()
    two.undo(row)
    two.undo(row)
    assert all_points() == held == 350
    assert wallet(two.stays)[0] + wallet(two.goes)[0] == 350
    assert wallet(two.goes)[0] <= 500
    mall.give(two.goes, 7)
    assert wallet(two.stays)[0] + wallet(two.goes)[0] == 357
    assert two.merge() != row
    assert (wallet(two.stays), wallet(two.goes)) == ((357, 0), (0, 0))


def test_untouched_points_go_back_to_the_point_and_what_was_earned_since_stays() -> None:
    two = Two()
    mall.give(two.stays, 100)
    mall.give(two.goes, 500)
    row = two.merge()
    two.buy(two.goes, "100.00")
    two.undo(row)
    assert (wallet(two.stays), wallet(two.goes)) == ((110, 0), (500, 0))
    assert violations() == []


def test_a_debt_goes_along_and_comes_back_while_it_is_owed() -> None:
    two = Two()
    sale = two.buy(two.goes, "1000.00")
    account = points.locked_account(member_id=two.goes.pk)
    cause = Cause(key="all", at=make.NOW, date=localdate(make.NOW))
    points.redeem(account=account, points=100, cause=cause)
    refunds.reverse(
        sale=sale, reason="错", session=two.till, actor=two.till.cashier, at=make.NOW, key="r1"
    )
    assert wallet(two.goes) == (0, 100)
    row = two.merge()
    assert (wallet(two.stays), wallet(two.goes)) == ((0, 100), (0, 0))
    two.undo(row)
    assert (wallet(two.stays), wallet(two.goes)) == ((0, 0), (0, 100))
    assert violations() == []


def test_a_refund_of_the_merged_ones_sale_reaches_the_survivor() -> None:
    two = Two()
    sale = two.buy(two.goes, "1000.00")
    two.merge()
    refunds.reverse(
        sale=sale, reason="错", session=two.till, actor=two.till.cashier, at=make.NOW, key="r1"
    )
    assert (wallet(two.stays), wallet(two.goes)) == ((0, 0), (0, 0))
    assert TierMeasureDaily.objects.filter(member=two.goes).count() == 0
    assert TierMeasureDaily.objects.get(member=two.stays).spend == 0
    assert tier_measures.rebuild() == 0


def test_stored_value_moves_and_comes_back_to_the_fen_or_the_merge_stands() -> None:
    two = Two()
    one, other = make.value_account(two.stays), make.value_account(two.goes)
    make.top_up(two.till, one, "100.00")
    make.top_up(two.till, other, "1000.00", bonus="50.00")
    before = all_value()
    row = two.merge()
    one.refresh_from_db()
    assert (one.principal, one.bonus, all_value()) == (D("1100.00"), D("50.00"), before)
    two.undo(row)
    two.undo(row)
    for account, held in ((one, "100.00"), (other, "1050.00")):
        account.refresh_from_db()
        assert (account.status, account.balance) == ("ACTIVE", D(held))
    assert all_value() == before
    again = two.merge()
    two.buy(two.stays, "200.00", tenders=[("MEMBER", "200.00", one.number)])
    with pytest.raises(ValueRefused, match="分不开"):
        two.undo(again)
    two.goes.refresh_from_db()
    assert (two.goes.status, sum(all_value())) == ("MERGED", sum(before) - 200)


def test_money_on_a_lost_card_is_not_merged_away() -> None:
    two = Two()
    account = make.value_account(two.goes)
    value_accounts.report_loss(account=account, reason="丢了", at=make.NOW, actor=two.till.cashier)
    with pytest.raises(ValueRefused, match="已挂失"):
        two.merge()
    assert not Merge.objects.exists()


def test_unspent_coupons_change_hands_and_back() -> None:
    two = Two()
    coupon = offers.coupon(two.station, two.goes)
    spent = offers.coupon(two.station, two.goes)
    row = two.merge()
    assert set(Coupon.objects.values_list("member", flat=True)) == {two.stays.pk}
    sale = two.buy(two.stays, "300.00", coupons=[spent.pk], tenders=[("CASH", "280.00")])
    assert sale.discount == 20
    two.undo(row)
    coupon.refresh_from_db()
    spent.refresh_from_db()
    assert (coupon.member, spent.member) == (two.goes, two.stays)
    assert [one.kind for one in coupon.events.order_by("pk")] == ["ISSUED", "MOVED", "MOVED"]


def test_both_purchases_count_for_the_tier_and_each_for_his_own_again() -> None:
    two = Two()
    rule()
    two.buy(two.stays, "600.00")
    two.buy(two.goes, "600.00")
    spend = TierMeasureDaily.objects.aggregate(total=Sum("spend"))["total"]
    row = two.merge()
    assert TierMeasureDaily.objects.get().member == two.stays
    assert TierMeasureDaily.objects.get().spend == spend == 1200
    assert tier_measures.rebuild() == 0
    two.undo(row)
    told = dict(TierMeasureDaily.objects.values_list("member", "spend"))
    assert told == {two.stays.pk: 600, two.goes.pk: 600}
    assert Purchase.objects.filter(member=two.goes).count() == 1


def test_the_higher_tier_is_held_and_given_back() -> None:
    two = Two()
    low, high = rule_tiers()
    tiers.set_tier(
        member=two.goes,
        tier=high,
        locked_until=None,
        reason="大客户",
        at=make.at(7),
        actor=two.till.cashier,
    )
    row = two.merge()
    told = tier_at(member_id=two.stays.pk, at=LATER)
    assert told == high
    assert MemberTier.objects.get(member=two.stays, until=None).reason == "MERGE"
    two.undo(row)
    assert tier_at(member_id=two.stays.pk, at=LATER + timedelta(hours=1)) == low
    assert tier_at(member_id=two.goes.pk, at=LATER + timedelta(hours=1)) == high


def rule_tiers() -> list[Any]:
    rule()
    found = list(Tier.objects.filter(active=True).order_by("rank"))
    return [found[0], found[-1]]


def test_an_open_order_is_found_under_the_survivor_and_gives_back_to_him() -> None:
    two = Two()
    mall.give(two.goes, 900)
    rice = make.item("大米", "40.00", on_hand="2")
    order = mall.order(two.goes, mall.reward("大米", 800, "GOODS", item=rice), two.station)
    two.merge()
    assert open_orders(member_id=two.stays.pk, station=two.station) == [order]
    assert wallet(two.stays) == (100, 0)


def test_the_preview_says_what_cannot_be_undone() -> None:
    two = Two()
    mall.give(two.goes, 500)
    make.top_up(two.till, make.value_account(two.goes), "1000.00")
    offers.coupon(two.station, two.goes)
    client = make.signed_in(make.manager(two.station))
    page = client.get(f"/members/{two.stays.number}/merge/", {"other": two.goes.number})
    text = page.content.decode()
    for words in ("500 分转到", "本金 1000.00 元", "1 张未用的券", "不退", "合并不能撤销"):
        assert words in text


def named(member: Member, user: Any, two: Two) -> None:
    lead = make.manager(two.station)
    points_adjusting.name_staff(member=member, user=user, at=make.NOW, actor=lead)


@pytest.mark.parametrize("whose", ["stays", "goes"])
def test_nobody_merges_his_own_account_nor_takes_such_a_merge_apart(whose: str) -> None:
    two = Two()
    named(getattr(two, whose), two.till.cashier, two)
    with pytest.raises(merging.MergeRefused, match="你本人的账户"):
        two.merge()
    lead = make.manager(two.station)
    row = merging.merge(
        survivor=two.stays, merged=two.goes, reason="登记了两次", at=make.NOW, actor=lead
    )
    with pytest.raises(merging.UndoRefused, match="你本人的账户"):
        two.undo(row)
    third = make.member(two.station)
    with pytest.raises(merging.MergeRefused, match="你本人的账户"):
        merging.merge(
            survivor=third, merged=two.stays, reason="又一次", at=make.NOW, actor=two.till.cashier
        )


def adjust(member: Member, two: Two, key: str) -> Any:
    return points_adjusting.adjust(
        member=member,
        points=5,
        reason="补记",
        station=two.station,
        actor=two.till.cashier,
        at=make.NOW,
        key=key,
    )


def test_an_employees_own_account_is_so_while_it_is_merged_and_no_longer() -> None:
    two = Two()
    mall.give(two.stays, 10)
    mall.give(two.goes, 10)
    named(two.goes, two.till.cashier, two)
    lead = make.manager(two.station)
    told = {"reason": "登记了两次", "at": make.NOW, "actor": lead}
    row = merging.merge(survivor=two.stays, merged=two.goes, **told)
    for number, member in enumerate((two.stays, two.goes)):
        with pytest.raises(points_adjusting.AdjustmentRefused, match="本人"):
            adjust(member, two, f"a{number}")
    page = make.signed_in(lead).get(f"/members/{two.stays.number}/points/").content.decode()
    assert f'value="{two.till.cashier.pk}" selected' in page
    merging.undo(merge=row, reason="弄错了", at=LATER, actor=lead)
    assert adjust(two.stays, two, "b").delta == 5
    with pytest.raises(points_adjusting.AdjustmentRefused, match="本人"):
        adjust(two.goes, two, "c")


def test_accounts_of_two_employees_are_not_merged() -> None:
    two = Two()
    named(two.goes, two.till.cashier, two)
    named(two.stays, make.service(two.station), two)
    lead = make.manager(two.station)
    with pytest.raises(merging.MergeRefused, match="不同员工"):
        merging.merge(
            survivor=two.stays, merged=two.goes, reason="登记了两次", at=make.NOW, actor=lead
        )
    assert not Merge.objects.exists()


def test_whose_account_it_is_is_struck_out_for_all_who_are_one() -> None:
    two = Two()
    named(two.goes, two.till.cashier, two)
    lead = make.manager(two.station)
    merging.merge(survivor=two.stays, merged=two.goes, reason="登记了两次", at=make.NOW, actor=lead)
    named(two.stays, None, two)
    assert adjust(two.stays, two, "a").delta == 5


@pytest.mark.parametrize("paid", ["100.00", "150.00"])
def test_value_refunded_while_merged_goes_back_to_who_had_paid(paid: str) -> None:
    two = Two()
    one, other = make.value_account(two.stays), make.value_account(two.goes)
    make.top_up(two.till, one, "30.00")
    make.top_up(two.till, other, "150.00")
    sale = two.buy(two.goes, paid, tenders=[("MEMBER", paid, other.number)])
    for turn in range(2):
        row = two.merge()
        if not turn:
            refunds.reverse(
                sale=sale,
                reason="错",
                session=two.till,
                actor=two.till.cashier,
                at=make.NOW,
                key="r1",
            )
            one.refresh_from_db()
            assert one.balance == 180
        two.undo(row)
        two.undo(row)
        for account, held in ((one, 30), (other, 150)):
            account.refresh_from_db()
            assert (account.status, account.balance) == ("ACTIVE", held)
        assert all_value() == (180, 0)


def test_value_refunded_while_merged_and_spent_leaves_the_merge() -> None:
    two = Two()
    one, other = make.value_account(two.stays), make.value_account(two.goes)
    make.top_up(two.till, other, "150.00")
    sale = two.buy(two.goes, "100.00", tenders=[("MEMBER", "100.00", other.number)])
    row = two.merge()
    refunds.reverse(
        sale=sale, reason="错", session=two.till, actor=two.till.cashier, at=make.NOW, key="r1"
    )
    two.buy(two.stays, "60.00", tenders=[("MEMBER", "60.00", one.number)])
    with pytest.raises(ValueRefused, match="分不开"):
        two.undo(row)


def test_value_refunded_goes_back_through_two_merges() -> None:
    two = Two()
    first = make.member(two.station)
    account = make.value_account(first)
    make.top_up(two.till, account, "100.00")
    sale = two.buy(first, "100.00", tenders=[("MEMBER", "100.00", account.number)])
    told = {"reason": "登记了两次", "at": make.NOW, "actor": two.till.cashier}
    inner = merging.merge(survivor=two.goes, merged=first, **told)
    outer = two.merge()
    refunds.reverse(
        sale=sale, reason="错", session=two.till, actor=two.till.cashier, at=make.NOW, key="r1"
    )
    two.undo(outer)
    assert ValueAccount.objects.get(member=two.goes).balance == 100
    two.undo(inner)
    held = dict(ValueAccount.objects.values_list("member", "principal"))
    assert held == {two.stays.pk: 0, two.goes.pk: 0, first.pk: 100}
    assert all_value() == (100, 0)


def test_a_coupon_returned_to_a_merged_number_is_spent_by_whom_he_became() -> None:
    two = Two()
    coupon = offers.coupon(two.station, two.goes)
    cash = {"coupons": [coupon.pk], "tenders": [("CASH", "280.00")]}
    sale = two.buy(two.goes, "300.00", **cash)
    two.merge()
    refunds.reverse(
        sale=sale, reason="错", session=two.till, actor=two.till.cashier, at=make.NOW, key="r1"
    )
    coupon.refresh_from_db()
    assert (coupon.state, coupon.member) == ("ISSUED", two.goes)
    stranger = make.member(two.station)
    told = {"key": "basket", "station": two.station, "actor": None, "at": make.NOW}
    assert not coupons_in_hand(member=stranger.pk, key="other")
    assert list(coupons_in_hand(member=two.stays.pk, key="other")) == [coupon]
    assert locking.hold(ids=[coupon.pk], **told)
    locking.release(key="basket", actor=None, at=make.NOW)
    assert two.buy(two.stays, "300.00", **cash).discount == 20


def test_of_who_became_somebody_frozen_no_coupon_is_spent() -> None:
    two = Two()
    coupon = offers.coupon(two.station, two.stays)
    two.merge()
    Coupon.objects.update(member=two.goes)
    Member.objects.filter(pk=two.stays.pk).update(status="FROZEN")
    told = {"key": "basket", "station": two.station, "actor": None, "at": make.NOW}
    assert not coupons_in_hand(member=two.stays.pk, key="basket")
    assert not locking.hold(ids=[coupon.pk], **told)
