"""The pages of promotions: planned in one pair of hands, approved in another."""

from __future__ import annotations

import pytest

from marketing.models import Promotion
from tests import make
from tests.marketing.offers import promotion

pytestmark = pytest.mark.django_db

TYPED = {
    "name": "加满送咖啡", "benefit": "BUNDLE", "percent": "100", "units": "1", "priority": "0",
    "needs_fuel": "200", "valid_from": "2026-01-01T00:00", "valid_until": "2036-01-01T00:00",
    "from_time": "18:00", "to_time": "22:00", "month_days": "8，18,28", "weekdays": ["5"],
}  # fmt: skip


def test_a_marketer_plans_and_a_manager_approves_on_the_page():
    station = make.station()
    coffee = make.item("拿铁", "15.00", at=station)
    zhou = make.signed_in(make.marketer(station))
    answer = zhou.post("/marketing/promotions/new/", {**TYPED, "items": coffee.code})
    made = Promotion.objects.get()
    assert answer["Location"] == f"/marketing/promotions/{made.pk}/"
    assert (made.percent, made.products, made.month_days) == (1, [coffee.code], [8, 18, 28])
    page = zhou.get(answer["Location"]).content.decode()
    assert "1 件免费，同单加油满 200 元" in page
    assert "等另一位" in page
    assert zhou.post(f"/marketing/promotions/{made.pk}/approve/").status_code == 403
    wang = make.signed_in(make.manager(station))
    assert wang.post(f"/marketing/promotions/{made.pk}/approve/").status_code == 302
    made.refresh_from_db()
    assert made.status == "APPROVED"
    again = wang.post(f"/marketing/promotions/{made.pk}/approve/")
    assert again.status_code == 422
    assert "已批准" in again.content.decode()


def test_what_is_mistyped_stays_on_the_form_with_its_words():
    station = make.station()
    zhou = make.signed_in(make.marketer(station))
    answer = zhou.post("/marketing/promotions/new/", {**TYPED, "items": "没有的"})
    assert answer.status_code == 422
    assert "没有商品 没有的" in answer.content.decode()
    answer = zhou.post("/marketing/promotions/new/", {**TYPED, "items": ""})
    assert "须选定商品或分类" in answer.content.decode()
    answer = zhou.post("/marketing/promotions/new/", {**TYPED, "month_days": "32"})
    assert "1 到 31" in answer.content.decode()
    assert not Promotion.objects.exists()


def test_a_change_starts_from_what_is_there_and_a_stop_wants_its_reason():
    station = make.station()
    one = promotion(station, weekdays=[5], products=["92#"])
    wang = make.signed_in(make.manager(station))
    form = wang.get(f"/marketing/promotions/{one.pk}/change/").content.decode()
    assert 'value="0.30"' in form
    assert wang.post(f"/marketing/promotions/{one.pk}/stop/").status_code == 422
    assert wang.post(f"/marketing/promotions/{one.pk}/stop/", {"reason": "停"}).status_code == 302
    assert "已停止" in wang.get("/marketing/promotions/").content.decode()


def test_a_stranger_finds_nothing_and_a_list_costs_the_same_at_one_and_three(
    django_assert_num_queries,
):
    station = make.station()
    one = promotion(station)
    stranger = make.signed_in(make.stranger())
    assert stranger.get(f"/marketing/promotions/{one.pk}/").status_code == 404
    wang = make.signed_in(make.manager(station))
    wang.get("/marketing/promotions/")
    with django_assert_num_queries(7):
        wang.get("/marketing/promotions/")
    promotion(station)
    promotion(station)
    with django_assert_num_queries(7):
        wang.get("/marketing/promotions/")
