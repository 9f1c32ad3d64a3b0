"""Who may sign in, as what; and who may change that."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from station.access import role_at
from station.models import Assignment, AuditEntry, User
from station.services import people
from tests import make

pytestmark = pytest.mark.django_db


def add(actor: User, *roles: tuple[int | None, str], username: str = "xin") -> tuple[User, str]:
    return people.add(username=username, name="新人", roles=roles, at=make.NOW, actor=actor)


@pytest.mark.req("SEC-01")
def test_a_manager_adds_a_cashier_who_signs_in_with_the_one_time_password():
    station = make.station()
    wang = make.manager(station)
    answer = make.signed_in(wang).post(
        "/people/new/",
        {"username": "XiaoMa", "name": "小马", f"role_{station.pk}": "CASHIER"},
    )
    assert answer.status_code == 200
    password = answer.context["password"]
    ma = User.objects.get(username="xiaoma")
    assert role_at(ma, station) == "CASHIER"
    assert password not in ma.password
    client = Client()
    client.post("/sign-in/", {"username": "xiaoma", "password": password})
    assert client.get("/")["Location"] == "/account/password/?next=/"
    entry = AuditEntry.objects.get(action="station.person.added")
    assert entry.after == {"姓名": "小马", station.name: "收银员"}
    assert password not in str(entry.after)


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("role", ["OWNER", "MANAGER"])
def test_a_manager_makes_nobody_his_equal(role):
    station = make.station()
    with pytest.raises(people.NotYours, match="老板"):
        add(make.manager(station), (station.pk, role))
    assert not User.objects.filter(username="xin").exists()


@pytest.mark.req("SEC-02", "SEC-15")
def test_a_manager_grants_nothing_at_another_station():
    station, other = make.station(), make.station()
    for place in (other.pk, None):
        with pytest.raises(people.NotYours):
            add(make.manager(station), (place, "CASHIER"))


@pytest.mark.req("SEC-02")
def test_nobody_changes_his_own_role():
    boss = make.owner()
    with pytest.raises(people.NotYourself):
        people.change_roles(user=boss, roles=[(None, "CASHIER")], at=make.NOW, actor=boss)
    with pytest.raises(people.NotYourself):
        people.deactivate(user=boss, reason="走了", at=make.NOW, actor=boss)


@pytest.mark.req("SEC-02")
def test_a_manager_touches_neither_owner_nor_manager():
    station = make.station()
    wang = make.manager(station)
    for boss in (make.owner(), make.owner(station), make.manager(station)):
        for act in (people.reset_password, people.unlock, people.activate):
            with pytest.raises(people.NotYours):
                act(user=boss, at=make.NOW, actor=wang)
        with pytest.raises(people.NotYours):
            people.reset_second_factor(user=boss, reason="丢", at=make.NOW, actor=wang)
        with pytest.raises(people.NotYours):
            people.deactivate(user=boss, reason="走", at=make.NOW, actor=wang)


@pytest.mark.req("SEC-02")
def test_the_last_owner_stays_whoever_tries():
    station = make.station()
    first, second, wang = make.owner(station), make.owner(station), make.manager(station)
    people.deactivate(user=second, reason="离职", at=make.NOW, actor=first)
    with pytest.raises(people.NotYourself):
        people.deactivate(user=first, reason="离职", at=make.NOW, actor=first)
    with pytest.raises(people.NotYours):
        people.deactivate(user=first, reason="离职", at=make.NOW, actor=wang)
    with pytest.raises(people.LastOwner, match=station.name):  # as an account shut out meanwhile
        people.deactivate(user=first, reason="离职", at=make.NOW, actor=second)
    first.refresh_from_db()
    assert first.is_active


@pytest.mark.req("SEC-02")
@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_shut_each_other_out_at_once():
    station = make.station()
    pair = [make.owner(station), make.owner(station)]
    gate = threading.Barrier(2)
    refused: list[Exception] = []

    def shut_out(actor: User, user: User) -> None:
        gate.wait()
        try:
            people.deactivate(user=user, reason="争", at=make.NOW, actor=actor)
        except people.LastOwner as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=shut_out, args=(one, other))
        for one, other in (pair, reversed(pair))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert User.objects.filter(pk__in=[one.pk for one in pair], is_active=True).count() == 1


@pytest.mark.req("SEC-08")
def test_a_change_of_roles_is_audited_with_before_and_after():
    station = make.station()
    boss, li = make.owner(), make.cashier(station)
    client = make.signed_in(boss)
    answer = client.post(
        f"/people/{li.pk}/change/", {"name": "李芳", f"role_{station.pk}": "ATTENDANT"}
    )
    assert answer.status_code == 302
    entry = AuditEntry.objects.get(action="station.person.roles_changed")
    assert (entry.before, entry.after) == ({station.name: "收银员"}, {station.name: "加油员"})
    page = client.get(f"/people/{li.pk}/").content.decode()
    assert "修改角色" in page
    assert "收银员 → 加油员" in page


@pytest.mark.req("SEC-02")
def test_taking_every_role_away_is_refused_in_favour_of_deactivating():
    station = make.station()
    li = make.cashier(station)
    answer = make.signed_in(make.owner()).post(f"/people/{li.pk}/change/", {"name": li.name})
    assert answer.status_code == 422
    assert "停用" in answer.content.decode()
    assert Assignment.objects.filter(user=li).exists()


@pytest.mark.req("SEC-01")
def test_a_reset_password_lifts_the_lock_and_ends_the_sessions():
    station = make.station()
    wang, li = make.manager(station), make.cashier(station)
    here = make.signed_in(li)
    browser = Client()
    for _ in range(5):
        browser.post("/sign-in/", {"username": li.username, "password": "wrong-password"})
    client = make.signed_in(wang)
    assert "已锁定" in client.get(f"/people/{li.pk}/").content.decode()
    password = client.post(f"/people/{li.pk}/act/reset-password/").context["password"]
    assert here.get("/account/").status_code == 302
    answer = browser.post("/sign-in/", {"username": li.username, "password": password})
    assert answer.status_code == 302


@pytest.mark.req("SEC-01")
def test_a_manager_lifts_a_lock_before_its_time():
    station = make.station()
    wang, li = make.manager(station), make.cashier(station)
    browser = Client()
    for _ in range(5):
        browser.post("/sign-in/", {"username": li.username, "password": "wrong-password"})
    make.signed_in(wang).post(f"/people/{li.pk}/act/unlock/")
    answer = browser.post("/sign-in/", {"username": li.username, "password": make.PASSWORD})
    assert answer.status_code == 302


def test_deactivating_needs_a_reason():
    station = make.station()
    wang, li = make.manager(station), make.cashier(station)
    answer = make.signed_in(wang).post(f"/people/{li.pk}/act/deactivate/", {"reason": ""})
    assert answer.status_code == 422
    assert "原因" in answer.content.decode()
    li.refresh_from_db()
    assert li.is_active


def test_an_unknown_deed_is_not_found():
    station = make.station()
    wang, li = make.manager(station), make.cashier(station)
    assert make.signed_in(wang).post(f"/people/{li.pk}/act/promote/").status_code == 404


@pytest.mark.req("SEC-15")
def test_a_manager_sees_only_the_people_of_his_station():
    station = make.station()
    wang, li = make.manager(station), make.cashier(station)
    feng = make.stranger()
    page = make.signed_in(wang).get("/people/").content.decode()
    assert li.username in page
    assert feng.username not in page
    assert make.signed_in(wang).get(f"/people/{feng.pk}/").status_code == 404
    assert feng.username in make.signed_in(make.owner()).get("/people/").content.decode()


@pytest.mark.req("SEC-02")
def test_the_matrix_page_shows_every_right_in_chinese():
    page = make.signed_in(make.manager(make.station())).get("/people/roles/").content.decode()
    for word in ("收款", "日结", "查看会员完整资料（须写原因）", "供应商"):
        assert word in page


def test_the_list_costs_the_same_for_one_person_and_for_three(django_assert_max_num_queries):
    station = make.station()
    client = make.signed_in(make.manager(station))
    client.get("/people/")
    for _ in range(2):
        make.cashier(station)
        with django_assert_max_num_queries(9):
            assert client.get("/people/").status_code == 200
