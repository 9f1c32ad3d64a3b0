"""Limits against abuse: met in the sale's own transaction, kept as cases, decided by a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import DatabaseError, connections, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import (
    Metric,
    PointsAccount,
    PointsTxn,
    Purchase,
    RiskCase,
    RiskRule,
    RiskStep,
)
from members.queries.points_expiry import HELD
from members.services import (
    closing,
    joining,
    merging,
    points,
    points_adjusting,
    profiles,
    risk_cases,
    risk_rules,
    risk_shares,
    vehicles,
)
from members.services.points import Cause
from members.services.risk import OverTheLimit
from members.services.risk_cases import CaseRefused
from members.services.risk_rules import LimitRefused
from sales.services import refunds
from sales.services.refunds import RefundLine
from station.models import Crew
from tests import make
from tests.members.points import violations
from tests.members.points_histories import default_rules
from tests.sales.test_lock_order import someone_waits

pytestmark = [pytest.mark.django_db, pytest.mark.req("PTS-05")]


def wallet(member):
    account = PointsAccount.objects.get(member=member)
    return account.balance, account.pending, account.debt


def limit(station, metric, most=0, action="HOLD", window=None, least=0, active=True):
    """A new version of a limit."""
    return risk_rules.save(
        metric=metric,
        active=active,
        window=window,
        limit=most,
        least=least,
        action=action,
        station=station,
        actor=make.manager(station),
        at=make.NOW,
    )


def fill_up(till, member, at=make.NOW, plate="", litres="25.00", **more):
    fill = make.fill_at(till.station, litres, "8.00")
    return make.sale(till, fills=[fill], member=member.pk, at=at, plate=plate, **more)


def far(hour):
    """Sales that no other limit sees as one after another."""
    return make.at(hour)


def test_the_fourth_fill_of_a_day_waits_until_somebody_releases_it():
    till = make.session()
    member = make.member(till.station)
    for hour in (6, 7, 8):
        fill_up(till, member, at=far(hour))
    assert wallet(member) == (60, 0, 0)
    sale = fill_up(till, member, at=far(9))
    assert wallet(member) == (60, 20, 0)
    case = RiskCase.objects.get()
    assert (case.metric, case.value, case.limit, case.points) == ("FILLS", 4, 3, 20)
    assert case.words == "当天第 4 次加油，限 3 次"
    assert (case.document, case.member, case.staff) == (sale.number, member, till.cashier)
    assert case.held.lots.get().active_from == HELD
    fill_up(till, member, at=far(9) + timedelta(days=1))  # another day
    assert wallet(member) == (80, 20, 0)
    lead = make.manager(till.station)
    risk_cases.look(case=case, actor=lead, at=make.at(11))
    risk_cases.look(case=case, actor=lead, at=make.at(11))
    risk_cases.decide(case=case, confirm=False, reason="两辆车", actor=lead, at=make.at(12))
    assert wallet(member) == (100, 0, 0)
    assert [one.state for one in RiskStep.objects.order_by("pk")] == ["SEEN", "CLEARED"]
    with pytest.raises(CaseRefused):
        risk_cases.decide(case=case, confirm=True, reason="又想了", actor=lead, at=make.at(13))
    assert wallet(member) == (100, 0, 0)
    assert not violations()


def test_a_confirmed_case_takes_its_points_back_once_and_a_refund_finds_none_left():
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 1)
    fill_up(till, member, at=far(6))
    sale = fill_up(till, member, at=far(9))
    assert wallet(member) == (20, 20, 0)
    case = RiskCase.objects.get()
    lead = make.manager(till.station)
    risk_cases.decide(case=case, confirm=True, reason="拿别人的单", actor=lead, at=make.at(11))
    assert wallet(member) == (20, 0, 0)
    refunds.refund(
        sale=sale,
        lines=[RefundLine(position=1, amount=Decimal("200.00"))],
        session=till,
        actor=lead,
        at=make.at(12),
        reason="退",
        key="r1",
    )
    assert wallet(member) == (20, 0, 0)
    assert not violations()


def test_a_sale_that_several_limits_hold_is_released_with_the_last_of_them():
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 0)
    limit(till.station, Metric.POINTS_MEMBER, 5)
    fill_up(till, member)
    first, second = RiskCase.objects.order_by("pk")
    lead = make.manager(till.station)
    risk_cases.decide(case=first, confirm=False, reason="看过", actor=lead, at=make.at(11))
    assert wallet(member) == (0, 20, 0)
    risk_cases.decide(case=second, confirm=False, reason="看过", actor=lead, at=make.at(11))
    assert wallet(member) == (20, 0, 0)


def test_held_points_are_worth_nothing_until_then_and_mature_on_no_night():
    from members.services import points_sweeping

    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 0)
    fill_up(till, member)
    points_sweeping.mature_all(at=make.at(1) + timedelta(days=200))
    assert wallet(member) == (0, 20, 0)


def test_two_plates_within_an_hour_wait_and_the_same_plate_or_a_later_one_do_not():
    till = make.session()
    member = make.member(till.station)
    fill_up(till, member, at=far(6), plate="云A12345")
    fill_up(till, member, at=make.at(6, 30), plate="云a·12345")
    fill_up(till, member, at=far(9), plate="云A99999")
    assert not RiskCase.objects.exists()
    fill_up(till, member, at=make.at(9, 20), plate="云A12345")
    found = set(RiskCase.objects.values_list("metric", "value"))
    assert ("PLATES", 2) in found
    assert Purchase.objects.exclude(plate_index="").count() == 4


def test_what_is_no_plate_counts_as_none_and_refuses_nothing():
    till = make.session()
    member = make.member(till.station)
    fill_up(till, member, at=far(6), plate="随便写的")
    assert Purchase.objects.get().plate_index == ""


def test_a_plate_may_earn_only_so_much_a_day_whoever_brings_it():
    till = make.session()
    one, two = make.member(till.station), make.member(till.station)
    limit(till.station, Metric.POINTS_PLATE, 30, "BLOCK")
    fill_up(till, one, at=far(6), plate="云A12345")
    fill_up(till, two, at=far(9), plate="云A12345")
    assert wallet(one) == (20, 0, 0)
    assert PointsAccount.objects.get(member=two).balance == 0
    case = RiskCase.objects.get()
    assert (case.metric, case.value, case.points, case.held) == ("POINTS_PLATE", 40, 20, None)
    fill_up(till, two, at=far(11), plate="云B12345")
    assert wallet(two) == (20, 0, 0)


def test_litres_are_measured_by_the_tanks_of_his_cars():
    till = make.session()
    small, big = make.member(till.station), make.member(till.station)
    manager = make.manager(till.station)
    vehicles.add_vehicle(owner=big, plate="云A55555", at=make.NOW, actor=manager, tank_litres=400)
    fill_up(till, small, at=far(6), litres="110.00")  # 157 % of the 70 litres of most cars
    fill_up(till, big, at=far(6), litres="110.00")
    case = RiskCase.objects.get()
    assert (case.metric, case.member, case.value) == ("LITRES", small, 158)


def test_another_pumps_sale_within_seconds_waits():
    till = make.session()
    member = make.member(till.station)
    here, there = (make.fill(make.nozzle(till.station), "25.00", "8.00") for _ in range(2))
    make.sale(till, fills=[here], member=member.pk, at=make.at(9))
    make.sale(till, fills=[there], member=member.pk, at=make.at(9, 1))
    assert RiskCase.objects.get().metric == "OTHER_PUMP"
    assert wallet(member) == (20, 20, 0)


def test_an_employees_own_account_earns_nothing_while_he_is_on_duty():
    till = make.session()
    member = make.member(till.station)
    him = make.attendant(till.station)
    points_adjusting.name_staff(
        member=member, user=him, at=make.NOW, actor=make.manager(till.station)
    )
    fill_up(till, member, at=far(6))
    assert wallet(member) == (20, 0, 0)  # he is off
    Crew.objects.create(shift=till.shift, user=him, post=Crew.Post.ATTENDANT)
    till.shift.opened_at = make.at(7)
    till.shift.save(update_fields=["opened_at"])
    fill_up(till, member, at=far(9))
    assert wallet(member) == (20, 0, 0)
    case = RiskCase.objects.get()
    assert (case.metric, case.action, case.points) == ("STAFF", "BLOCK", 20)
    with pytest.raises(CaseRefused):  # nobody clears his own
        risk_cases.decide(case=case, confirm=False, reason="我自己", actor=him, at=make.at(10))


def test_the_till_says_in_words_why_there_are_no_points_and_takes_the_money(client):
    import json

    till = make.session()
    make.tenders()
    member = make.member(till.station)
    limit(till.station, Metric.POINTS_MEMBER, 5, "BLOCK")
    wash = make.item("洗车", "100.00", kind="SERVICE")
    client = make.signed_in(till.cashier)
    answer = client.post(
        reverse("sales:settle"),
        json.dumps(make.basket(items=[(wash, 1)], member=member.pk)),
        content_type="application/json",
    ).json()
    assert answer["points"]["earned"] == 0
    assert answer["points"]["words"] == "这一单不积分：当天连这一单得 10 分，限 5 分"
    limit(till.station, Metric.POINTS_MEMBER, 5, "HOLD")
    answer = client.post(
        reverse("sales:settle"),
        json.dumps(make.basket(items=[(wash, 1)], member=member.pk)),
        content_type="application/json",
    ).json()
    assert answer["points"]["words"] == "待核实：当天连这一单得 10 分，限 5 分"


def test_a_limit_that_only_notes_leaves_the_points_and_one_that_is_off_nothing():
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 0, "NOTIFY")
    fill_up(till, member, at=far(6))
    assert wallet(member) == (20, 0, 0)
    assert RiskCase.objects.count() == 1
    limit(till.station, Metric.FILLS, 0, "NOTIFY", active=False)
    fill_up(till, member, at=far(9))
    assert RiskCase.objects.count() == 1


def test_points_are_not_spent_within_a_day_of_a_new_phone_and_the_refusal_is_kept():
    till = make.session()
    member = make.member(till.station)
    wash = make.item("洗车", "2000.00", kind="SERVICE")
    make.sale(till, items=[(wash, 1)], member=member.pk, at=far(6))
    profiles.change(member=member, phone="13900001234", at=far(8), actor=till.cashier)
    cheap = make.item("打蜡", "10.00", kind="SERVICE")
    terms = {"member": member.pk, "points": 100, "tenders": [("CASH", "9.00")]}
    with pytest.raises(OverTheLimit, match="换过手机号"):
        make.sale(till, items=[(cheap, 1)], at=far(10), **terms)
    assert wallet(member)[0] == 200
    assert RiskCase.objects.get().metric == "PHONE_CHANGED"
    later = far(8) + timedelta(days=1, minutes=1)
    make.sale(till, items=[(cheap, 1)], at=later, **terms)
    assert RiskCase.objects.count() == 1


def test_too_many_adjustments_by_one_person_wait_or_are_refused():
    station = make.station()
    make.session(station)
    desk = make.manager(station)
    one, two = make.member(station), make.member(station)
    limit(station, Metric.ADJUSTS, 1)

    def adjust(member, key):
        return points_adjusting.adjust(
            member=member,
            points=50,
            reason="补记漏分",
            station=station,
            actor=desk,
            at=make.NOW,
            key=key,
        )

    adjust(one, "a")
    adjust(one, "a")  # the same act is no second one
    assert not RiskCase.objects.exists()
    adjust(two, "b")
    assert wallet(two) == (0, 50, 0)
    with pytest.raises(CaseRefused):
        risk_cases.decide(
            case=RiskCase.objects.get(), confirm=False, reason="我办的", actor=desk, at=make.NOW
        )
    limit(station, Metric.ADJUSTS, 1, "BLOCK")
    with pytest.raises(OverTheLimit, match="没有调整"):
        adjust(two, "c")
    assert RiskCase.objects.count() == 2
    assert not violations()


def test_points_struck_out_with_an_account_are_no_adjustment_by_hand():
    station = make.station()
    make.session(station)
    desk = make.manager(station)
    one, two = make.member(station), make.member(station)
    limit(station, Metric.ADJUSTS, 1, "BLOCK")
    with transaction.atomic():
        points.issue(
            account=points.locked_account(member_id=one.pk),
            points=100,
            program=default_rules(),
            cause=Cause(key="came", at=make.NOW, date=make.NOW.date()),
        )
    struck = points_adjusting.write_off(
        member=one, key="strike:1", reason="导入有误", at=make.NOW, actor=desk
    )
    assert struck is not None
    points_adjusting.adjust(
        member=two, points=50, reason="补记漏分", station=station, actor=desk, at=make.NOW, key="a"
    )
    assert not RiskCase.objects.exists()


def test_refunds_with_points_are_counted_by_cashier_and_never_refused():
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.REFUNDS, 1, "NOTIFY")
    lead = make.manager(till.station)
    for hour in (6, 8):
        sale = fill_up(till, member, at=far(hour))
        refunds.refund(
            sale=sale,
            lines=[RefundLine(position=1, amount=Decimal("200.00"))],
            session=till,
            actor=lead,
            at=make.at(hour, 30),
            reason="退",
            key=f"r{hour}",
        )
    case = RiskCase.objects.get()
    assert (case.metric, case.value, case.staff) == ("REFUNDS", 2, lead)


def test_a_share_on_one_member_and_on_members_of_his_own_is_told_every_night():
    till = make.session()
    friend = joining.join(
        station=till.station, phone="13912345678", at=make.NOW, actor=till.cashier
    )
    wash = make.item("洗车", "10.00", kind="SERVICE")
    for minute in range(6):
        make.sale(till, items=[(wash, 1)], member=friend.pk, at=make.at(9, minute))
    for minute in range(6, 12):
        make.sale(till, items=[(wash, 1)], at=make.at(9, minute))
    night = make.at(0, 40) + timedelta(days=1)
    assert risk_shares.watch(at=night) == 2
    assert risk_shares.watch(at=night) == 2
    rows = {one.metric: one for one in RiskCase.objects.all()}
    assert set(rows) == {"SHARE_MEMBER", "SHARE_OWN"}
    told = rows["SHARE_MEMBER"]
    assert (told.value, told.staff, told.member) == (50, till.cashier, friend)
    assert told.words == "7 天内经手 12 单，其中 6 单是同一位会员（50%，限 20%）"
    assert RiskCase.objects.count() == 2
    # few sales say nothing
    limit(till.station, Metric.SHARE_MEMBER, 20, "NOTIFY", 7 * 86400, least=13)
    limit(till.station, Metric.SHARE_OWN, 20, "NOTIFY", 7 * 86400, least=13)
    assert risk_shares.watch(at=night + timedelta(days=1)) == 0


def test_what_a_limit_cannot_do_is_refused():
    station = make.station()
    with pytest.raises(LimitRefused):
        limit(station, Metric.REFUNDS, 1, "BLOCK")
    with pytest.raises(LimitRefused):
        limit(station, Metric.SHARE_OWN, 0, "NOTIFY", 86400)


def test_the_database_keeps_limits_cases_and_decisions_as_they_were():
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 0)
    fill_up(till, member)
    case = RiskCase.objects.get()
    risk_cases.decide(
        case=case, confirm=False, reason="看过", actor=make.manager(till.station), at=make.NOW
    )
    for act in (
        lambda: RiskRule.objects.update(limit=9),
        lambda: RiskCase.objects.update(points=9),
        lambda: RiskCase.objects.update(state="CONFIRMED"),
        lambda: RiskCase.objects.all().delete(),
        lambda: RiskStep.objects.update(reason="别的"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


@pytest.mark.parametrize("confirm", [False, True])
def test_a_closed_members_case_stays_and_his_points_are_gone(confirm):
    till = make.session()
    member = make.member(till.station)
    limit(till.station, Metric.FILLS, 0)
    fill_up(till, member)
    lead = make.manager(till.station)
    closing.forget(member=member, reason="本人要求", at=make.at(11), actor=lead)
    risk_cases.decide(
        case=RiskCase.objects.get(), confirm=confirm, reason="看过", actor=lead, at=make.at(12)
    )
    assert wallet(member) == (0, 0, 0)
    assert not violations()


@pytest.mark.django_db(transaction=True)
def test_two_members_with_one_plate_at_the_same_moment_do_not_pass_its_limit():
    default_rules()
    till = make.session()
    other = make.session(till=make.till(till.station))
    people = [make.member(till.station), make.member(till.station)]
    make.tenders()
    limit(till.station, Metric.POINTS_PLATE, 30, "BLOCK")
    fills = [make.fill_at(till.station, "25.00", "8.00") for _ in people]

    def pay(session, fill, member):
        try:
            make.sale(session, fills=[fill], member=member.pk, plate="云A12345")
        finally:
            connections.close_all()

    threads = [
        Thread(target=pay, args=one) for one in zip((till, other), fills, people, strict=True)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(PointsAccount.objects.values_list("balance", flat=True)) == 20
    assert PointsTxn.objects.count() == 1
    assert RiskCase.objects.get().metric == "POINTS_PLATE"


@pytest.mark.django_db(transaction=True)
def test_a_case_that_is_decided_during_a_merge_frees_the_points_where_they_went():
    default_rules()
    till = make.session()
    make.tenders()
    stays, goes = make.member(till.station), make.member(till.station)
    limit(till.station, Metric.FILLS)
    fill_up(till, goes)
    assert wallet(goes) == (0, 20, 0)
    lead, case = make.manager(till.station), RiskCase.objects.get()

    def clear():
        try:
            risk_cases.decide(case=case, confirm=False, reason="是本人", actor=lead, at=make.NOW)
        finally:
            connections.close_all()

    thread = Thread(target=clear)
    with transaction.atomic():
        merging.merge(
            survivor=stays, merged=goes, reason="登记了两次", at=make.NOW, actor=till.cashier
        )
        thread.start()
        someone_waits()
    thread.join(20)
    assert (wallet(stays), wallet(goes)) == ((20, 0, 0), (0, 0, 0))
    assert not violations()


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    acts=st.lists(st.sampled_from(["fill", "clear", "confirm", "refund"]), min_size=2, max_size=8)
)
def test_any_history_of_sales_and_decisions_keeps_the_ledger_whole(acts):
    with transaction.atomic():
        till = make.session()
        member = make.member(till.station)
        limit(till.station, Metric.FILLS, 1)
        limit(till.station, Metric.OTHER_PUMP, active=False)
        lead = make.manager(till.station)
        sales, expected = [], 0
        for minute, act in enumerate(acts):
            at = make.at(9, minute)
            if act == "fill":
                sales.append(fill_up(till, member, at=at, litres="1.25"))
            elif act == "refund" and sales:
                sale = sales.pop()
                refunds.refund(
                    sale=sale,
                    lines=[RefundLine(position=1, amount=sale.due)],
                    session=till,
                    actor=lead,
                    at=at,
                    reason="退",
                    key=f"r{minute}",
                )
            elif case := RiskCase.objects.filter(state="NEW", metric="FILLS").first():
                risk_cases.decide(
                    case=case, confirm=act == "confirm", reason="看过", actor=lead, at=at
                )
            assert not violations()
        expected = RiskCase.objects.filter(state__in=["NEW", "SEEN"], metric="FILLS").count()
        if not expected:
            assert wallet(member)[1] == 0 if sales or PointsAccount.objects.exists() else True
        transaction.set_rollback(True)


def test_the_pages_show_change_and_decide(client):
    till = make.session()
    member = make.member(till.station)
    client = make.signed_in(make.manager(till.station))
    page = client.get(reverse("members:risk_rules"))
    assert "一人加油次数" in page.content.decode()
    for metric in Metric.values:
        assert client.get(reverse("members:risk_rule", args=[metric])).status_code == 200
    url = reverse("members:risk_rule", args=["FILLS"])
    bad = client.post(url, {"active": "on", "unit": "3600", "limit": "1", "action": "HOLD"})
    assert bad.status_code == 422
    good = {"active": "on", "unit": "3600", "span": "24", "limit": "0", "action": "HOLD"}
    assert client.post(url, good).status_code == 302
    newest = RiskRule.objects.filter(metric="FILLS").latest("version")
    assert (newest.version, newest.window, newest.limit) == (2, 86400, 0)
    assert client.get(reverse("members:risk_rule", args=["NOTHING"])).status_code == 404
    fill_up(till, member)
    case = RiskCase.objects.get()
    listed = client.get(reverse("members:risk_cases"), {"state": "OPEN"}).content.decode()
    assert member.number in listed
    page = client.get(reverse("members:risk_case", args=[case.pk])).content.decode()
    assert "排除，放行积分" in page
    decide = reverse("members:risk_decide", args=[case.pk])
    assert client.post(decide, {"reason": ""}).status_code == 422
    assert client.post(reverse("members:risk_look", args=[case.pk])).status_code == 302
    assert client.post(decide, {"reason": "看过监控", "confirm": "1"}).status_code == 302
    assert wallet(member) == (0, 0, 0)
    assert client.post(decide, {"reason": "再来"}).status_code == 422
    ledger = client.get(reverse("members:points_ledger", args=[member.number])).content.decode()
    assert "核实后扣回" in ledger
    cashier = make.signed_in(till.cashier)
    assert cashier.get(reverse("members:risk_cases")).status_code == 403
