"""会员目标 and 会员流失: counted from joinings and purchases, day by day and month by month."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localdate, now

from members.models import MemberTarget, MemberTier, Tier, TierMeasureDaily
from members.queries.churn import churn, churned, end_of, months_to, summed
from members.queries.targets import due_on, progress
from members.services import targets, tier_rules
from members.services.targets import TargetRefused
from tests import make

pytestmark = pytest.mark.django_db


def visit(member, day, visits=1):
    TierMeasureDaily.objects.create(member=member, date=day, spend=100, litres=10, visits=visits)


def goal(station, measure="JOINED", since=make.TODAY, until=None, goal=30):
    return targets.save(
        row=None,
        values={
            "measure": measure,
            "since": since,
            "until": until or since + timedelta(days=9),
            "goal": goal,
        },
        station=station,
        actor=make.manager(station),
        at=make.NOW,
    )


@pytest.mark.req("MEM-10")
def test_a_target_is_compared_with_what_has_come_of_it_every_day():
    station = make.station()
    people = [make.member(station) for _ in range(3)]
    make.member(make.station())  # another station's
    visit(people[0], make.TODAY + timedelta(days=1))
    today = make.TODAY + timedelta(days=1)
    told = progress(target=goal(station), today=today)
    assert [(one.day, one.actual, one.due) for one in told.points] == [
        (make.TODAY, 3, 3),
        (today, 3, 6),
    ]
    assert told.behind
    assert told.share == 3 / 30 or float(told.share) == 0.1
    members = progress(target=goal(station, "MEMBERS", goal=3), today=today)
    assert [one.actual for one in members.points] == [3, 3]
    assert not members.behind
    buyers = progress(target=goal(station, "BUYERS"), today=today)
    assert [one.actual for one in buyers.points] == [0, 1]
    rate = progress(target=goal(station, "CONVERSION", goal=50), today=today)
    assert [float(one.actual) for one in rate.points] == [0, 33.3]
    assert progress(target=goal(station, goal=9, since=date(2026, 6, 1)), today=today).points == ()


@pytest.mark.req("MEM-10")
def test_the_pace_is_even_and_ends_at_the_goal():
    row = MemberTarget(measure="JOINED", since=date(2026, 1, 1), until=date(2026, 1, 10), goal=25)
    told = [due_on(row, row.since + timedelta(days=n), 0) for n in range(10)]
    assert told == sorted(told)
    assert (float(told[0]), told[-1]) == (2.5, 25)


@pytest.mark.req("MEM-10")
def test_a_target_that_makes_no_sense_is_refused():
    station = make.station()
    goal(station)
    for wrong in (
        {},  # the same again
        {"until": make.TODAY - timedelta(days=1)},
        {"until": make.TODAY + timedelta(days=400)},
        {"measure": "CONVERSION", "goal": 101},
    ):
        with pytest.raises(TargetRefused):
            goal(station, **wrong)


@pytest.mark.req("MEM-11")
def test_who_was_active_before_a_month_and_not_by_its_end_churned_in_it():
    station = make.station()
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    gone, stays, gold, given_back = (make.member(station) for _ in range(4))
    MemberTier.objects.create(
        member=gold,
        tier=Tier.objects.get(code="GOLD"),
        since=make.at(0) - timedelta(days=300),
        reason="MANUAL",
    )
    march, april = date(2026, 3, 1), date(2026, 4, 1)
    for member, day in (
        (gone, date(2025, 12, 10)),  # 90 days are over on 10 March
        (gold, date(2025, 12, 20)),
        (stays, date(2025, 12, 10)),
        (stays, date(2026, 3, 20)),
    ):
        visit(member, day)
    visit(given_back, date(2026, 2, 1), visits=0)
    told = {"today": make.TODAY, "days": 90, "stations": [station.pk]}
    parts = churn(months=[march, april], **told)
    assert (summed([one for one in parts if one.month == march]).active) == 3
    assert {(one.month, one.tier, one.active, one.gone) for one in parts} == {
        (march, "普通", 2, 1),
        (march, "金卡", 1, 1),
        (april, "普通", 1, 0),
    }
    who = churned(month=march, tier="", joined=None, **told)
    assert set(who) == {gone, gold}
    assert set(churned(month=march, tier="金卡", joined=None, **told)) == {gold}
    assert set(churned(month=march, tier="", joined=1999, **told)) == set()
    assert not churn(months=[march], today=make.TODAY, days=90, stations=[0])


@pytest.mark.req("MEM-11")
def test_months_follow_each_other_and_the_running_one_ends_tomorrow():
    months = months_to(date(2026, 2, 15), 3)
    assert months == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert end_of(months[0], date(2026, 2, 15)) == date(2026, 1, 1)
    assert end_of(months[2], date(2026, 2, 15)) == date(2026, 2, 16)


@pytest.mark.req("MEM-10", "MEM-11")
def test_the_pages_show_targets_and_churn_with_their_definition():
    station = make.station()
    make.session(station)
    member = make.member(station)
    today = localdate(now())
    visit(member, today.replace(day=1) - timedelta(days=89))
    lead = make.signed_in(make.manager(station))
    form = {
        "measure": "JOINED",
        "since": f"{today:%Y-%m-%d}",
        "until": f"{today:%Y-%m-%d}",
        "goal": "15",
    }
    assert lead.post(reverse("members:target_new"), {**form, "goal": "0"}).status_code == 422
    assert lead.post(reverse("members:target_new"), form).status_code == 302
    row = MemberTarget.objects.get()
    assert lead.get(reverse("members:targets")).status_code == 200
    page = lead.get(reverse("members:target", args=[row.pk])).content.decode()
    assert "实际" in page
    change = reverse("members:target_change", args=[row.pk])
    assert lead.post(change, {**form, "goal": "16"}).status_code == 302
    report = lead.get(reverse("members:churn")).content.decode()
    assert "90 天内消费过" in report
    assert lead.get(reverse("members:churn"), {"month": "1999-01"}).status_code in (200, 422)
    listed = lead.get(reverse("members:churned"), {"month": f"{today:%Y-%m}"})
    assert listed.status_code == 200
    assert lead.get(reverse("members:churned"), {"joined": "²²²²"}).status_code == 200
    strike = reverse("members:target_strike", args=[row.pk])
    assert lead.post(strike).status_code == 302
    assert not MemberTarget.objects.exists()
