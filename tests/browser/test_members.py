"""Members at the screen: joined at the till by keyboard, and every page of the file looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from members.models import DuplicatePair, Member
from members.services import cards, duplicates, importing, merging
from station.services import jobs
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till_mishaps import opened, ready

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("CRM-01", "SEC-09"),
]


def test_a_member_joins_at_the_till_by_keyboard_and_is_on_the_ticket(look: Look) -> None:
    page = opened(look, ready())
    page.keyboard.press("F7")
    page.locator("#member-text").fill("13887654321")
    page.keyboard.press("Enter")
    expect(page.locator("#member-join")).to_be_focused()
    look.shoot("till-member-unknown")
    page.keyboard.press("Enter")
    expect(page.locator("#join-phone")).to_have_value("13887654321")
    expect(page.locator("#join-plate")).to_be_focused()
    page.keyboard.type("云A7K3M9", delay=120)  # a scanner is faster
    page.keyboard.press("Enter")  # not agreed to the policy: said, and nothing is lost
    expect(page.locator("#join-form .notice-error")).to_contain_text("隐私政策")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    look.check()
    look.shoot("till-join")
    page.keyboard.press("Enter")
    member_facts = page.locator(".member-facts")
    expect(member_facts).to_contain_text("138****4321")
    assert member_facts.inner_text().count(Member.objects.get().number) == 1
    page.keyboard.press("F7")
    page.locator("#member-text").fill("13887654321")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="选他")).to_be_focused()


def test_a_child_is_asked_for_a_guardian(look: Look) -> None:
    page = opened(look, ready())
    page.keyboard.press("F7")
    page.locator("#member-text").fill("13887654321")
    page.keyboard.press("Enter")
    page.locator("#member-join").click()
    page.locator("#panel-join summary").click()
    expect(page.locator("#join-guardian")).to_be_hidden()
    page.locator("#join-birthday").fill("2024-01-01")
    expect(page.locator("#join-guardian")).to_be_visible()


@pytest.mark.req("CRM-03", "MEM-12")
def test_an_old_profile_is_asked_about_and_a_lost_card_is_said(look: Look) -> None:
    till = ready()
    member = make.member(till.station, phone="13887654321", plate="云A7K3M9")
    card = cards.issue(
        member=member, station=till.station, number="00CARD22", medium="IC", at=make.NOW, actor=None
    )
    Member.objects.update(confirmed_at=make.NOW - timedelta(days=900))
    page = opened(look, till)
    page.keyboard.press("F7")
    page.locator("#member-text").fill("00CARD22")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()
    expect(page.locator(".member-ask")).to_contain_text("138****4321")
    look.check()
    look.shoot("till-member-ask")
    page.get_by_role("button", name="没变").click()
    expect(page.locator(".member-ask")).to_have_count(0)
    cards.move(member=member, card=card, to=card.Status.LOST, at=make.NOW, actor=None)
    page.keyboard.press("F7")
    page.locator("#member-text").fill("00CARD22")
    page.keyboard.press("Enter")
    expect(page.locator("#member-list")).to_contain_text("已挂失")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_pages_of_the_member_file_are_whole(look: Look, width: int) -> None:
    station = make.station("S01", name="滇池路加油站")
    wang = make.manager(station)
    make.grade("92#")
    member = make.member(station, phone="13887654321", plate="云A7K3M9", consent=True)
    other = make.member(station, phone="13912344321", plate="云A12345")
    third = make.member(station, phone="13712344321")
    card = cards.issue(
        member=member, station=station, number="00CARD22", medium="IC", at=make.NOW, actor=None
    )
    duplicates.find(at=make.NOW)
    pair = DuplicatePair.objects.get(first=member, second=other)
    merge = merging.merge(
        survivor=member, merged=third, reason="登记了两次", at=make.NOW, actor=wang
    )
    batch, _ = importing.upload(
        station=station,
        name="会员.csv",
        content="手机号,姓名\n13811110001,王一\n123,错\n".encode(),
        at=make.NOW,
        actor=wang,
    )
    jobs.run_next(at=make.NOW)
    base = f"/members/{member.number}"
    pages = {
        "member-card": f"{base}/cards/",
        "member-card-replace": f"{base}/cards/{card.pk}/replace/",
        "member-whole": f"{base}/",
        "member-consents": f"{base}/consents/",
        "member-purchases": f"{base}/purchases/",
        "member-merge": f"{base}/merge/?other={other.number}",
        "member-pairs": "/members/pairs/",
        "member-pair": f"/members/pairs/{pair.pk}/",
        "member-merges": "/members/merges/",
        "member-merge-undo": f"/members/merges/{merge.pk}/",
        "member-imports": "/members/imports/",
        "member-import": f"/members/imports/{batch.pk}/",
        "member-import-new": "/members/imports/new/",
        "member-quality": "/members/quality/",
        "member-join": "/members/new/",
    }
    look.at(width, as_=wang)
    for name, path in pages.items():
        look.open(path)
        look.shoot(name, full=True)
        look.check(axe=width == 390)
