"""The manager's pages of the mall: rewards with who can afford them, orders and how they end, the report."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from inventory.services.items import pinyin_of
from members import tasks
from members.models import Member, PartnerOrder, Purchase, Redemption, Reward, RewardCategory
from members.queries.reward_reports import (
    cost_yuan,
    idle_accounts,
    reach,
    unloved,
    yuan_per_hundred,
)
from members.queries.rewards import Search, shelf
from station.models import AuditEntry, Station
from tests import make
from tests.members import rewards as mall

pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> Station:
    return make.session().station


@pytest.fixture
def boss(station: Station) -> Client:
    return make.signed_in(make.manager(station))


def typed(**fields: object) -> dict[str, object]:
    return {
        "code": "G1",
        "name": "车载香水",
        "kind": "SERVICE",
        "category": mall.category().pk,
        "cost_points": "500",
        "value": "",
        "days_valid": "30",
        "active": "on",
        **fields,
    }


def bought(member: Member, station: Station, *, days_ago: int = 1) -> None:
    Purchase.objects.create(
        station=station,
        member=member,
        day=make.day(station),
        document=f"S-{member.pk}",
        line=1,
        occurred_at=now() - timedelta(days=days_ago),
        kind="GOODS",
        product="X",
        quantity=1,
        net=1,
    )


@pytest.mark.req("MAL-06", "MAL-07")
def test_a_reward_is_added_found_by_pinyin_changed_and_audited(
    boss: Client, station: Station
) -> None:
    made = boss.post(reverse("members:reward_new"), typed())
    saved = Reward.objects.get()
    assert made["Location"] == reverse("members:reward", args=[saved.pk])
    assert saved.pinyin == "czxs chezaixiangshui"
    page = boss.get(reverse("members:rewards"), {"text": "CZXS"}).content.decode()
    assert "车载香水" in page
    assert "车载香水" not in boss.get(reverse("members:rewards"), {"text": "大米"}).content.decode()
    change = reverse("members:reward_change", args=[saved.pk])
    assert "车载香水" in boss.get(change).content.decode()
    assert boss.post(change, typed(cost_points="600")).status_code == 302
    saved.refresh_from_db()
    assert saved.cost_points == 600
    entry = AuditEntry.objects.filter(document="reward:G1").order_by("-pk")[0]
    assert (entry.before["积分"], entry.after["积分"]) == ("500", "600")
    assert "照片或 PDF" in boss.get(reverse("members:reward", args=[saved.pk])).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "GOODS"}, "实物须选一件出库商品"),
        ({"kind": "COUPON"}, "须写面值"),
        ({"kind": "PARTNER"}, "请选合作方"),
        ({"partner": "SANDBOX"}, "只有合作方类"),
        (
            {"visible_from": "2026-05-02T00:00", "visible_until": "2026-05-01T00:00"},
            "下架时间须晚于",
        ),
        ({"usable_from": "2026-05-02T00:00", "usable_until": "2026-05-02T00:00"}, "停止兑换须晚于"),
        ({"cost_points": "0"}, "大于或等于"),
        ({"code": "TAKEN"}, "已被别的礼品使用"),
    ],
)
def test_what_makes_no_reward_is_refused_in_words(
    boss: Client, fields: dict[str, object], words: str
) -> None:
    mall.reward(code="TAKEN", kind="SERVICE")
    answer = boss.post(reverse("members:reward_new"), typed(**fields))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Reward.objects.count() == 1


def test_items_are_offered_by_what_they_are_for(boss: Client, station: Station) -> None:
    wash = make.item("加价款", "19.90", kind="SERVICE")
    free = make.item("白送", "0.00", kind="SERVICE")
    scent = make.item("香水", "30.00", cost="12.00", on_hand="2")
    new = reverse("members:reward_new")
    assert boss.post(new, typed(kind="GOODS", item=wash.pk)).status_code == 422
    assert boss.post(new, typed(item=scent.pk)).status_code == 422
    assert boss.post(new, typed(surcharge_item=free.pk)).status_code == 422
    fields = typed(kind="GOODS", item=scent.pk, surcharge_item=wash.pk)
    assert boss.post(new, fields).status_code == 302
    saved = Reward.objects.get()
    assert cost_yuan(saved) == Decimal("0.00")  # the surcharge is more than it costs
    assert "本站现存 2" in boss.get(reverse("members:reward", args=[saved.pk])).content.decode()


@pytest.mark.req("MAL-06")
def test_categories_are_kept_apart(boss: Client) -> None:
    new = reverse("members:reward_categories-new")
    assert boss.post(new, {"name": "汽车用品", "position": "1"}).status_code == 302
    assert boss.post(new, {"name": "汽车用品", "position": "2"}).status_code == 422
    assert RewardCategory.objects.get().name == "汽车用品"
    assert "汽车用品" in boss.get(reverse("members:reward_categories")).content.decode()


@pytest.mark.req("MAL-08")
def test_who_can_afford_it_counts_active_members_and_a_hundred_points_have_a_cost(
    boss: Client, station: Station
) -> None:
    for points, days in ((0, 1), (500, 1), (999, 1), (1000, 89), (5000, 91)):
        member = make.member(station)
        if points:
            mall.give(member, points)
        bought(member, station, days_ago=days)
    make.member(station)  # bought nothing
    able = reach(costs=[1000, 500, 1000, 1], at=now())
    assert able.members == 4
    assert [able.share(cost) for cost in (1, 500, 1000)] == [
        Decimal("0.75"),
        Decimal("0.75"),
        Decimal("0.25"),
    ]
    assert able.share(7) is None
    assert reach(costs=[], at=now()).share(1) is None
    coupon = mall.reward(cost=1000, value=Decimal("10.00"))
    assert yuan_per_hundred(coupon) == Decimal("1.00")
    scent = make.item("香水", "30.00", cost="12.00", on_hand="2")
    assert yuan_per_hundred(mall.reward("香水", 800, "GOODS", item=scent)) == Decimal("1.50")
    page = boss.get(reverse("members:rewards")).content.decode()
    assert "25.0%" in page
    assert "¥1.00" in page


@pytest.mark.req("MAL-07")
def test_the_report_names_what_nobody_took_for_sixty_days_and_who_hoards(
    boss: Client, station: Station
) -> None:
    at = now()
    old, new = at - timedelta(days=61), at - timedelta(days=59)
    mall.reward("没人要", 10, added_at=old)
    mall.reward("刚上架", 20, added_at=new)
    wanted = mall.reward("有人要", 30, added_at=old)
    once = mall.reward("以前有人要", 40, added_at=old)
    rich, busy, poor = (make.member(station) for _ in range(3))
    for member, points in ((rich, 1000), (busy, 1030), (poor, 999)):
        mall.give(member, points, at=old)
    mall.order(busy, wanted, station, at=at)
    mall.give(poor, 40, at=old)
    mall.order(poor, once, station, at=old)
    assert [one.name for one in unloved(at)] == ["没人要", "以前有人要"]
    held = idle_accounts(stations=[station], least=1000, at=at)
    assert [one.member for one in held] == [rich]
    assert not idle_accounts(stations=[make.station()], least=1000, at=at).exists()
    page = boss.get(reverse("members:reward_report")).content.decode()
    assert rich.number in page
    assert "没人要" in page
    assert busy.number not in page
    file = boss.get(reverse("members:reward_report"), {"export": "csv"})
    assert "没人要" in file.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.req("MAL-10")
def test_orders_are_listed_by_state_and_end_on_their_page(boss: Client, station: Station) -> None:
    zhang = make.member(station)
    mall.give(zhang, 5000)
    coupon = mall.order(zhang, mall.reward(), station)
    wash = mall.order(zhang, mall.reward("洗车", 500, "SERVICE"), station)
    listing = reverse("members:redemptions")
    assert coupon.number in boss.get(listing, {"state": "RESERVED"}).content.decode()
    assert coupon.number not in boss.get(listing, {"state": "FULFILLED"}).content.decode()
    assert wash.number in boss.get(listing, {"text": wash.code}).content.decode()
    page = reverse("members:redemption", args=[coupon.number])
    assert "登记发放" in boss.get(page).content.decode()

    def end(how: str, order: Redemption, **body: str) -> Any:
        return boss.post(reverse(f"members:redemption_{how}", args=[order.number]), body)

    assert end("fulfil", coupon).status_code == 422
    assert end("fulfil", coupon, reference="券 88").status_code == 302
    assert end("fulfil", coupon, reference="券 88").status_code == 422
    assert end("cancel", wash, reason="").status_code == 422
    assert end("cancel", wash, reason="改主意").status_code == 302
    assert end("cancel", wash, reason="改主意").status_code == 422
    assert "登记发放" not in boss.get(page).content.decode()
    assert mall.balance(zhang) == 4000
    paid = mall.order(zhang, mall.reward("还款", 100, "PARTNER", partner="COUNTER"), station)
    lost = mall.order(zhang, mall.reward("话费", 100, "PARTNER", partner="COUNTER"), station)
    assert "办成了" in boss.get(reverse("members:redemption", args=[lost.number])).content.decode()
    assert end("answer", paid, done="1", reference="R1").status_code == 302
    assert end("answer", lost, reason="").status_code == 422
    assert end("answer", lost, reason="查无此户").status_code == 302
    assert end("answer", lost, reason="查无此户").status_code == 422
    states = {one.number: one.state for one in Redemption.objects.all()}
    assert (states[paid.number], states[lost.number]) == ("FULFILLED", "CANCELLED")
    assert mall.balance(zhang) == 3900
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.get(page).status_code == 404
    cashier = make.signed_in(make.cashier(station))
    assert cashier.get(page).status_code == 200
    assert "取消兑换单" not in cashier.get(page).content.decode()
    answer = cashier.post(reverse("members:redemption_cancel", args=[paid.number]), {"reason": "x"})
    assert answer.status_code == 403


def test_what_is_over_ends_by_the_clock_and_partners_are_asked(station: Station) -> None:
    zhang = make.member(station)
    mall.give(zhang, 1000)
    wash = mall.order(zhang, mall.reward("洗车", 500, "SERVICE", days_valid=1), station)
    mall.order(zhang, mall.reward("话费", 100, "PARTNER", partner="SANDBOX"), station)
    tasks.expire_redemptions()
    tasks.ask_partners()
    wash.refresh_from_db()
    assert wash.state == "EXPIRED"  # taken in April 2026
    assert PartnerOrder.objects.get().attempts == 1


def test_the_lists_cost_the_same_for_one_row_and_for_three(boss: Client, station: Station) -> None:
    zhang = make.member(station)
    mall.give(zhang, 5000)

    def statements(name: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert boss.get(reverse(f"members:{name}")).status_code == 200
        return len(seen)

    mall.order(zhang, mall.reward("一", 10), station)
    first = {name: statements(name) for name in ("rewards", "redemptions")}
    for name in "二三":
        mall.order(zhang, mall.reward(name, 10), station)
    assert {name: statements(name) for name in first} == first
    assert max(first.values()) <= 10


def test_the_search_field_opens_an_order_by_its_number_or_code(
    boss: Client, station: Station
) -> None:
    zhang = make.member(station)
    mall.give(zhang, 1000)
    order = mall.order(zhang, mall.reward("洗车", 500, "SERVICE"), station)
    page = reverse("members:redemption", args=[order.number])
    for text in (order.number.lower(), order.code):
        assert boss.get("/search/", {"q": text})["Location"] == page
    stranger = make.signed_in(make.manager(make.station()))
    assert order.number not in stranger.get("/search/", {"q": order.code}).content.decode()


@pytest.mark.req("MAL-06")
def test_five_thousand_rewards_are_searched_within_300_ms(station: Station) -> None:
    kind = mall.category()
    names = [f"礼品{n % 97}号 {'香水' if n % 50 == 0 else '纸巾'}" for n in range(5000)]
    Reward.objects.bulk_create(
        Reward(
            code=f"B{n}",
            name=name,
            pinyin=pinyin_of(name),
            kind="SERVICE",
            category=kind,
            cost_points=n + 1,
            limit_member=1,
            added_at=make.NOW,
        )
        for n, name in enumerate(names)
    )
    zhang = make.member(station)
    wanted = (Search(), Search("香水"), Search("xiangshui"), Search(affordable=True), Search("无"))
    shelf(station=station, at=make.NOW)  # what the first statement compiles

    def took(search: Search) -> float:
        began = time.perf_counter()
        shelf(station=station, at=make.NOW, member_id=zhang.pk, balance=2500, search=search)
        return time.perf_counter() - began

    # The best of three: what is measured is the search, not what else the machine does.
    assert all(min(took(one) for _ in range(3)) < 0.3 for one in wanted)
