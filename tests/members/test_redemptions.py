"""The points mall: what an order takes it takes once, and what ends it gives back once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from inventory.models import StockBalance, StockMove
from inventory.services.balances import NotEnoughStock
from members.models import (
    PartnerOrder,
    PointsLot,
    PointsTxn,
    Redemption,
    RedemptionEvent,
    Reward,
    RewardCoupon,
    RewardTopUp,
)
from members.queries.rewards import Search, shelf
from members.services import partners, redemption_endings, redemptions
from members.services.partners import Answer
from members.services.points import PointsFrozen
from members.services.redemption_endings import (
    AlreadyEnded,
    NotPaid,
    PartnerAtWork,
    ReasonMissing,
    ReferenceMissing,
    UnknownCode,
)
from members.services.redemptions import MemberNotActive, NotRedeemable, TooFewPoints
from station.errors import Refusal
from station.models import AuditEntry
from tests import make
from tests.members import rewards as mall
from tests.members.points import violations

pytestmark = pytest.mark.django_db
State = Redemption.State


def on_hand(item: object) -> Decimal:
    return StockBalance.objects.get(item=item).quantity


# ------------------------------------------------------------------------------- MAL-01


@pytest.mark.req("MAL-01")
def test_a_thousand_points_are_a_ten_yuan_coupon_that_waits_for_marketing() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward()
    mall.give(zhang, 1000)
    order = mall.order(zhang, coupon, station)
    assert (order.state, order.points) == (State.RESERVED, 1000)
    waiting = RewardCoupon.objects.get()
    assert (waiting.redemption, waiting.status) == (order, "PENDING")
    assert waiting.value == Decimal("10.00")
    assert mall.balance(zhang) == 0
    txn = PointsTxn.objects.get(kind="REDEEM")
    assert (txn.delta, txn.document, txn.idem) == (-1000, order.number, f"reward:{order.number}")
    assert order.number.startswith(f"DH{station.code}-")
    assert not violations()


@pytest.mark.req("MAL-01")
def test_with_999_points_the_button_is_disabled_and_says_that_one_is_missing() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward()
    mall.give(zhang, 999)
    (offered,) = shelf(station=station, at=make.NOW, member_id=zhang.pk, balance=999)
    assert (offered.available, offered.missing, offered.told) == (False, 1, "还差 1 分")
    with pytest.raises(TooFewPoints, match="可用 999 分，还差 1 分"):
        mall.order(zhang, coupon, station)
    assert mall.balance(zhang) == 999
    assert not Redemption.objects.exists()


# -------------------------------------------------------------------- taken once, by key


@pytest.mark.req("MAL-05")
def test_the_same_key_is_the_same_order_and_takes_points_and_stock_once() -> None:
    station = make.session().station
    zhang, scent = make.member(station), make.item("车载香水", "30.00", on_hand="5")
    gift = mall.reward("车载香水", 300, "GOODS", item=scent)
    mall.give(zhang, 1000)
    first = mall.order(zhang, gift, station, key="k1")
    again = mall.order(zhang, gift, station, key="k1")
    assert first == again
    assert (mall.balance(zhang), on_hand(scent)) == (700, 4)
    assert StockMove.objects.filter(kind="GIFT", document=first.number).count() == 1
    with pytest.raises(NotRedeemable, match="这一步已办过"):
        mall.order(make.member(station), gift, station, key="k1")


@pytest.mark.req("MAL-05")
def test_till_office_kiosk_and_app_take_the_same_road() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward(cost=10)
    mall.give(zhang, 100)
    for channel in Redemption.Channel.values:
        order = redemptions.redeem(
            wish=mall.wish(zhang, coupon, station, channel=channel),
            presence=mall.seen(),
            at=make.NOW,
            actor=None,
        )
        assert (order.channel, order.state) == (channel, State.RESERVED)
    assert mall.balance(zhang) == 60


def test_an_open_request_took_nothing_and_is_reserved_later_or_runs_out() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward(cost=10)
    mall.give(zhang, 100)
    wish = mall.wish(zhang, coupon, station)
    order = redemptions.request(wish=wish, at=make.NOW, actor=None)
    assert redemptions.request(wish=wish, at=make.NOW, actor=None) == order
    assert (order.state, mall.balance(zhang)) == (State.REQUESTED, 100)
    poor = mall.reward(cost=100)
    mall.order(zhang, poor, station)
    with pytest.raises(TooFewPoints):  # an order that took nothing is no answer to the same key
        redemptions.redeem(wish=wish, presence=mall.seen(), at=make.NOW, actor=None)
    mall.give(zhang, 100)
    late = make.NOW + timedelta(days=1)
    with pytest.raises(AlreadyEnded, match="已失效"):
        redemptions.reserve(order=order, presence=mall.seen(), at=late, actor=None)
    assert redemption_endings.expire_due(at=late) == 1
    assert redemption_endings.expire_due(at=late) == 0
    order.refresh_from_db()
    assert (order.state, order.returned_txn, mall.balance(zhang)) == (State.EXPIRED, None, 100)


def test_the_redeemed_swipe_is_good_for_one_order() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward(cost=10)
    mall.give(zhang, 100)
    presence = mall.seen()
    mall.order(zhang, coupon, station, presence=presence)
    with pytest.raises(Refusal, match="这次刷卡或手机码已兑过一单"):
        mall.order(zhang, coupon, station, presence=presence)
    assert mall.balance(zhang) == 90


def test_who_is_frozen_or_gone_redeems_nothing() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward(cost=10)
    account = mall.give(zhang, 100)
    account.frozen = True
    account.save()
    with pytest.raises(PointsFrozen):
        mall.order(zhang, coupon, station)
    account.frozen = False
    account.save()
    zhang.status = "FROZEN"
    zhang.save()
    with pytest.raises(MemberNotActive):
        mall.order(zhang, coupon, station)


# --------------------------------------------------------------------- goods and services


@pytest.mark.req("MAL-02")
def test_goods_are_reserved_handed_out_once_and_tracked() -> None:
    till = make.session()
    zhang, rice = make.member(till.station), make.item("大米 5kg", "40.00", on_hand="2")
    gift = mall.reward("大米 5kg", 800, "GOODS", item=rice)
    mall.give(zhang, 3000)
    order = mall.order(zhang, gift, till.station)
    assert (order.state, on_hand(rice)) == (State.RESERVED, 1)
    redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
    with pytest.raises(AlreadyEnded, match="已完成"):
        redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
    taken = mall.order(zhang, gift, till.station, hand_out=True)
    assert (taken.state, on_hand(rice)) == (State.FULFILLED, 0)
    path = RedemptionEvent.objects.filter(redemption=taken).order_by("pk")
    assert [one.state for one in path] == ["REQUESTED", "RESERVED", "FULFILLED"]
    with pytest.raises(NotEnoughStock):
        mall.order(zhang, gift, till.station)
    assert mall.balance(zhang) == 1400


@pytest.mark.req("MAL-03")
def test_a_service_code_is_used_once_at_its_station_within_its_days() -> None:
    till = make.session()
    zhang, wash = make.member(till.station), mall.reward("免费洗车", 500, "SERVICE", days_valid=7)
    mall.give(zhang, 1500)
    order = mall.order(zhang, wash, till.station)
    assert len(order.code) == 8
    typed = f" {order.code[:4].lower()}-{order.code[4:]} "
    used = redemption_endings.verify(
        code=typed, station=till.station, at=make.NOW, actor=till.cashier
    )
    assert used.state == State.FULFILLED
    with pytest.raises(AlreadyEnded, match="已完成"):
        redemption_endings.verify(
            code=order.code, station=till.station, at=make.NOW, actor=till.cashier
        )
    for code, where in (
        ("NOPE2345", till.station),
        ("", till.station),
        (order.code, make.station()),
    ):
        with pytest.raises(UnknownCode):
            redemption_endings.verify(code=code, station=where, at=make.NOW, actor=till.cashier)
    late = mall.order(zhang, wash, till.station)
    last = make.at(23, 59, 59, day=make.TODAY + timedelta(days=7))
    assert late.expires_at == last + timedelta(seconds=1)
    with pytest.raises(AlreadyEnded, match="已过有效期"):
        redemption_endings.verify(
            code=late.code, station=till.station, at=late.expires_at, actor=till.cashier
        )
    redemption_endings.verify(code=late.code, station=till.station, at=last, actor=till.cashier)


def test_a_surcharge_is_paid_in_a_sale_before_the_gift_goes() -> None:
    till = make.session()
    zhang = make.member(till.station)
    mat, extra = (
        make.item("脚垫", "90.00", on_hand="3"),
        make.item("加价款", "19.90", kind="SERVICE"),
    )
    gift = mall.reward("脚垫", 500, "GOODS", item=mat, surcharge_item=extra)
    mall.give(zhang, 1500)
    order = mall.order(zhang, gift, till.station, hand_out=True)
    assert (order.state, order.surcharge) == (State.RESERVED, Decimal("19.90"))
    with pytest.raises(NotPaid, match=r"要加 19\.90 元"):
        redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
    make.sale(till, items=[(extra, 1)])  # somebody else's
    with pytest.raises(NotPaid):
        redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
    paid = make.sale(till, items=[(extra, 1)], member=zhang.pk)
    done = redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
    assert (done.state, done.paid_document) == (State.FULFILLED, paid.number)
    second = mall.order(zhang, gift, till.station)
    with pytest.raises(NotPaid):  # one sale pays one surcharge
        redemption_endings.fulfil(order=second, at=make.NOW, actor=till.cashier)


# ------------------------------------------------------------------------- given by others


@pytest.mark.req("MAL-01", "MAL-10")
def test_what_another_part_gives_is_noted_by_its_number_once() -> None:
    till = make.session()
    zhang = make.member(till.station)
    mall.give(zhang, 2000)
    for kind, table in (("COUPON", RewardCoupon), ("TOP_UP", RewardTopUp)):
        order = mall.order(zhang, mall.reward(kind=kind), till.station)
        with pytest.raises(ReferenceMissing):
            redemption_endings.fulfil(order=order, at=make.NOW, actor=till.cashier)
        for again in (False, True):
            try:
                redemption_endings.fulfil(
                    order=order, at=make.NOW, actor=till.cashier, reference="C-1"
                )
            except AlreadyEnded:
                assert again
        row = table.objects.get(redemption=order)
        assert (row.status, row.reference) == ("SUCCEEDED", "C-1")
    assert mall.balance(zhang) == 0


@pytest.mark.req("MAL-09")
def test_a_partner_is_pending_then_gives_his_number() -> None:
    station = make.session().station
    zhang = make.member(station)
    mall.give(zhang, 1000)
    order = mall.order(zhang, mall.reward("话费", 500, "PARTNER", partner="SANDBOX"), station)
    assert PartnerOrder.objects.get().status == "PENDING"
    with pytest.raises(PartnerAtWork):
        redemption_endings.fulfil(order=order, at=make.NOW, actor=None)
    with pytest.raises(PartnerAtWork):
        redemption_endings.cancel(order=order, reason="改主意", at=make.NOW, actor=None)
    assert [partners.ask_waiting(at=make.NOW) for _ in range(3)] == [0, 1, 0]
    order.refresh_from_db()
    assert (order.state, order.reference) == (State.FULFILLED, f"SB-{order.number}")
    assert mall.balance(zhang) == 500


@pytest.mark.req("MAL-09")
def test_a_partners_failure_returns_the_points_once() -> None:
    station = make.session().station
    zhang = make.member(station)
    mall.give(zhang, 1000)
    what = mall.reward("保险", 500, "PARTNER", partner="SANDBOX", code="INS-FAIL")
    order = mall.order(zhang, what, station)
    assert [partners.ask_waiting(at=make.NOW) for _ in range(3)] == [0, 1, 0]
    order.refresh_from_db()
    assert (order.state, mall.balance(zhang)) == (State.CANCELLED, 1000)
    assert PartnerOrder.objects.get().status == "FAILED"
    with pytest.raises(AlreadyEnded):
        partners.answer(
            order=order, told=Answer("FAILED", words="又说一次"), at=make.NOW, actor=None
        )
    with pytest.raises(AlreadyEnded):
        partners.answer(
            order=order, told=Answer("SUCCEEDED", reference="1"), at=make.NOW, actor=None
        )
    assert mall.balance(zhang) == 1000
    assert not violations()


@pytest.mark.req("MAL-09")
def test_what_cannot_be_answered_holds_back_nobody_behind_it(monkeypatch) -> None:
    class Broken:
        def ask(self, **told: object) -> Answer:
            raise ConnectionError("away")

    class Prompt:
        def ask(self, *, number: str, **told: object) -> Answer:
            return Answer("SUCCEEDED", reference=number)

    station = make.session().station
    zhang = make.member(station)
    mall.give(zhang, 4000)
    known = {"COUNTER": partners.Counter(), "BROKEN": Broken(), "PROMPT": Prompt()}
    monkeypatch.setattr(partners, "PARTNERS", known)
    for name in ("COUNTER", "COUNTER", "BROKEN", "PROMPT"):
        mall.order(zhang, mall.reward(name, 500, "PARTNER", partner=name), station)
    assert partners.ask_waiting(at=make.NOW, size=1) == 1
    rows = PartnerOrder.objects.order_by("pk").values_list("partner", "status", "attempts")
    assert list(rows) == [
        ("COUNTER", "PENDING", 0),
        ("COUNTER", "PENDING", 0),
        ("BROKEN", "PENDING", 1),
        ("PROMPT", "SUCCEEDED", 1),
    ]


def test_a_person_notes_the_outcome_at_the_counter_and_says_what_it_was() -> None:
    till = make.session()
    zhang = make.member(till.station)
    mall.give(zhang, 1000)
    order = mall.order(zhang, mall.reward("还款", 500, "PARTNER", partner="COUNTER"), till.station)
    assert [partners.ask_waiting(at=make.NOW) for _ in range(3)] == [0, 0, 0]
    with pytest.raises(ReferenceMissing):
        partners.answer(order=order, told=Answer("SUCCEEDED"), at=make.NOW, actor=till.cashier)
    with pytest.raises(ReasonMissing):
        partners.answer(order=order, told=Answer("FAILED"), at=make.NOW, actor=till.cashier)
    partners.answer(
        order=order, told=Answer("SUCCEEDED", reference="9"), at=make.NOW, actor=till.cashier
    )
    order.refresh_from_db()
    assert (order.state, order.reference) == (State.FULFILLED, "9")


# ------------------------------------------------------------------- cancelled and expired


@pytest.mark.req("MAL-10")
@pytest.mark.parametrize("kind", ["GOODS", "COUPON", "SERVICE", "TOP_UP"])
def test_a_cancel_returns_points_to_their_lots_and_stock_to_the_shelf_exactly_once(
    kind: str,
) -> None:
    till = make.session()
    zhang, scent = make.member(till.station), make.item("香水", "30.00", on_hand="5")
    what = mall.reward("香水", 700, kind, item=scent if kind == "GOODS" else None)
    mall.give(zhang, 500)
    mall.give(zhang, 500)
    order = mall.order(zhang, what, till.station)
    with pytest.raises(ReasonMissing):
        redemption_endings.cancel(order=order, reason=" ", at=make.NOW, actor=till.cashier)
    redemption_endings.cancel(order=order, reason="改主意", at=make.NOW, actor=till.cashier)
    for _ in range(2):
        with pytest.raises(AlreadyEnded, match="已取消"):
            redemption_endings.cancel(order=order, reason="再来", at=make.NOW, actor=till.cashier)
    assert (mall.balance(zhang), on_hand(scent)) == (1000, 5)
    assert list(PointsLot.objects.order_by("pk").values_list("remaining", flat=True)) == [500, 500]
    assert PointsTxn.objects.filter(kind="CANCEL").count() == 1
    assert not RewardCoupon.objects.exclude(status="VOID").exists()
    assert not RewardTopUp.objects.exclude(status="VOID").exists()
    audit = AuditEntry.objects.get(document=order.number)
    assert (audit.action, audit.reason) == ("members.redemption.cancelled", "改主意")
    assert not violations()


@pytest.mark.req("MAL-10")
def test_what_nobody_picks_up_expires_once_and_the_points_follow_the_rewards_rule() -> None:
    station = make.session().station
    zhang, scent = make.member(station), make.item("香水", "30.00", on_hand="5")
    kept = mall.reward("香水", 300, "GOODS", item=scent, days_valid=3)
    lost = mall.reward("洗车", 400, "SERVICE", days_valid=3, returns_points=False)
    owed = mall.reward(cost=100, days_valid=1)
    mall.give(zhang, 1000)
    orders = [mall.order(zhang, one, station) for one in (kept, lost, owed)]
    over = make.at(0, day=make.TODAY + timedelta(days=4))
    assert redemption_endings.expire_due(at=over - timedelta(seconds=1)) == 0
    assert redemption_endings.expire_due(at=over) == 2
    assert redemption_endings.expire_due(at=over) == 0
    for one in orders:
        one.refresh_from_db()
    assert [one.state for one in orders] == [State.EXPIRED, State.EXPIRED, State.RESERVED]
    assert (mall.balance(zhang), on_hand(scent)) == (500, 5)
    with pytest.raises(AlreadyEnded):
        redemption_endings.cancel(order=orders[1], reason="要回", at=over, actor=None)
    assert mall.balance(zhang) == 500
    assert not violations()


# --------------------------------------------------------------------- windows and limits


@pytest.mark.req("MAL-07")
def test_windows_are_half_open_at_both_edges() -> None:
    station = make.session().station
    zhang = make.member(station)
    mall.give(zhang, 1000)
    edges = {"from": make.at(10), "until": make.at(12)}
    shown = mall.reward("限时", 10, visible_from=edges["from"], visible_until=edges["until"])
    usable = mall.reward("限兑", 10, usable_from=edges["from"], usable_until=edges["until"])
    before, last = make.at(9, 59, 59), make.at(11, 59, 59)
    names = [[one.reward.name for one in shelf(station=station, at=at)] for at in (before, last)]
    assert names == [["限兑"], ["限时", "限兑"]]
    assert [one.reward.name for one in shelf(station=station, at=make.at(12))] == ["限兑"]
    for what in (shown, usable):
        for at in (before, make.at(12)):
            with pytest.raises(NotRedeemable):
                mall.order(zhang, what, station, at=at)
        mall.order(zhang, what, station, at=make.at(10))
        mall.order(zhang, what, station, at=last)
    assert mall.balance(zhang) == 960


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("limit_total", "已兑完"),
        ("limit_day", "今天已兑完"),
        ("limit_member", "每人限兑 2 份"),
        ("limit_member_day", "每人每天限兑 2 份"),
    ],
)
def test_a_limit_counts_orders_that_stand(limit: str, words: str) -> None:
    station = make.session().station
    zhang, wang = make.member(station), make.member(station)
    mall.give(zhang, 1000)
    mall.give(wang, 1000)
    what = mall.reward(cost=10, **{limit: 2})
    first = mall.order(zhang, what, station)
    mall.order(zhang, what, station)
    with pytest.raises(NotRedeemable, match=words):
        mall.order(zhang, what, station)
    (offered,) = shelf(station=station, at=make.NOW, member_id=zhang.pk, balance=980)
    assert (offered.available, offered.told) == (False, words)
    mine = "member" in limit
    if mine:
        mall.order(wang, what, station)
    redemption_endings.cancel(order=first, reason="退", at=make.NOW, actor=None)
    mall.order(zhang, what, station)
    tomorrow = make.NOW + timedelta(days=1)
    if limit.endswith("day"):
        mall.order(zhang, what, station, at=tomorrow)
    else:
        with pytest.raises(NotRedeemable):
            mall.order(zhang, what, station, at=tomorrow)


# ------------------------------------------------------------------- what the database says


def test_the_database_lets_an_order_go_forward_only() -> None:
    till = make.session()
    zhang = make.member(till.station)
    mall.give(zhang, 2000)
    order = mall.order(zhang, mall.reward(), till.station)
    rows = Redemption.objects.filter(pk=order.pk)
    refused = (
        lambda: rows.update(state="REQUESTED"),
        lambda: rows.update(state="CANCELLED", ended_at=make.NOW),  # points not given back
        lambda: rows.update(state="FULFILLED"),  # does not say when
        lambda: rows.update(points=1),
        lambda: rows.delete(),
        lambda: RedemptionEvent.objects.all().delete(),
        lambda: RedemptionEvent.objects.create(redemption=order, state="RESERVED", at=make.NOW),
    )
    for act in refused:
        with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
            act()
    order.refresh_from_db()
    assert (order.state, order.points) == (State.RESERVED, 1000)


@pytest.mark.parametrize(
    "fields",
    [
        {"cost": 0},
        {"kind": "GOODS"},
        {"kind": "COUPON", "value": 0},
        {"kind": "PARTNER"},
        {"days_valid": 0},
        {"visible_from": make.NOW, "visible_until": make.NOW},
        {"usable_from": make.NOW, "usable_until": make.NOW},
    ],
)
def test_the_database_refuses_a_reward_that_makes_no_sense(fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        mall.reward(**fields)


# ------------------------------------------------------------------------------ the races


def together(count: int, act: object) -> list[object]:
    """Run so many threads at once; what each got or was refused with."""
    gate, told = Barrier(count), [None] * count

    def run(place: int) -> None:
        gate.wait()
        try:
            told[place] = act(place)  # type: ignore[operator]
        except (Refusal, DatabaseError) as error:
            told[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place,)) for place in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return told


@pytest.mark.req("MAL-02", "PTS-17")
@pytest.mark.django_db(transaction=True)
def test_the_last_piece_goes_to_exactly_one_of_fifty_members() -> None:
    station = make.session().station
    scent = make.item("香水", "30.00", on_hand="1")
    gift = mall.reward("香水", 100, "GOODS", item=scent)
    crowd = [make.member(station) for _ in range(50)]
    for one in crowd:
        mall.give(one, 100)
    told = together(50, lambda place: mall.order(crowd[place], gift, station))
    won = [one for one in told if isinstance(one, Redemption)]
    assert len(won) == 1
    assert all(isinstance(one, Redemption | NotEnoughStock) for one in told), told
    assert on_hand(scent) == 0
    assert PointsTxn.objects.filter(kind="REDEEM").count() == 1
    assert sum(mall.balance(one) for one in crowd) == 4900
    assert not violations()


@pytest.mark.req("MAL-10", "PTS-17")
@pytest.mark.django_db(transaction=True)
def test_fifty_taps_with_one_key_are_one_order_and_a_limit_holds_for_fifty_members() -> None:
    station = make.session().station
    zhang, coupon = make.member(station), mall.reward(cost=100)
    mall.give(zhang, 5000)
    told = together(50, lambda place: mall.order(zhang, coupon, station, key="one"))
    assert {one.pk for one in told} == {Redemption.objects.get().pk}  # type: ignore[attr-defined]
    assert mall.balance(zhang) == 4900
    few = mall.reward("限量", 10, limit_total=3)
    told = together(20, lambda place: mall.order(zhang, few, station))
    assert sum(isinstance(one, Redemption) for one in told) == 3
    assert all(isinstance(one, Redemption | NotRedeemable) for one in told), told
    assert mall.balance(zhang) == 4870


@pytest.mark.req("MAL-10")
@pytest.mark.django_db(transaction=True)
def test_of_cancels_and_a_hand_over_at_once_exactly_one_stands() -> None:
    till = make.session()
    zhang, scent = make.member(till.station), make.item("香水", "30.00", on_hand="9")
    gift = mall.reward("香水", 100, "GOODS", item=scent)
    mall.give(zhang, 1000)

    def act(place: int) -> Redemption:
        mine = Redemption.objects.select_related("reward", "station", "item").get(pk=order.pk)
        if place % 2:
            return redemption_endings.fulfil(order=mine, at=make.NOW, actor=till.cashier)
        return redemption_endings.cancel(order=mine, reason="退", at=make.NOW, actor=till.cashier)

    for _ in range(3):
        before, stock = mall.balance(zhang), on_hand(scent)
        order = mall.order(zhang, gift, till.station)
        told = together(12, act)
        assert sum(isinstance(one, Redemption) for one in told) == 1, told
        assert all(isinstance(one, Redemption | AlreadyEnded) for one in told), told
        order.refresh_from_db()
        given_back = order.state == State.CANCELLED
        assert mall.balance(zhang) == (before if given_back else before - 100)
        assert on_hand(scent) == (stock if given_back else stock - 1)
    assert not violations()


@pytest.mark.req("MAL-06")
def test_what_is_on_the_shelf_is_found_by_name_pinyin_category_and_what_he_can_afford() -> None:
    station = make.session().station
    oil = mall.category("生活用品")
    Reward.objects.all().delete()
    mall.reward("擦车布", 50, pinyin="ccb cachebu")
    mall.reward("食用油", 900, category=oil, pinyin="syy shiyongyou")
    mall.reward("大米", 500, category=oil, pinyin="dm dami")

    def names(**search: object) -> list[str]:
        rows = shelf(station=station, at=make.NOW, balance=600, search=Search(**search))
        return [one.reward.name for one in rows]

    assert names() == ["擦车布", "大米", "食用油"]
    assert names(dearest_first=True) == ["食用油", "大米", "擦车布"]
    assert names(affordable=True) == ["擦车布", "大米"]
    assert names(category=oil.pk, affordable=True) == ["大米"]
    assert names(text="车布") == names(text="CCB") == names(text="cache") == ["擦车布"]
    assert names(text="无") == []
