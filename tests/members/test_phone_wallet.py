"""Points, stored value and tier as their member sees them on his phone."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now

from members.models import Member, PointsProgram, ValueAccount
from members.services import points, tier_rules, value_accounts, value_codes
from members.services.points import Cause
from tests import make
from tests.members import rewards as mall

pytestmark = pytest.mark.django_db


def spend(member: Member, count: int) -> None:
    with transaction.atomic():
        points.redeem(
            account=points.locked_account(member_id=member.pk),
            points=count,
            cause=Cause(key=f"s{count}", at=now(), date=localdate(), document="S-1"),
        )


def figures(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", page))


@pytest.mark.req("PTS-09")
def test_the_five_figures_what_expires_when_and_the_ledger_in_words():
    member = make.member()
    PointsProgram.objects.update(expiry="DAYS", expiry_n=10)
    mall.give(member, 300, at=now() - timedelta(minutes=2))
    PointsProgram.objects.update(expiry_n=40, hold_days=2)
    mall.give(member, 50, at=now() - timedelta(minutes=1))
    spend(member, 120)
    page = make.phone_of(member).get("/m/points/").content.decode()
    told = figures(page)
    assert [told[one] for one in ("可用", "待生效", "已用", "已过期", "欠分")] == [
        "180",
        "50",
        "120",
        "0",
        "0",
    ]
    for days, count in ((10, 180), (40, 50)):
        last = localdate() + timedelta(days=days)
        assert re.search(rf"{last}</span>.{{0,90}}<b class=\"num\">{count} 分", page)
    assert "消费 S-1 抵扣用 120 分" in page and "可用 180" in page


@pytest.mark.req("PTS-09")
def test_a_movement_is_on_the_phone_at_the_next_question_and_else_nothing_is_sent():
    member = make.member()
    mall.give(member, 300, at=now() - timedelta(minutes=2))
    client = make.phone_of(member)
    mark = re.search(r"/m/points/\?seen=(\w+)", client.get("/m/points/").content.decode())[1]
    ask = {"seen": mark}
    assert client.get("/m/points/", ask, headers={"HX-Request": "true"}).status_code == 204
    spend(member, 100)
    answer = client.get("/m/points/", ask, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "抵扣用 100 分" in answer.content.decode()
    assert figures(answer.content.decode())["可用"] == "200"


@pytest.mark.req("PTS-09")
def test_the_ledger_pages_by_key_and_costs_the_same_at_every_length():
    member = make.member()
    client = make.phone_of(member)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get("/m/points/")
        return len(seen)

    mall.give(member, 1, at=now())
    cost()
    one = cost()
    for number in range(2, 26):
        mall.give(member, number, at=now())
    assert cost() == one
    first = client.get("/m/points/").content.decode()
    older = re.search(r"\?before=(\d+)", first)[1]
    second = client.get("/m/points/", {"before": older}).content.decode()
    seen = [set(re.findall(r"得 (\d+) 分", page)) for page in (first, second)]
    assert seen[0] & seen[1] == set()
    assert len(seen[0] | seen[1]) == 25
    assert "hx-get" not in second.partition('id="points"')[2].partition(">")[0]


@pytest.mark.req("PTS-09")
def test_who_never_had_any_is_told_how_to_get_some():
    client = make.phone_of(make.member())
    for path, words in (
        ("/m/points/", "还没有积分"),
        ("/m/value/", "还没有储值"),
        ("/m/orders/", "还没有兑换过"),
        ("/m/mall/", "商城还没有礼品"),
        ("/m/coupons/", "没有可用的优惠券"),
    ):
        assert words in client.get(path).content.decode(), path


# ------------------------------------------------------------------------------ stored value


def with_value(amount: str = "500.00", bonus: str = "50.00") -> tuple[Member, ValueAccount]:
    member = make.member()
    account = make.value_account(member)
    make.top_up(make.session(member.home_station), account, amount, bonus)
    account.refresh_from_db()
    return member, account


@pytest.mark.req("PAY-05")
def test_balance_and_rows_stand_in_words():
    member, account = with_value()
    page = make.phone_of(member).get("/m/value/").content.decode()
    told = figures(page)
    assert (told["余额"], told["本金"], told["赠金"]) == ("¥550.00", "¥500.00", "¥50.00")
    assert "充值 500.00 元" in page and account.number in page


@pytest.mark.req("PAY-05")
def test_the_payment_code_is_new_each_time_and_names_the_account_for_a_minute():
    member, account = with_value()
    client = make.phone_of(member)
    assert "/m/value/code/" in client.get("/m/value/").content.decode()
    shown = [client.get("/m/value/code/").content.decode() for _ in range(2)]
    codes = [re.search(r'data-code="(YV\d{34})"', page)[1] for page in shown]
    assert codes[0] != codes[1]
    assert value_codes.account_of(code=codes[0], at=now()) == account
    with pytest.raises(value_codes.CodeRefused):
        value_codes.account_of(code=codes[0], at=now() + timedelta(seconds=62))
    assert client.get("/m/value/code/")["Cache-Control"].count("no-store")


@pytest.mark.req("PAY-05")
@pytest.mark.parametrize("why", ["frozen account", "frozen member", "none"])
def test_no_code_is_shown_where_it_would_not_pay(why):
    if why == "none":
        member = make.member()
    else:
        member, account = with_value()
        if why == "frozen account":
            value_accounts.freeze(
                account=account, reason="核实", at=make.NOW, actor=make.manager(member.home_station)
            )
        else:
            Member.objects.filter(pk=member.pk).update(status="FROZEN")
    client = make.phone_of(member)
    assert "/m/value/code/" not in client.get("/m/value/").content.decode()
    assert client.get("/m/value/code/").status_code == 409


# --------------------------------------------------------------------------------------- tier


@pytest.mark.req("CHN-02")
def test_the_tier_says_what_is_missing_what_it_gives_and_what_was():
    station = make.station()
    tier_rules.found_tiers(station=station, at=now() - timedelta(days=2), actor=None)
    member = make.member(station)
    make.sale(make.session(station), [make.fill_at(station)], member=member.pk)
    page = make.phone_of(member).get("/m/tier/").content.decode()
    assert "普通" in page and "升到银卡" in page and "还差" in page
    assert Decimal(re.search(r"消费 ¥([\d,.]+)", page)[1].replace(",", "")) > 0


def test_a_station_without_tiers_says_so():
    assert "还没有会员等级" in make.phone_of(make.member()).get("/m/tier/").content.decode()
