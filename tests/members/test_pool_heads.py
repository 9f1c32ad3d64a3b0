"""户主交接: the head of a family asks another of it; who says yes is the head, and nothing else changes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from members.models import MemberNotice, Pool, PoolMember
from members.services import closing, freezing, merging, pool_endings, pool_heads, pools, profiles
from members.services.pools import PoolRefused, Terms
from members.services.risk import OverTheLimit
from station.errors import Refusal
from station.models import AuditEntry
from tests import make
from tests.members.pool_histories import Family, family
from tests.members.test_pool_histories import balances
from tests.members.test_pool_pages import place, was_here

pytestmark = [pytest.mark.django_db, pytest.mark.req("FAM-01")]


def asked(told: Family, which: int = 1) -> Pool:
    """The head has asked somebody to take his place."""
    return pool_heads.offer(place=place(told.who(which)), at=told.at, actor=None)


def head_of(told: Family) -> int | None:
    return Pool.objects.get(pk=told.pool.pk).head_id


def test_the_headship_goes_over_on_two_phones_and_points_and_terms_stay():
    told = family(3)
    told.earn(0, 30)
    told.earn(1, 50)
    mate, before = place(told.who(1)), balances(told)
    his, hers = make.phone_of(told.who(0)), make.phone_of(told.who(1))
    assert "请他接任户主" in his.get("/m/family/").text
    for _ in range(2):
        assert his.post(f"/m/family/{mate.pk}/offer/").status_code == 302
    assert MemberNotice.objects.filter(member=told.who(1), text__contains="接任户主").count() == 1
    assert "待接任户主" in his.get("/m/family/").text
    assert "请您接任户主" in hers.get("/m/family/").text
    assert hers.post(f"/m/family/{place(told.who(2)).pk}/remove/").status_code == 404  # not yet
    for _ in range(2):
        assert hers.post("/m/family/head/take-over/").status_code == 302
    assert head_of(told) == told.who(1).pk
    assert balances(told) == before
    assert place(told.who(0)).state == "ACTIVE"
    assert "（户主）" in hers.get("/m/family/").text
    assert his.post("/m/family/dissolve/").status_code == 404
    assert his.post("/m/family/leave/").status_code == 302  # who was the head may leave now
    assert hers.post(f"/m/family/{place(told.who(2)).pk}/remove/").status_code == 302
    acts = AuditEntry.objects.filter(document=told.pool.number)
    [passed] = acts.filter(action="members.pool.headed")
    assert (passed.before, passed.after) == (
        {"户主": told.who(0).number},
        {"户主": told.who(1).number},
    )
    assert passed.actor_name == "会员本人"
    told.pool.refresh_from_db()
    told.people = [told.who(1)]
    told.check()


def test_it_is_turned_down_or_taken_back_and_nobody_else_answers():
    told = family(3)
    asked(told)
    third = make.phone_of(told.who(2))
    answer = third.post("/m/family/head/take-over/")
    assert (answer.status_code, "没有接任" in answer.text) == (422, True)
    assert third.post("/m/family/head/turn-down/").status_code == 404
    hers = make.phone_of(told.who(1))
    for _ in range(2):
        assert hers.post("/m/family/head/turn-down/").status_code in (302, 404)
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None
    asked(told)
    asked(told, 2)  # another one: who was asked first is not any longer
    assert "没有接任" in hers.post("/m/family/head/take-over/").text
    his = make.phone_of(told.who(0))
    for _ in range(2):
        assert his.post("/m/family/head/turn-down/").status_code == 302
    assert "没有接任" in third.post("/m/family/head/take-over/").text
    assert head_of(told) == told.who(0).pk
    assert AuditEntry.objects.filter(action="members.pool.heir_gone").count() == 2
    outsider = make.phone_of(make.member(told.station))
    for path in ("head/take-over/", "head/turn-down/", f"{place(told.who(1)).pk}/offer/"):
        assert outsider.post(f"/m/family/{path}").status_code == 404


def test_a_no_that_comes_late_takes_nothing_from_who_is_asked_by_then():
    told = family(3)
    seen = asked(told)
    asked(told, 2)
    pool_heads.turn_down(pool=seen, at=told.at, actor=None)
    assert Pool.objects.get(pk=told.pool.pk).heir_id == told.who(2).pk


def test_who_cannot_be_asked_and_who_cannot_ask():
    told, other = family(3), family(2)
    for place_of_none in (place(told.who(0)), place(other.who(1))):
        place_of_none.pool = told.pool
        with pytest.raises(PoolRefused, match="没有提出"):
            pool_heads.offer(place=place_of_none, at=told.at, actor=None)
    freezing.freeze(member=told.who(2), reason="卡被盗用", at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="已冻结"):
        asked(told, 2)
    found = asked(told)
    freezing.freeze(member=told.who(0), reason="卡被盗用", at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="已冻结"):
        pool_heads.take_over(pool=found, member=told.who(1), at=told.at, actor=None)
    with pytest.raises(PoolRefused, match="户主的会员资格已冻结"):
        asked(told)


@pytest.mark.req("PTS-05")
def test_a_head_with_a_new_phone_hands_nothing_over_for_a_day_but_at_the_station():
    told = family(2)
    lead = make.manager(told.station)
    since = told.at - timedelta(hours=1)
    profiles.change(member=told.who(0), phone="13900001234", at=since, actor=lead)
    with pytest.raises(OverTheLimit, match="换过手机号"):
        asked(told)
    assert pool_heads.offer(place=place(told.who(1)), at=told.at, actor=lead).heir == told.who(1)


def test_who_leaves_closes_or_merges_is_asked_no_longer():
    told, other = family(4), make.member()
    asked(told)
    told.leave(1)
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None
    asked(told, 2)
    closing.forget(member=told.who(2), reason="本人要求", at=told.at, actor=None)
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None
    asked(told, 3)
    merging.merge(
        survivor=other,
        merged=told.who(3),
        reason="同一个人",
        at=told.at,
        actor=make.manager(told.station),
    )
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None
    asked(Family(told.station, [told.who(0), other], told.pool))
    pool_endings.dissolve(pool=told.pool, reason="不用了", at=told.at, actor=None)
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None


@pytest.mark.req("FAM-02")
def test_an_undone_merge_gives_the_headship_to_whoever_had_it_before():
    """After a hand-over the first member of a pool says no longer who its head was."""
    told = family(3)
    pool_heads.take_over(pool=asked(told, 2), member=told.who(2), at=told.at, actor=None)
    lead, later = make.manager(told.station), told.at + timedelta(hours=1)
    for survivor, gone in ((0, 2), (2, 1)):
        made = merging.merge(
            survivor=told.who(survivor),
            merged=told.who(gone),
            reason="同一个人",
            at=later,
            actor=lead,
        )
        assert head_of(told) == told.who(survivor).pk
        merging.undo(merge=made, reason="弄错了", at=later, actor=lead)
        assert head_of(told) == told.who(2).pk
    told.check()


def test_the_office_does_it_for_who_is_there():
    told = family(3)
    client = make.signed_in(make.cashier(told.station))
    page, offer = f"/members/pools/{told.pool.number}/", place(told.who(1)).pk
    assert "户主交接" in client.get(page).text
    for _ in range(2):
        answer = client.post(f"/members/pools/places/{offer}/offer/")
        assert (answer.status_code, "没有读过会员" in answer.text) == (422, True)
    was_here(told.who(0))
    assert client.post(f"/members/pools/places/{offer}/offer/").status_code == 302
    assert "等待接任户主" in client.get(page).text
    assert client.post(f"{page}head/").status_code == 422
    was_here(told.who(1))
    assert client.post(f"{page}head/").status_code == 302
    assert head_of(told) == told.who(1).pk
    assert client.post(f"{page}head/").status_code == 422  # nobody waits any longer
    assert "户主交接" in client.get(page).text  # in the history too
    asked_again = place(told.who(2)).pk
    assert client.post(f"/members/pools/places/{asked_again}/offer/").status_code == 302
    assert client.post(f"{page}head/turn-down/").status_code == 302
    assert Pool.objects.get(pk=told.pool.pk).heir_id is None


def test_a_company_has_no_head_to_hand_over():
    told = family(1)
    company, boss = make.company(told.station), make.manager(told.station)
    pool = pools.open_company(company=company, at=told.at, actor=boss)
    driver = PoolMember.objects.create(
        pool=pool,
        member=make.member(told.station),
        state="ACTIVE",
        invited_at=told.at,
        joined_at=told.at,
    )
    client = make.signed_in(boss)
    answer = client.post(f"/members/pools/places/{driver.pk}/offer/")
    assert (answer.status_code, "没有户主" in answer.text) == (422, True)
    with pytest.raises(PoolRefused):
        pool_heads.offer(place=driver, at=told.at, actor=boss)
    with pytest.raises(IntegrityError, match="an_heir_is_another"), transaction.atomic():
        Pool.objects.filter(pk=pool.pk).update(heir=driver.member, offered_at=told.at)
    with pytest.raises(IntegrityError, match="an_heir_is_another"), transaction.atomic():
        Pool.objects.filter(pk=told.pool.pk).update(heir=told.who(0), offered_at=told.at)


@pytest.mark.django_db(transaction=True)
def test_a_yes_against_the_old_heads_last_acts_leaves_one_head():
    told = family(3)
    found, third = asked(told), place(told.who(2))
    gate, said = threading.Barrier(4), []

    def run(act) -> None:
        gate.wait()
        try:
            act()
        except Refusal as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    def yes() -> None:
        pool_heads.take_over(pool=found, member=told.who(1), at=now(), actor=None)

    acts = [
        yes,
        yes,
        lambda: pool_heads.offer(place=third, at=now(), actor=None),
        lambda: pools.set_terms(place=third, terms=Terms(50), at=now(), actor=None),
    ]
    third.pool = found
    threads = [threading.Thread(target=run, args=(one,)) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    pool = Pool.objects.get(pk=told.pool.pk)
    assert (pool.head_id, pool.heir_id) in {
        (told.who(1).pk, None),  # said yes first: the old head's acts are refused
        (told.who(0).pk, told.who(2).pk),  # asked another first: yes is refused
    }
    assert all("换了人" in one or "收回" in one for one in said)
