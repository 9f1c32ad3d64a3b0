"""Each checker on what was done right, and on each way of doing it wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from devices.models import Alarm, Authorisation
from devices.services import alarms, authorising
from finance.queries.practice.scene import Finding
from finance.queries.practice.table import BY_SLUG, SCENARIOS, points
from finance.services.practice.scenes import SCENES
from sales.models import Prepay
from sales.services import disposals, late_entries, prepaying, printing, refunds, sessions
from sales.services.refunds import RefundLine
from station.models import PracticeAttempt
from tests import make
from tests.finance.practice.kit import Practice, practice, right, wrong
from tests.marketing import offers

pytestmark = [pytest.mark.django_db, pytest.mark.req("IMP-03")]
D = Decimal


@pytest.fixture
def here() -> Practice:
    return practice()


def test_every_scenario_has_its_scene_its_hints_and_somebody_to_play_it():
    assert set(SCENES) == set(BY_SLUG) == {one.slug for one in SCENARIOS}
    assert len(SCENARIOS) == 9
    assert all(one.hints and one.roles and SCENES[one.slug] for one in SCENARIOS)


def test_points_are_what_was_right_less_ten_for_each_hint():
    both = [Finding(True, ""), Finding(False, "")]
    assert points(both[:1], 0) == 100
    assert points(both[:1], 2) == 80
    assert points(both, 1) == 40
    assert points(both[1:], 3) == 0
    assert points([], 0) == 0


# ------------------------------------------------------------------ a fill


def test_cash_with_its_change(here):
    attempt = here.attempt("fill", given="200.00")
    assert "还没有加完油" in wrong(attempt)
    fill = here.fill()
    assert "还没有收款" in wrong(attempt)
    make.sale(here.session, [fill], tenders=[("CASH", "200.00")])
    assert right(attempt)


def test_too_little_on_the_ticket_is_the_wrong_change(here):
    attempt = here.attempt("fill", given="200.00")
    make.sale(here.session, [here.fill()], tenders=[("CASH", "160.00")])
    assert wrong(attempt) == (
        "客人给了现金 ¥200.00，单上记的现金是 ¥160.00；应找 ¥40.00，单上找了 ¥0.00"
    )


def test_a_fill_that_a_colleague_sold_is_not_the_trainees(here):
    attempt = here.attempt("fill", given="200.00")
    other = make.session(here.station, make.cashier(here.station), make.till(here.station))
    make.sale(other, [here.fill()], tenders=[("CASH", "200.00")])
    assert "不是你收的" in wrong(attempt)


def test_a_fill_of_before_the_scene_does_not_count(here):
    make.sale(here.session, [here.fill()], tenders=[("CASH", "200.00")])
    assert "还没有加完油" in wrong(here.attempt("fill", given="200.00"))


# ------------------------------------------------------------------ a member


def test_the_member_and_his_coupon(here):
    member = make.member(here.station)
    coupon = offers.coupon(here.station, member, kinds=["FUEL"])
    attempt = here.attempt("member", member=member.pk, coupon=coupon.pk)
    make.sale(
        here.session, [here.fill("30.00")], tenders=[("WECHAT", "220.00")], member=member.pk,
        coupons=[coupon.pk],
    )  # fmt: skip
    assert right(attempt)


def test_no_member_or_no_coupon(here):
    member = make.member(here.station)
    attempt = here.attempt("member", member=member.pk, coupon=0)
    make.sale(here.session, [here.fill()], tenders=[("WECHAT", "160.00")])
    assert wrong(attempt) == "单上没有会员；没有用他的优惠券，也没有用积分"
    PracticeAttempt.objects.all().delete()
    attempt = here.attempt("member", member=member.pk, coupon=0)
    other = make.member(here.station)
    make.sale(here.session, [here.fill()], tenders=[("WECHAT", "160.00")], member=other.pk)
    assert "另一位会员" in wrong(attempt)


# ------------------------------------------------------------------ a prepay


def prepay(here: Practice, amount: str = "200.00") -> Prepay:
    return prepaying.create(
        nozzle=here.nozzle, amount=D(amount), tender=make.tenders()["CASH"], reference="", plate="",
        session=here.session, actor=here.trainee, at=make.NOW, key="y1",
    )  # fmt: skip


def deliver(paid: Prepay, litres: str) -> None:
    Authorisation.objects.filter(pk=paid.authorisation_id).update(status="USED")
    make.fill(paid.nozzle, litres, "8.00", authorisation=paid.authorisation)
    prepaying.settle_due(at=make.NOW)


def test_a_prepay_whose_rest_is_paid_back(here):
    attempt = here.attempt("prepay", amount="200.00")
    assert "没有在" in wrong(attempt)
    paid = prepay(here)
    assert "预付还没有结算" in wrong(attempt)
    deliver(paid, "12.00")
    assert wrong(attempt) == "多收的钱没有退给客人"
    paid.refresh_from_db()
    prepaying.pay_refund(
        prepay=paid, reference="", session=here.session, actor=here.trainee, at=make.NOW
    )
    assert right(attempt)


def test_a_prepay_of_another_sum(here):
    attempt = here.attempt("prepay", amount="200.00")
    prepay(here, "150.00")
    assert "预付应收 ¥200.00，收了 ¥150.00" in wrong(attempt)


# ------------------------------------------------------------------ a drive-off


def gone(here: Practice, plate: str) -> None:
    disposals.drive_off(
        fill=here.fill(), plate=plate, note="白色轿车", session=here.session, actor=here.trainee,
        at=make.NOW,
    )  # fmt: skip


def test_a_drive_off_with_its_plate(here):
    attempt = here.attempt("drive_off", plate="云AX1234")
    gone(here, "云ax1234")
    assert right(attempt)


@pytest.mark.parametrize("plate", ["", "云AX1235"])
def test_a_drive_off_without_or_with_another_plate(here, plate):
    attempt = here.attempt("drive_off", plate="云AX1234")
    gone(here, plate)
    assert "车牌没有记，或记错了" in wrong(attempt)


def test_a_drive_off_that_was_sold_or_left_lying(here):
    attempt = here.attempt("drive_off", plate="云AX1234")
    fill = here.fill()
    assert wrong(attempt) == "这笔油还没有登记跑单"
    make.sale(here.session, [fill], tenders=[("CASH", "160.00")])
    assert "记成了销售" in wrong(attempt)


# ------------------------------------------------------------------ a lost line


def broken(here: Practice, kind: str = "LINE") -> Alarm:
    alarms.raise_alarm(
        station=here.station, kind=kind, subject="一号线", text="一号线断开", at=make.NOW
    )
    return Alarm.objects.get(kind=kind)


def test_a_break_that_was_seen_and_whose_fill_was_sold_once(here):
    attempt = here.attempt("lost_line", line="一号线", cut_at=make.NOW.isoformat())
    alarms.see(alarm=broken(here), actor=here.trainee, at=make.NOW)
    make.sale(here.session, [here.fill()], tenders=[("CASH", "160.00")])
    assert right(attempt)


def test_a_break_that_a_colleague_saw_or_that_is_of_another_kind(here):
    attempt = here.attempt("lost_line", line="一号线", cut_at=make.NOW.isoformat())
    alarms.see(alarm=broken(here), actor=here.manager, at=make.NOW)
    alarms.see(alarm=broken(here, "WATER"), actor=here.trainee, at=make.NOW)
    assert "断线的告警没有接手" in wrong(attempt)


def test_a_fill_typed_by_hand_during_the_break_is_sold_twice(here):
    attempt = here.attempt("lost_line", line="一号线", cut_at=make.NOW.isoformat())
    make.reading(here.nozzle, "1000", make.NOW - timedelta(hours=1))
    late_entries.enter(
        nozzle=here.nozzle, litres=D("20.00"), amount=D("160.00"), unit_price=D("8.00"),
        totalizer_after=D("1020"), ended_at=make.NOW, reason="看机上的数",
        session=here.session, actor=here.trainee, approver=here.manager, at=make.NOW,
    )  # fmt: skip
    here.fill()
    assert "补录或另卖" in wrong(attempt)


# ------------------------------------------------------------------ a power cut


def test_after_the_power_cut_sold_in_the_same_session_and_printed_again(here):
    make.printer(here.session.till)
    attempt = here.attempt("power_cut", cut_at=make.NOW.isoformat())
    sale = make.sale(here.session, [here.fill()], tenders=[("CASH", "160.00")])
    assert wrong(attempt) == "客人要的小票没有补打"
    printing.reprint(sale=sale, actor=here.trainee, at=make.NOW)
    assert right(attempt)


def test_another_session_after_the_power_cut(here):
    attempt = here.attempt("power_cut", cut_at=make.NOW.isoformat())
    sessions.end_session(session=here.session, at=make.NOW, actor=here.trainee)
    fresh = make.session(here.station, here.trainee, here.session.till)
    make.sale(fresh, [here.fill()], tenders=[("CASH", "160.00")])
    assert "收银班没有接着用" in wrong(attempt)


# ------------------------------------------------------------------ the stop


def stopped(here: Practice, *, who=None, after: int = 5, release=None) -> None:
    at = make.NOW + timedelta(seconds=after)
    authorising.stop_all(station=here.station, actor=who or here.trainee, at=at)
    if release is not None:
        authorising.release_all(station=here.station, actor=release, at=at, reason="安全")


def test_stopped_in_time_released_and_paid(here):
    attempt = here.attempt("stop", alarm_at=make.NOW.isoformat())
    stopped(here, release=here.manager)
    make.sale(here.session, [here.fill()], tenders=[("CASH", "160.00")])
    assert right(attempt)


def test_too_late_not_released_or_by_another(here):
    assert "险情还没有出现" in wrong(here.attempt("stop"))
    PracticeAttempt.objects.all().delete()
    attempt = here.attempt("stop", alarm_at=make.NOW.isoformat())
    assert "没有按急停" in wrong(attempt)
    stopped(here, after=31)
    assert "31 秒后才按急停" in wrong(attempt)
    assert "急停没有解除" in wrong(attempt)


def test_who_leads_releases_himself(here):
    here.trainee.assignments.update(role="MANAGER")
    attempt = here.attempt("stop", alarm_at=make.NOW.isoformat())
    stopped(here, release=here.manager)
    assert "不是你解除的" in wrong(attempt)


# ------------------------------------------------------------------ goods back


def sold_two(here: Practice, count: int = 2):
    water = make.item(on_hand=24, at=here.station)
    attempt = here.attempt("refund", item=water.pk, name=water.name)
    sale = make.sale(here.session, items=[(water, count)], tenders=[("CASH", f"{2 * count}.00")])
    return attempt, sale


def give_back(here: Practice, sale, quantity: int) -> None:
    refunds.refund(
        sale=sale, lines=[RefundLine(1, quantity=D(quantity))], reason="未拆封",
        session=here.session, actor=here.trainee, at=make.NOW, key="r1", approver=here.manager,
    )  # fmt: skip


def test_two_sold_and_one_given_back(here):
    attempt, sale = sold_two(here)
    assert wrong(attempt) == "没有退款"
    give_back(here, sale, 1)
    assert right(attempt)


def test_both_given_back_or_only_one_sold(here):
    attempt, sale = sold_two(here)
    give_back(here, sale, 2)
    assert "应退一件，退了 2 件" in wrong(attempt)
    PracticeAttempt.objects.all().delete()
    attempt, _ = sold_two(here, 1)
    assert "没有先卖出两件" in wrong(attempt)


# ------------------------------------------------------------------ the blind count


def count(here: Practice, notes: dict[str, int], attempts: int = 1) -> None:
    sessions.end_session(session=here.session, at=make.NOW, actor=here.trainee)
    for _ in range(attempts):
        sessions.count_session(
            session=here.session, denominations=notes, slips={}, at=make.NOW, actor=here.trainee,
            approver=here.manager,
        )  # fmt: skip


def test_counted_as_it_lies_there(here):
    attempt = here.attempt("count", notes={"100": 4, "50": 1, "20": 2}, slips={}, drawer="490.00")
    count(here, {"100": 4, "50": 1, "20": 2, "10": 0})
    assert right(attempt)


def test_counted_to_agree_or_twice_or_not_at_all(here):
    attempt = here.attempt("count")
    assert "还没有结束" in wrong(attempt)
    PracticeAttempt.objects.all().delete()
    attempt = here.attempt("count", notes={"100": 4, "50": 1, "20": 2}, slips={}, drawer="490.00")
    assert "还没有点款" in wrong(attempt)
    count(here, {"100": 5}, attempts=2)
    assert "点成了 ¥500.00" in wrong(attempt)
    assert "点了 2 次" in wrong(attempt)


def test_the_slips_are_counted_too(here):
    attempt = here.attempt("count", notes={"100": 5}, slips={"CARD": "88.00"}, drawer="500.00")
    count(here, {"100": 5})
    assert wrong(attempt) == "其他付款方式的小票金额没有照实填"
