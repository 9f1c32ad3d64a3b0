"""家庭积分 on the phone and in the office: the way from the invitation to the end, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from members.models import Member, MemberNotice, PointsAccount, Pool, PoolMember, Presence, RiskCase
from members.queries.pool_report import pool_report
from members.queries.pools import place_of
from members.services import closing, freezing, merging, pool_endings, pools, profiles, vehicles
from members.services.pools import PoolRefused, Terms
from members.services.risk import OverTheLimit
from station.models import AuditEntry
from tests import make
from tests.members.points import violations
from tests.members.pool_histories import Family, family
from tests.members.test_pool_histories import balances

pytestmark = [pytest.mark.django_db, pytest.mark.req("FAM-01")]
OPEN = {"share_pct": "100"}


def place(member: Member) -> PoolMember:
    found = place_of(member_id=member.pk)
    assert found is not None
    return found


def was_here(member: Member) -> None:
    """His phone's code was read at the station just now."""
    station = member.home_station
    Presence.objects.create(
        member=member,
        station=station,
        code_hash=f"{member.pk:064d}",
        seen_by=make.cashier(station),
        occurred_at=now(),
    )


# ------------------------------------------------------------------------------ the phone


def test_a_family_is_made_on_two_phones():
    station = make.station()
    head, wife = make.member(station, "张建国"), make.member(station, "李秀英", phone="13912345678")
    his, hers = make.phone_of(head), make.phone_of(wife)
    assert "建立家庭积分" in his.get("/m/family/").text
    assert his.post("/m/family/open/", {"share_pct": "80"}).status_code == 302
    terms = {"share_pct": "60", "can_spend": "on", "cap_month": "500"}
    assert his.post("/m/family/invite/", {"whom": "13912345678", **terms}).status_code == 302
    asked = hers.get("/m/family/").text
    assert "邀请您加入家庭积分" in asked
    assert "所得积分 60% 入池，可以使用，每月最多 500 分" in asked
    assert MemberNotice.objects.filter(member=wife, url="/m/family/").count() == 1
    invited = PoolMember.objects.get(member=wife)
    assert hers.post(f"/m/family/{invited.pk}/accept/", terms).status_code == 302
    assert place(wife).cap_month == 500
    seen = his.get("/m/family/").text
    assert "（户主）" in seen
    assert "李**" in seen or "李*" in seen
    new = {"share_pct": "50", "cap_month": ""}
    assert his.post(f"/m/family/{invited.pk}/terms/", new).status_code == 302
    assert (place(wife).share_pct, place(wife).can_spend, place(wife).cap_month) == (
        50,
        False,
        None,
    )
    assert hers.post("/m/family/leave/").status_code == 302
    assert place_of(member_id=wife.pk) is None
    assert his.post("/m/family/dissolve/").status_code == 302
    assert Pool.objects.get().closed_at is not None
    acts = set(
        AuditEntry.objects.filter(document=Pool.objects.get().number).values_list(
            "action", flat=True
        )
    )
    assert acts == {
        f"members.pool.{one}"
        for one in ("opened", "invited", "joined", "terms", "left", "dissolved")
    }
    assert set(
        AuditEntry.objects.filter(action__startswith="members.pool").values_list(
            "actor_name", flat=True
        )
    ) == {"会员本人"}


def test_only_the_head_does_what_heads_do():
    told = family(3)
    stranger = make.member(told.station)
    for who in (told.who(1), stranger):
        client = make.phone_of(who)
        other = place(told.who(2)).pk
        for path in (
            "invite/",
            "dissolve/",
            f"{other}/terms/",
            f"{other}/remove/",
            f"{other}/accept/",
        ):
            assert client.post(f"/m/family/{path}", {"whom": "x", **OPEN}).status_code == 404, path
    his = make.phone_of(told.who(0))
    assert his.post(f"/m/family/{place(told.who(2)).pk}/remove/").status_code == 302
    assert place_of(member_id=told.who(2).pk) is None
    answer = his.post(f"/m/family/{place(told.who(0)).pk}/remove/")
    assert (answer.status_code, "户主不能退出" in answer.text) == (422, True)


@pytest.mark.parametrize("typed", ["", "13900000000", "张" * 20, "' OR 1=1"])
def test_an_invitation_of_nobody_is_refused_in_words(typed):
    told = family(1)
    answer = make.phone_of(told.who(0)).post("/m/family/invite/", {"whom": typed, **OPEN})
    assert answer.status_code == 422
    assert "notice-error" in answer.text or "invalid-feedback" in answer.text


