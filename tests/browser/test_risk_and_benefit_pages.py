"""Exceptions, gifts, events, targets and churn at the screen; the plate that goes along at the till."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localdate, now
from playwright.sync_api import expect

from marketing.services import gifts as giving
from members.models import Gift, MemberTarget, Purchase, RiskCase, TierMeasureDaily
from members.services import events, gifts, risk_rules, targets
from members.views.guard import COOKIE
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till_mishaps import opened, ready
from tests.members.points_histories import default_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def busy_station():
    """A held sale, a waiting gift, an event with a line, a target and somebody who stays away."""
    till = make.session()
    default_rules()
    lead = make.manager(till.station)
    at = now()
    risk_rules.save(
        metric="FILLS",
        active=True,
        window=None,
        limit=0,
        least=0,
        action="HOLD",
        station=till.station,
        actor=lead,
        at=at,
    )
    plan = {
        "occasion": "WELCOME",
        "tier": None,
        "template": "",
        "points": 20,
        "days": 0,
        "valid_days": None,
        "active": True,
    }
    gifts.save_plan(row=None, values=plan, at=at, actor=lead, station=till.station)
    people = [make.member(till.station) for _ in range(3)]
    giving.give_waiting(at=at)
    fill = make.fill_at(till.station, "25.00", "8.00")
    make.sale(till, fills=[fill], member=people[0].pk)
    event = events.save(
        event=None,
        values={
            "name": "夏季车主讲堂",
            "place": "会议室",
            "words": "讲轮胎和机油",
            "starts_at": at + timedelta(hours=1),
            "ends_at": at + timedelta(hours=3),
            "capacity": 2,
            "points": 50,
        },
        station=till.station,
        actor=lead,
        at=at,
    )
    for one in people:
        events.sign_up(event=event, member=one, at=at)
    today = localdate(at)
    TierMeasureDaily.objects.create(
        member=people[1],
        date=today.replace(day=1) - timedelta(days=89),
        spend=100,
        litres=10,
        visits=1,
    )
    targets.save(
        row=None,
        values={
            "measure": "JOINED",
            "since": today - timedelta(days=10),
            "until": today + timedelta(days=20),
            "goal": 40,
        },
        station=till.station,
        actor=lead,
        at=at,
    )
    return till, lead, people, event


@pytest.mark.req("PTS-05", "MEM-08", "MEM-10", "MEM-11", "CPN-07")
def test_every_page_stands_at_both_widths(look: Look) -> None:
    _till, lead, _people, event = busy_station()
    pages = {
        "risk-rules": reverse("members:risk_rules"),
        "risk-rule": reverse("members:risk_rule", args=["FILLS"]),
        "risk-cases": reverse("members:risk_cases"),
        "risk-case": reverse("members:risk_case", args=[RiskCase.objects.get().pk]),
        "gift-plans": reverse("members:gift_plans"),
        "gift-plan": reverse("members:gift_plans-new"),
        "gifts": reverse("marketing:gifts"),
        "gift": reverse("marketing:gift", args=[Gift.objects.latest("pk").pk]),
        "events": reverse("members:events"),
        "event": reverse("members:event", args=[event.pk]),
        "event-change": reverse("members:event_change", args=[event.pk]),
        "targets": reverse("members:targets"),
        "target": reverse("members:target", args=[MemberTarget.objects.get().pk]),
        "churn": reverse("members:churn"),
        "churned": reverse("members:churned"),
        "benefits": reverse("marketing:benefits"),
    }
    look.at(1440, as_=lead)
    for name, path in pages.items():
        look.open(path)
        look.check()
        look.shoot(name)
    look.at(390, as_=lead)
    for name, path in pages.items():
        look.open(path)
        look.check()
        look.shoot(name)


@pytest.mark.req("PTS-05")
def test_a_case_is_cleared_on_its_page_and_the_points_are_free(look: Look) -> None:
    _, lead, _people, _ = busy_station()
    case = RiskCase.objects.get()
    page = look.at(1440, as_=lead).open(reverse("members:risk_case", args=[case.pk]))
    page.locator("#clear-reason").fill("已核对监控，是本人")
    page.get_by_role("button", name="排除，放行积分").click()
    page.get_by_text("已登记。").wait_for()
    case.refresh_from_db()
    assert case.state == "CLEARED"
    look.check()


@pytest.mark.req("PTS-05")
def test_the_plate_that_is_typed_beside_the_member_goes_with_the_sale(look: Look) -> None:
    till = ready()
    member = make.member(till.station, phone="13887654321")
    page = opened(look, till)
    page.keyboard.press("F7")
    page.locator("#member-plate").fill("云A12345")
    page.locator("#member-text").fill("13887654321")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()
    expect(page.locator(".member-facts")).to_contain_text("138****4321")
    page.locator(".fill").first.click()
    page.keyboard.press("F9")
    expect(page.locator("#done")).to_contain_text("已收")
    sold = Purchase.objects.get()
    assert (sold.member, bool(sold.plate_index)) == (member, True)


@pytest.mark.req("MEM-08")
def test_a_member_signs_up_on_his_phone_and_shows_his_code(look: Look) -> None:
    _, _, people, event = busy_station()
    page = look.at(390, touch=True).page
    token = make.phone_of(people[2], now()).cookies[COOKIE].value
    page.context.add_cookies(
        [{"name": COOKIE, "value": token, "url": f"{look._address}/m/events/"}]
    )
    look.open("/m/events/")
    expect(page.get_by_text("候补").first).to_be_visible()
    look.check()
    look.shoot("my-events-waiting")
    events.withdraw(sign_up=event.sign_ups.get(member=people[0]), at=now())
    look.open("/m/events/")
    expect(page.get_by_text("到场出示")).to_be_visible()
    look.check()
    look.shoot("my-events")
