"""家庭积分, 单位积分 and 合作商家 in a browser, at the desk and on a phone."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.utils.timezone import localdate, now

from members.models import Member
from members.services import exchange_partners, exchanges, partner_months, pools, vehicles
from members.services.exchanges import Asked
from members.services.pools import Terms, terms_of
from members.views.guard import COOKIE
from tests import make
from tests.browser.conftest import Look
from tests.members.exchange_partner import counterpart
from tests.members.pool_histories import Family, family

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def phone(look: Look, member: Member, width: int) -> None:
    page = look.at(width, touch=True).page
    token = make.phone_of(member, now()).cookies[COOKIE].value
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": f"{look._address}/m/"}])


def household() -> Family:
    told = family(3, 80)
    for which, points in enumerate((320, 150, 45)):
        told.earn(which, points)
    told.terms(1, 60, 500)
    told.spend(2, 30)
    asked = make.member(told.station, "李秀英")
    pools.invite(pool=told.pool, member=asked, terms=Terms(50, True, 200), at=now(), actor=None)
    told.people.append(asked)
    return told


@pytest.mark.req("FAM-01")
def test_a_family_on_its_phones(look):
    told = household()
    for who, name in ((0, "head"), (1, "member"), (3, "asked")):
        for width in (390, 360):
            phone(look, told.who(who), width)
            page = look.open("/m/family/")
            look.check()
            look.shoot(f"family-{name}", full=True)
    page.get_by_role("button", name="同意加入").click()
    page.get_by_role("button", name="退出家庭积分").wait_for()
    phone(look, told.who(0), 390)
    page = look.open("/m/family/")
    place = page.locator("details").nth(1)
    place.locator("summary").click()
    look.check()
    look.shoot("family-terms", full=True)
    place.get_by_label("每月最多用(分)").fill("50")
    place.get_by_role("button", name="保存").click()
    page.get_by_role("button", name="发出邀请").wait_for()


@pytest.mark.req("FAM-01")
def test_a_headship_is_handed_over_on_two_phones(look):
    told = household()
    phone(look, told.who(0), 390)
    page = look.open("/m/family/")
    mate = page.locator("details").nth(1)
    mate.locator("summary").click()
    mate.get_by_role("button", name="请他接任户主").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    page.get_by_text("（待接任户主）").wait_for()
    look.check()
    look.shoot("family-heir-asked", full=True)
    for width in (360, 390):
        phone(look, told.who(1), width)
        page = look.open("/m/family/")
        look.check()
        look.shoot("family-heir", full=True)
    boss = make.manager(told.station)
    for width in (1440, 390):
        look.at(width, as_=boss).open(f"/members/pools/{told.pool.number}/")
        look.check()
        look.shoot("pool-heir", full=True)
    phone(look, told.who(1), 390)
    page = look.open("/m/family/")
    page.get_by_role("button", name="同意接任").click()
    page.get_by_role("button", name="解散家庭积分").wait_for()


@pytest.mark.req("FAM-02", "FAM-03")
def test_pools_in_the_office(look):
    told = household()
    boss = make.manager(told.station)
    company = make.company(told.station)
    plate = vehicles.add_vehicle(
        owner=company, plate="云A12345", model="", grade=None, at=told.at, actor=boss
    )
    fleet = pools.open_company(company=company, at=told.at, actor=boss)
    driver = make.member(told.station)
    asked = pools.invite(
        pool=fleet,
        member=driver,
        vehicle=plate,
        terms=Terms(100, True, 300),
        at=told.at,
        actor=boss,
    )
    pools.accept(place=asked, seen=terms_of(asked), at=told.at, actor=None)
    Family(told.station, [driver], fleet).settle(driver, earn=500)
    for width in (1440, 390):
        look.at(width, as_=boss)
        for name, path in (
            ("pools", ""),
            ("pool-family", f"{told.pool.number}/"),
            ("pool-company", f"{fleet.number}/"),
            ("pool-ledger", f"{fleet.number}/ledger/"),
            ("pool-report", f"{fleet.number}/report/?since=2026-04-01&until=2026-04-30"),
            ("pool-open", "open/"),
        ):
            look.open(f"/members/pools/{path}")
            look.check()
            look.shoot(name, full=True)


@pytest.mark.req("PAR-01")
def test_partners_in_the_office(look):
    partner, _ = counterpart(fee=5)
    family(1)  # for the rules
    member = make.member(partner.station)
    for number in range(3):
        order = exchanges.exchange(
            asked=Asked(partner, f"T-{number}", "IN", member.number, 60), at=now()
        )
    exchanges.reverse(order=order, reason="顾客退货", at=now(), actor=None)
    first = localdate().replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    for number, at in (("U-0", before), ("U-1", before + timedelta(days=1))):
        when = datetime.combine(at, time(12), make.SHANGHAI)
        exchanges.exchange(asked=Asked(partner, number, "IN", member.number, 60), at=when)
    boss, maker = make.manager(partner.station), make.marketer(partner.station)
    terms = {name: getattr(order.program, name) for name in exchange_partners.TERMS}
    exchange_partners.plan(partner=partner, values=terms, at=now(), actor=maker)
    lines = "对方单号,事由,对方积分\nU-0,换入,50\nX-1,换出,20\n".encode()
    partner_months.tell_file(
        partner=partner, month=before, name="月账.csv", content=lines, at=now(), actor=boss
    )
    for width in (1440, 390):
        look.at(width, as_=boss)
        for name, path in (
            ("partner-month", f"partners/{partner.code}/months/{before:%Y-%m}/"),
            ("partners", "partners/"),
            ("partner", f"partners/{partner.code}/"),
            ("partner-program", f"partners/{partner.code}/program/"),
            ("partner-statement", f"partners/{partner.code}/statement/"),
            ("exchanges", "exchanges/"),
            (
                "exchange",
                f"exchanges/{exchanges.known_order(partner=partner, number='T-0').number}/",
            ),
        ):
            look.open(f"/members/{path}")
            look.check()
            look.shoot(name, full=True)