@pytest.mark.parametrize("share", ["", "-1", "101", "x", "9" * 30])
def test_rubbish_for_a_share_is_refused(share):
    member = make.member()
    assert make.phone_of(member).post("/m/family/open/", {"share_pct": share}).status_code == 422
    assert not Pool.objects.exists()


def test_terms_that_changed_meanwhile_are_read_again():
    told, guest = family(1), make.member()
    asked = pools.invite(pool=told.pool, member=guest, terms=Terms(50), at=told.at, actor=None)
    pools.set_terms(place=asked, terms=Terms(100), at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="条件刚刚改过"):
        pools.accept(place=asked, seen=Terms(50), at=told.at, actor=None)


def test_a_family_has_at_most_so_many_and_one_is_in_one_pool(settings):
    told = family(6)
    with pytest.raises(PoolRefused, match="最多 5 人"):
        pools.invite(pool=told.pool, member=make.member(), terms=Terms(), at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="已在一个积分池"):
        pools.open_family(head=told.who(1), share_pct=100, at=told.at, actor=None)
    with pytest.raises(IntegrityError, match="one_pool_per_member"), transaction.atomic():
        PoolMember.objects.create(
            pool=family(1).pool,
            member=told.who(1),
            state="ACTIVE",
            invited_at=told.at,
            joined_at=told.at,
        )


@pytest.mark.req("FAM-02")
def test_who_left_waits_before_another_pool_and_the_database_says_so_too():
    told, other = family(2), family(1)
    told.leave(1)
    guest = told.who(1)
    asked = pools.invite(pool=other.pool, member=guest, terms=Terms(), at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="还要等 90 天"):
        pools.accept(place=asked, seen=Terms(), at=told.at, actor=None)
    with pytest.raises(IntegrityError, match="left a pool and waits"), transaction.atomic():
        PoolMember.objects.filter(pk=asked.pk).update(state="ACTIVE", joined_at=told.at)
    with pytest.raises(PoolRefused, match="还要等"):
        pools.open_family(head=guest, share_pct=100, at=told.at, actor=None)
    later = told.at + timedelta(days=90)
    assert pools.accept(place=asked, seen=Terms(), at=later, actor=None).state == "ACTIVE"


def test_what_is_kept_of_pools_is_not_rewritten():
    told = family(2)
    for sql in (
        "UPDATE members_pool SET number = 'X'",
        "UPDATE members_poolmember SET member_id = member_id + 1",
        "DELETE FROM members_poolmember",
    ):
        with pytest.raises(Exception), transaction.atomic(), connection.cursor() as cursor:  # noqa: B017
            cursor.execute(sql)
    told.leave(1)
    with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
        PoolMember.objects.filter(state="LEFT").update(
            state="INVITED", joined_at=None, left_at=None, why=""
        )


def test_a_frozen_member_neither_joins_nor_rules_but_keeps_his_points():
    told = family(2)
    told.earn(0, 50)
    freezing.freeze(member=told.who(0), reason="卡被盗用", at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="冻结"):
        pools.invite(pool=told.pool, member=make.member(), terms=Terms(), at=told.at, actor=None)
    assert told.spend(1, 20)  # the others go on
    guest = make.member()
    freezing.freeze(member=guest, reason="卡被盗用", at=told.at, actor=None)
    with pytest.raises(PoolRefused):
        pools.open_family(head=guest, share_pct=100, at=told.at, actor=None)


@pytest.mark.req("PTS-05", "FAM-01")
def test_a_head_with_a_new_phone_opens_spending_to_nobody_for_a_day():
    told = family(2)
    head, mate, guest, other = told.who(0), place(told.who(1)), make.member(), make.member()
    lead = make.manager(told.pool.station)
    narrow, wide, none = Terms(cap_month=100), Terms(cap_month=101), Terms(can_spend=False)
    pools.set_terms(place=mate, terms=narrow, at=told.at, actor=None)
    profiles.change(member=head, phone="13900001234", at=told.at - timedelta(hours=1), actor=lead)
    for terms in (wide, Terms()):
        with pytest.raises(OverTheLimit, match="换过手机号"):
            pools.set_terms(place=mate, terms=terms, at=told.at, actor=None)
    with pytest.raises(OverTheLimit):
        pools.invite(pool=told.pool, member=guest, terms=narrow, at=told.at, actor=None)
    assert RiskCase.objects.get().member == head
    asked = pools.invite(pool=told.pool, member=guest, terms=none, at=told.at, actor=None)
    with pytest.raises(OverTheLimit):
        pools.set_terms(place=asked, terms=narrow, at=told.at, actor=None)
    pools.set_terms(place=mate, terms=Terms(50, cap_month=99), at=told.at, actor=None)
    pools.set_terms(place=mate, terms=none, at=told.at, actor=None)
    pools.set_terms(place=mate, terms=wide, at=told.at, actor=lead)
    pools.invite(pool=told.pool, member=other, terms=wide, at=told.at, actor=lead)
    later = told.at + timedelta(hours=24)
    pools.set_terms(place=mate, terms=Terms(), at=later, actor=None)


