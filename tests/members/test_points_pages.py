"""Pages of points: rules tried before they are saved, the programme, the ledger, adjustments, the report."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from members.models import EarnRule, PointsAccount, PointsLot, PointsProgram, PointsTxn
from members.queries.earn_rules import rules_at
from members.queries.points import account_of, entries, ledger_of, wallet_at, wallet_of
from members.queries.points_report import points_flow, points_report
from members.queries.points_whatif import last_month, what_if
from members.services import earn_rules, points_adjusting
from members.services.earn_rules import RuleRefused
from members.services.points_adjusting import AdjustmentRefused
from members.services.points_sweeping import expire_all
from sales.services import refunds
from sales.services.refunds import RefundLine
from station.models import AuditEntry
from tests import make
from tests.members.points import violations

pytestmark = pytest.mark.django_db
BASE = {
    "name": "每 100 元 20 分",
    "kind": "BASE",
    "active": True,
    "measure": "YUAN",
    "points": 20,
    "per": 100,
    "whole": False,
    "factor": Decimal(1),
    "priority": 0,
    "min_spend": Decimal(0),
    "scope": {},
    "cap_sale": None,
    "cap_day": None,
    "cap_month": None,
    "valid_from": None,
    "valid_until": None,
}


def bought(till: Any, member: Any, yuan: str = "100.00", **fields: Any) -> Any:
    wash = make.item("洗车", yuan, kind="SERVICE")
    return make.sale(till, items=[(wash, 1)], member=member.pk, **fields)


@pytest.mark.req("PTS-10")
def test_a_changed_rule_holds_from_its_time_on_and_past_sales_keep_theirs() -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    first = bought(till, member)
    earn_rules.save_rule(
        code="base",
        values=BASE | {"valid_from": make.at(12)},
        station=till.station,
        at=make.at(11),
        actor=lead,
    )
    bought(till, member, at=make.at(11, 59))
    second = bought(till, member, at=make.at(12))
    told = {
        one.document: one.breakdown["rules"]
        for one in PointsTxn.objects.filter(document__in=[first.number, second.number])
    }
    assert told[first.number] == [{"code": "base", "version": 1, "points": "10"}]
    assert told[second.number] == [{"code": "base", "version": 2, "points": "20"}]
    assert wallet_of(member_id=member.pk, at=make.at(13)).balance == 40
    entry = AuditEntry.objects.get(action="members.points.rule_saved")
    assert entry.before["规则"].startswith("每 100 元 10 分")


@pytest.mark.req("PTS-10")
def test_a_rule_is_not_changed_backwards_nor_in_the_database() -> None:
    station = make.station()
    lead = make.manager(station)
    for values, words in (
        ({"valid_from": make.at(9)}, "生效时间已过"),
        ({"valid_until": make.at(10)}, "截止时间应晚于"),
        ({"kind": "BONUS"}, "类别不能改"),
        ({"points": 0}, "填多少分"),
    ):
        with pytest.raises(RuleRefused, match=words):
            earn_rules.save_rule(
                code="base", values=BASE | values, station=station, at=make.at(10), actor=lead
            )
    with pytest.raises(DatabaseError), transaction.atomic():
        EarnRule.objects.filter(code="base").update(points=99)


@pytest.mark.req("PTS-10")
def test_a_stopped_rule_earns_nothing_from_then_on() -> None:
    station = make.station()
    lead = make.manager(station)
    stopped = BASE | {"active": False}
    earn_rules.save_rule(code="base", values=stopped, station=station, at=make.at(12), actor=lead)
    assert "base" in {one.code for one in rules_at(make.at(11))}
    assert "base" not in {one.code for one in rules_at(make.at(12))}


@pytest.mark.req("PTS-10")
def test_last_months_sales_are_counted_again_before_a_rule_is_saved() -> None:
    till = make.session()
    member = make.member(till.station)
    bought(till, member)
    bought(till, member, "55.00")
    make.sale(till, items=[(make.item("蜡", "9.00", kind="SERVICE"), 1)])  # nobody's
    client = make.signed_in(make.manager(till.station))
    rule = earn_rules.draft(code="base", values=BASE, at=make.NOW)
    next_month = date(2026, 5, 10)
    told = what_if(
        rule=rule, stations=[till.station], today=next_month, at=make.NOW + timedelta(days=1)
    )
    assert (told.since, told.until) == (date(2026, 4, 1), date(2026, 4, 30))
    assert (told.sales, told.members, told.net) == (2, 1, Decimal("155.00"))
    assert (told.now.points, told.then.points, told.more) == (15, 31, 16)
    assert (told.now.cost, told.more_cost) == (Decimal("0.15"), Decimal("0.16"))

    address = reverse("members:points_rule", args=["base"])
    typed = {
        "name": "每 100 元 20 分",
        "kind": "BASE",
        "active": "on",
        "points": "20",
        "per": "100",
    }
    tried = client.post(address, typed).content.decode()
    assert "试算" in tried and "保存这一版" in tried
    assert EarnRule.objects.filter(code="base").count() == 1  # not yet
    seen = re.search(r'name="seen" value="(\w+)"', tried)
    assert seen is not None
    other = client.post(address, typed | {"seen": seen[1], "points": "30"}).content.decode()
    assert "保存这一版" in other  # what was changed is tried again
    assert EarnRule.objects.filter(code="base").count() == 1
    assert client.post(address, typed | {"seen": seen[1]}).status_code == 302
    assert EarnRule.objects.get(code="base", version=2).points == 20


def test_a_new_rule_with_a_scope_is_what_was_ticked() -> None:
    station = make.station()
    make.grade("95#")
    client = make.signed_in(make.manager(station))
    typed = {
        "code": "night",
        "name": "夜间 95# 双倍",
        "kind": "MULTI",
        "active": "on",
        "factor": "2",
        "grades": ["95#"],
        "weekdays": ["5", "6"],
        "hour_from": "22",
        "hour_until": "6",
        "month_days": "8 18",
    }
    address = reverse("members:points_rule_new")
    page = client.post(address, typed).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen is not None, page
    client.post(address, typed | {"seen": seen[1]})
    assert EarnRule.objects.get(code="night").scope == {
        "grades": ["95#"],
        "weekdays": [5, 6],
        "month_days": [8, 18],
        "hours": [22, 6],
    }
    shown = client.get(reverse("members:points_rule", args=["night"])).content.decode()
    assert 'value="8 18"' in shown
    refused = client.post(address, typed | {"month_days": "32"})
    assert refused.status_code == 422


def test_the_programme_is_changed_with_an_audit_and_old_points_keep_their_expiry() -> None:
    till = make.session()
    member = make.member(till.station)
    bought(till, member)
    before = PointsLot.objects.get().expires_at
    client = make.signed_in(make.manager(till.station))
    page = client.get(reverse("members:points_program"))
    typed = {
        name: value for name, value in page.context["form"].initial.items() if value is not None
    }
    typed |= {"expiry": "DAYS", "expiry_n": "1", "yuan_per_100": "2.00"}
    assert client.post(reverse("members:points_program"), typed).status_code == 302
    assert PointsProgram.objects.get().yuan_per_100 == 2
    assert PointsLot.objects.get().expires_at == before
    bought(till, member)
    assert PointsLot.objects.latest("pk").expires_at == make.at(0, day=date(2026, 4, 24))
    assert AuditEntry.objects.filter(action="members.points.program_saved").count() == 1
    typed["expiry_n"] = "0"
    assert client.post(reverse("members:points_program"), typed).status_code == 422


@pytest.mark.req("PTS-16")
def test_an_adjustment_needs_a_reason_and_above_the_limit_a_second_person() -> None:
    station = make.station()
    member, lead, care = make.member(station), make.manager(station), make.service(station)
    client = make.signed_in(care)
    address = reverse("members:points_adjust", args=[member.number])
    assert client.post(address, {"points": "50", "reason": " "}).status_code == 422
    big = {"points": "101", "reason": "补 4 月 2 日漏记", "key": "k2"}
    refused = client.post(address, big)
    assert refused.status_code == 422
    assert "超过 100 分" in refused.content.decode()
    wrong = big | {"approver": care.username, "approver_secret": make.PIN}
    assert "自己审批自己" in client.post(address, wrong).content.decode()
    signed = big | {"approver": lead.username, "approver_secret": make.PIN}
    for _ in range(2):  # a double click is one adjustment
        assert client.post(address, signed).status_code == 302
    client.post(address, {"points": "-20", "reason": "多给了", "key": "k3"})
    rows = list(PointsTxn.objects.order_by("pk"))
    assert [(one.delta, one.actor, one.approver) for one in rows] == [
        (101, care, lead),
        (-20, care, None),
    ]
    assert wallet_of(member_id=member.pk, at=make.NOW).balance == 81
    entry = AuditEntry.objects.filter(action="members.points.adjusted").order_by("pk")[0]
    assert (entry.document, entry.after) == (member.number, {"积分": "+101", "审批": lead.name})
    too_much = client.post(address, {"points": "-82", "reason": "清掉", "key": "k4"})
    assert too_much.status_code == 422
    assert not violations()


@pytest.mark.req("PTS-16")
def test_nobody_adjusts_or_approves_his_own_account() -> None:
    station = make.station()
    member, lead, care = make.member(station), make.manager(station), make.service(station)
    points_adjusting.name_staff(member=member, user=care, at=make.NOW, actor=lead)

    def adjust(actor: Any, approver: Any = None, points: int = 5) -> None:
        points_adjusting.adjust(
            member=member,
            points=points,
            reason="补记",
            station=station,
            actor=actor,
            approver=approver,
            at=make.NOW,
            key="k",
        )

    for actor, approver in ((care, None), (lead, care)):
        with pytest.raises(AdjustmentRefused, match="本人的账户"):
            adjust(actor, approver)
    with pytest.raises(AdjustmentRefused, match="本人的账户"):
        points_adjusting.name_staff(member=member, user=None, at=make.NOW, actor=care)
    adjust(lead)
    assert account_of(member_id=member.pk).balance == 5


@pytest.mark.req("PTS-16")
def test_the_daily_report_lists_every_adjustment() -> None:
    station = make.station()
    member, lead = make.member(station), make.manager(station)
    points_adjusting.adjust(
        member=member, points=7, reason="开业礼", station=station, actor=lead, at=make.NOW, key="k"
    )
    client = make.signed_in(lead)
    day = {"since": "2026-04-22", "until": "2026-04-22"}
    page = client.get(reverse("members:points_adjustments"), day).content.decode()
    assert member.number in page and "开业礼" in page and "限额内" in page
    day = {"since": "2026-04-21", "until": "2026-04-21"}
    assert (
        member.number not in client.get(reverse("members:points_adjustments"), day).content.decode()
    )


@pytest.mark.req("PTS-09")
def test_the_ledger_of_a_member_says_in_words_what_happened() -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    sale = bought(till, member, "20000.00")
    paid = bought(till, member, "20.00", points=1000, tenders=[("CASH", "10.00")])
    refunds.refund(
        sale=paid,
        lines=[RefundLine(1, quantity=Decimal(1))],
        reason="不要了",
        session=till,
        actor=lead,
        at=make.NOW,
        key="r",
    )
    account = account_of(member_id=member.pk)
    told = [one.words for one in entries(ledger_of(account).order_by("pk"))]
    back = PointsTxn.objects.get(kind="CANCEL").document
    assert told == [
        f"消费 {sale.number} 得 2000 分",
        f"消费 {paid.number} 抵扣用 1000 分",
        f"消费 {paid.number} 得 1 分",
        f"退款 {back}，退回 {paid.number} 用掉的 1000 分",
        f"退款 {back}，扣回 {paid.number} 得的 1 分",
    ]
    wallet = wallet_at(account=account, at=make.NOW)
    assert (wallet.balance, wallet.used, wallet.expired, wallet.debt) == (2000, 0, 0, 0)
    client = make.signed_in(make.service(till.station))
    page = client.get(reverse("members:points_ledger", args=[member.number])).content.decode()
    assert "洗车 20000.00 元 × 每 100 元 10 分 = 2000 分" in page
    card = client.get(reverse("members:member", args=[member.number])).content.decode()
    assert "2,000" in card


def test_frozen_points_are_not_spent() -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    bought(till, member, "20000.00")
    client = make.signed_in(lead)
    address = reverse("members:points_holder", args=[member.number])
    client.post(address, {"frozen": "on", "reason": ""})
    assert not PointsAccount.objects.get().frozen  # no reason
    client.post(address, {"frozen": "on", "reason": "手机被盗"})
    assert PointsAccount.objects.get().frozen
    with pytest.raises(Exception, match="已冻结"):
        bought(till, member, "20.00", points=1000, tenders=[("CASH", "10.00")])
    client.post(address, {"reason": "找回来了"})
    bought(till, member, "20.00", points=1000, tenders=[("CASH", "10.00")])
    assert AuditEntry.objects.filter(action__startswith="members.points.").count() == 2


@pytest.mark.req("PTS-12")
def test_what_was_issued_less_used_expired_and_reversed_is_what_is_out() -> None:
    here, there = make.session(), make.session()
    lead = make.manager(there.station)
    member = make.member(here.station)
    PointsProgram.objects.update(expiry="DAYS", expiry_n=3, min_redeem=1)
    bought(here, member, "1000.00")  # 100 here
    sale = bought(there, member, "500.00", at=make.at(11))  # 50 there
    bought(there, member, "4.00", points=120, tenders=[("CASH", "2.80")], at=make.at(12))
    refunds.reverse(sale=sale, reason="错", session=there, actor=lead, at=make.at(13), key="x")
    day = make.TODAY
    mine, others, both = (
        points_report(since=day, until=day, station=one)
        for one in (here.station, there.station, None)
    )
    assert (mine.issued, mine.used, mine.reversed, mine.outstanding) == (100, 100, 0, 0)
    assert (others.issued, others.used, others.reversed, others.outstanding) == (50, 20, 30, 0)
    assert (both.issued, both.used, both.outstanding, both.debt) == (150, 120, 0, 20)
    assert both.rate == Decimal("0.8")
    later = points_report(since=day + timedelta(days=1), until=day + timedelta(days=9))
    assert (later.opening, later.issued, later.outstanding) == (0, 0, 0)
    client = make.signed_in(lead)
    page = client.get(
        reverse("members:points_report"), {"since": "2026-04-22", "until": "2026-04-22"}
    )
    assert "40.0%" in page.content.decode()


@pytest.mark.req("PTS-12")
def test_the_report_draws_what_came_and_went_by_day_and_longer_ranges_by_month() -> None:
    till = make.session()
    member = make.member(till.station)
    PointsProgram.objects.update(expiry="DAYS", expiry_n=3, min_redeem=1)
    bought(till, member, "1000.00")
    bought(till, member, "4.00", points=40, tenders=[("CASH", "3.60")], at=make.at(12))
    expire_all(at=make.at(13) + timedelta(days=5))
    day = make.TODAY
    flow = points_flow(
        since=day - timedelta(days=1), until=day + timedelta(days=5), station=till.station
    )
    assert [(one.label, one.issued, one.used, one.expired) for one in flow if one.issued or one.expired] == [
        ("04-22", 100, 40, 0), ("04-27", 0, 0, 60),
    ]  # fmt: skip
    assert len(flow) == 7  # no day is left out
    months = points_flow(since=date(2026, 1, 15), until=date(2026, 5, 2))
    assert [(one.label, one.issued - one.used - one.expired) for one in months] == [
        ("2026-01", 0), ("2026-02", 0), ("2026-03", 0), ("2026-04", 0), ("2026-05", 0),
    ]  # fmt: skip
    assert months[3].expired == 60
    assert len(points_flow(since=date.min, until=date(2026, 4, 30))) == 121  # ten years of them
    assert points_flow(since=date.min, until=date(1, 1, 1))[0].issued == 0
    client = make.signed_in(make.manager(till.station))
    text = client.get(
        reverse("members:points_report"), {"since": "2026-04-20", "until": "2026-04-30"}
    ).content.decode()
    assert "本站积分的发放、使用和过期" in text
    assert "发放最高 100（04-22）" in text


def test_the_database_refuses_what_must_never_be() -> None:
    member = make.member()
    till = make.session()
    bought(till, member)
    for wrong in (
        {"balance": -1},
        {"debt": 1},
        {"holder": "both"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PointsAccount.objects.update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        PointsLot.objects.update(remaining=11)
    for sql in (
        "UPDATE members_pointstxn SET delta = 0",
        "DELETE FROM members_pointsalloc; DELETE FROM members_pointstxn",
        "UPDATE members_pointslot SET issued = 99",
        "DELETE FROM members_pointslot",
    ):
        with (
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
    with pytest.raises(IntegrityError), transaction.atomic():
        PointsProgram.objects.create(code="B", name="二", expiry="NEVER", yuan_per_100=1)


def test_last_month_of_january_is_december() -> None:
    assert last_month(date(2026, 1, 31)) == (date(2025, 12, 1), date(2025, 12, 31))


def test_pages_of_points_open_for_the_roles_that_have_them() -> None:
    station = make.station()
    make.session(station)
    client: Client = make.signed_in(make.manager(station))
    for name in (
        "points_rules",
        "points_rule_new",
        "points_program",
        "points_report",
        "points_adjustments",
    ):
        assert client.get(reverse(f"members:{name}")).status_code == 200, name