# ----------------------------------------------------------------- closing and merging


@pytest.mark.req("FAM-02")
def test_who_is_forgotten_takes_his_points_out_and_a_heads_pool_ends():
    told = family(3)
    for which in range(3):
        told.earn(which, 10)
    closing.forget(member=told.who(1), reason="本人要求", at=told.at, actor=None)
    assert balances(told) == [0, 0, 0, 20]
    closing.forget(member=told.who(0), reason="本人要求", at=told.at, actor=None)
    assert balances(told) == [0, 0, 10, 0]
    assert Pool.objects.get(pk=told.pool.pk).closed_at is not None
    assert not violations()


def merged(survivor: Member, one: Member, told: Family):
    return merging.merge(
        survivor=survivor,
        merged=one,
        reason="同一个人",
        at=told.at,
        actor=make.manager(told.station),
    )


@pytest.mark.req("FAM-02")
@pytest.mark.parametrize("which", [0, 1])
def test_a_place_goes_over_when_members_merge_and_comes_back(which):
    told, other = family(2), make.member()
    told.earn(0, 30)
    told.earn(1, 50)
    one = told.who(which)
    made = merged(other, one, told)
    now_his = place(other)
    assert (now_his.pool_id, place_of(member_id=one.pk)) == (told.pool.pk, None)
    told.settle(other, earn=7)
    told.pool.refresh_from_db()
    assert (told.pool.head_id == other.pk) == (which == 0)
    told.check()
    merging.undo(merge=made, reason="弄错了", at=told.at, actor=make.manager(told.station))
    told.pool.refresh_from_db()
    assert told.pool.head_id == told.who(0).pk
    assert place(one).pool_id == told.pool.pk
    assert place_of(member_id=other.pk) is None
    assert PointsAccount.objects.get(member=other).balance == 7
    assert balances(told)[-1] == 80
    told.check()


@pytest.mark.req("FAM-02")
def test_who_merges_into_a_member_of_another_pool_leaves_with_his_points():
    told, other = family(2), family(2)
    told.earn(1, 50)
    merged(other.who(1), told.who(1), told)
    assert balances(told)[-1] == 0
    assert PointsAccount.objects.get(member=other.who(1)).balance == 50
    merged(other.who(0), told.who(0), told)
    assert Pool.objects.get(pk=told.pool.pk).closed_at is not None
    assert not violations()


def test_two_of_one_family_who_turn_out_to_be_one_keep_one_place():
    told = family(3)
    told.earn(1, 20)
    told.earn(2, 30)
    merged(told.who(1), told.who(2), told)
    told.people.pop()
    told.check()
    gone = pool_endings.leave(place=place(told.who(1)), why="SELF", at=told.at, actor=None)
    assert (gone, PointsAccount.objects.get(member=told.who(1)).balance) == (50, 50)


# ------------------------------------------------------------------------------ the office


def test_the_office_confirms_who_is_there_and_nobody_else():
    told, guest = family(1), make.member()
    guest.home_station = told.station
    guest.save()
    asked = pools.invite(pool=told.pool, member=guest, terms=Terms(), at=now(), actor=None)
    client = make.signed_in(make.cashier(told.station))
    answer = client.post(f"/members/pools/places/{asked.pk}/confirm/")
    assert (answer.status_code, "没有读过会员" in answer.text) == (422, True)
    was_here(guest)
    assert client.post(f"/members/pools/places/{asked.pk}/confirm/").status_code == 302
    assert place(guest).pool_id == told.pool.pk


def test_the_office_opens_invites_lists_and_dissolves():
    station = make.station()
    head = make.member(station)
    client = make.signed_in(make.manager(station))
    typed = {"whom": head.number, **OPEN}
    assert client.post("/members/pools/open/", typed).status_code == 422
    was_here(head)
    assert client.post("/members/pools/open/", typed).status_code == 302
    made = Pool.objects.get()
    page = f"/members/pools/{made.number}/"
    guest = make.member(station)
    assert client.post(f"{page}invite/", {"whom": guest.number, **OPEN}).status_code == 302
    assert made.number in client.get("/members/pools/").text
    assert "等待确认" in client.get(page).text
    assert client.get(f"{page}ledger/").status_code == 200
    assert client.post(f"{page}dissolve/", {"reason": ""}).status_code == 422
    assert client.post(f"{page}dissolve/", {"reason": "户主要求"}).status_code == 302
    assert "户主要求" in client.get(page).text
    stranger = make.signed_in(make.stranger())
    assert stranger.get(page).status_code == 404


# ------------------------------------------------------------------------------- company


@pytest.mark.req("FAM-03")
def test_a_company_pools_the_fuel_points_of_its_drivers_and_reports_them():
    told = family(1)  # for the rules, and as somebody else's pool
    company = make.company(told.station)
    boss = make.manager(told.station)
    plate = vehicles.add_vehicle(
        owner=company, plate="云A12345", model="", grade=None, at=told.at, actor=boss
    )
    client = make.signed_in(boss)
    assert client.post(f"/members/companies/{company.number}/pool/").status_code == 302
    pool = Pool.objects.get(company=company)
    page = f"/members/pools/{pool.number}/"
    driver = make.member(told.station)
    typed = {"whom": driver.number, "share_pct": "100", "can_spend": "on", "cap_month": "40"}
    assert client.post(f"{page}invite/", typed).status_code == 422  # without a plate
    assert client.post(f"{page}invite/", {**typed, "vehicle": plate.pk}).status_code == 302
    asked = PoolMember.objects.get(member=driver)
    pools.accept(place=asked, seen=pools.terms_of(asked), at=told.at, actor=None)
    fleet = Family(told.station, [driver], pool)
    fleet.settle(driver, earn=100)
    fleet.settle(driver, earn=30, kind="ITEM")  # what is no fuel is his own
    assert balances(fleet) == [30, 100]
    assert not fleet.spend(0, 71)
    assert fleet.spend(0, 70)  # 30 of his own and 40 of the company's, his bound
    assert balances(fleet) == [0, 60]
    fleet.give_back(fleet.deals[0], 50)
    told_of = pool_report(pool=pool, since=fleet.at.date(), until=fleet.at.date())
    assert (told_of.brought, told_of.taken, told_of.used, told_of.closing) == (100, 50, 40, 10)
    [line] = told_of.people
    assert (line.brought, line.taken, line.used) == (100, 50, 40)
    span = {"since": "2026-04-01", "until": "2026-04-30"}
    report = client.get(f"{page}report/", span).text
    assert driver.number in report
    assert "云A" in report
    file = b"".join(client.get(f"{page}report/", {**span, "export": "csv"}))  # type: ignore[arg-type]
    assert driver.number in file.decode("utf-8-sig")
    assert b"".join(client.get(f"{page}report/", {**span, "export": "xlsx"}))  # type: ignore[arg-type]
    gone = {"reason": "离职"}
    assert client.post(f"/members/pools/places/{asked.pk}/remove/", gone).status_code == 302
    assert balances(fleet) == [0, 10]  # the company keeps what its plates earned
    pool_endings.dissolve(pool=pool, reason="不用了", at=fleet.at, actor=boss)
    assert balances(fleet) == [10, 0]
    assert not violations()


@pytest.mark.req("FAM-03")
def test_a_plate_that_left_the_company_earns_nothing_for_it():
    told = family(1)
    company, boss = make.company(told.station), make.manager(told.station)
    plate = vehicles.add_vehicle(
        owner=company, plate="云A12345", model="", grade=None, at=told.at, actor=boss
    )
    pool = pools.open_company(company=company, at=told.at, actor=boss)
    driver = make.member(told.station)
    asked = pools.invite(
        pool=pool, member=driver, vehicle=plate, terms=Terms(), at=told.at, actor=boss
    )
    pools.accept(place=asked, seen=Terms(), at=told.at, actor=None)
    vehicles.remove_vehicle(vehicle=plate, plate="云A***", at=told.at, actor=boss)
    fleet = Family(told.station, [driver], pool)
    fleet.settle(driver, earn=100)
    assert balances(fleet) == [100, 0]
