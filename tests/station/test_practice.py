"""Over by a one-time ticket, home by a signed paper that is kept once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.signing import Signer
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from station.models import AuditEntry, PracticeAttempt, PracticeEntry, PracticeResult, User
from station.queries.practice import passed, passed_by
from station.services import practice
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("IMP-03")]


@pytest.fixture
def here(settings, tmp_path):
    """A station; `settings.PRACTICE` decides which of the two it is."""
    settings.PRACTICE_DIR = tmp_path
    return make.station()


def ended(who, station, *, right=True, scenario="fill") -> PracticeAttempt:
    at = now()
    return PracticeAttempt.objects.create(
        user=who, station=station, scenario=scenario, started_at=at - timedelta(minutes=3),
        ended_at=at, passed=right, points=100 if right else 40,
    )  # fmt: skip


# ------------------------------------------------------------------ the ticket


def test_a_ticket_makes_an_account_of_the_same_name_and_role_without_a_password(here):
    li = make.cashier(here)
    shown = practice.ticket(user=li, role="MANAGER", at=now())
    li.username = "elsewhere"  # in the practice station nobody is there yet
    li.save()
    made = practice.enter(shown=shown, at=now())
    assert made.pk != li.pk
    assert made.name == li.name
    assert not made.has_usable_password()
    assert [(one.role, one.station) for one in made.assignments.all()] == [("MANAGER", here)]


def test_the_account_follows_the_live_one(here):
    li = make.cashier(here)
    practice.enter(shown=practice.ticket(user=li, role="CASHIER", at=now()), at=now())
    again = practice.enter(shown=practice.ticket(user=li, role="MANAGER", at=now()), at=now())
    assert [one.role for one in again.assignments.all()] == ["MANAGER"]
    assert PracticeEntry.objects.count() == 2


def test_a_ticket_opens_once_within_a_minute_and_only_as_it_was_signed(here, settings):
    li, at = make.cashier(here), now()
    shown = practice.ticket(user=li, role="CASHIER", at=at)
    practice.enter(shown=shown, at=at)
    with pytest.raises(practice.BadTicket, match="已经用过"):
        practice.enter(shown=shown, at=at)
    late = practice.ticket(user=li, role="CASHIER", at=at)
    with pytest.raises(practice.BadTicket, match="失效"):
        practice.enter(shown=late, at=at + timedelta(seconds=61))
    strange = Signer(key="x" * 64, salt=practice.TICKET).sign_object({"username": "laoban"})
    paper = Signer(key=settings.PRACTICE_KEY, salt=practice.RESULT).sign_object({"username": "a"})
    for wrong in (late[:-1] + "x", strange, paper, "", "::", "中文"):
        with pytest.raises(practice.BadTicket, match="不是本站发的"):
            practice.enter(shown=wrong, at=at)
    assert PracticeEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_browsers_with_one_ticket_one_comes_in(here):
    li, at = make.cashier(here), now()
    shown, came = practice.ticket(user=li, role="CASHIER", at=at), []
    gate = threading.Barrier(2)

    def enter() -> None:
        gate.wait()
        try:
            came.append(practice.enter(shown=shown, at=at))
        except practice.BadTicket as refused:
            came.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(type(one).__name__ for one in came) == ["BadTicket", "User"]


def test_the_live_page_leads_over_and_the_practice_door_lets_in_once(here, settings):
    li = make.cashier(here)
    settings.PRACTICE_URL = ":8001"
    client = make.signed_in(li)
    assert reverse("station:practice_go") in client.get(reverse("station:account")).content.decode()
    answer = client.get(reverse("station:practice_go"))
    assert answer["Location"].startswith("http://testserver:8001/practice/enter/?ticket=")
    door = answer["Location"].removeprefix("http://testserver:8001")

    settings.PRACTICE, settings.LIVE_URL = True, ":8000"
    trainee = Client()
    assert trainee.get(door).status_code == 302
    page = trainee.get(reverse("station:account")).content.decode()
    assert "练习模式：这里的油、钱和会员都是假的" in page
    assert 'href="http://testserver:8000"' in page
    again = Client().get(door)
    assert again.status_code == 403
    assert "已经用过" in again.content.decode()


def test_where_no_practice_station_runs_there_is_no_link_and_the_address_says_why(here):
    client = make.signed_in(make.cashier(here))
    assert "练习" not in client.get(reverse("station:account")).content.decode()
    answer = client.get(reverse("station:practice_go"))
    assert answer.status_code == 409
    assert "make practice" in answer.content.decode()


def test_practice_has_no_password_and_no_change_of_person(here, settings):
    li = make.cashier(here)
    settings.PRACTICE = True
    client = Client()
    known = {"username": li.username, "password": make.PASSWORD}
    answer = client.post(reverse("station:sign_in"), known)
    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    other, chosen = make.cashier(here), make.signed_in(li)
    answer = chosen.post(reverse("station:change_in"), {"person": other.pk, "pin": make.PIN})
    assert answer.status_code == 409
    assert chosen.session["_auth_user_id"] == str(li.pk)


def test_a_manager_who_came_by_ticket_needs_no_second_factor_again(here, settings):
    wang = make.manager(here)
    client = Client()
    client.force_login(wang, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("station:account")).status_code == 302
    settings.PRACTICE = True
    assert client.get(reverse("station:account")).status_code == 200


@pytest.mark.parametrize("name", ["practice", "practice_enter"])
def test_a_live_station_has_neither_scenarios_nor_a_door(here, name):
    app = "station" if name == "practice_enter" else "finance"
    client = make.signed_in(make.cashier(here))
    assert client.get(reverse(f"{app}:{name}"), {"ticket": "x"}).status_code == 404


# ------------------------------------------------------------------ the result


def test_a_result_is_signed_in_practice_and_kept_once_at_home(here):
    li = make.cashier(here)
    attempt = ended(li, here)
    for _ in range(2):
        practice.report(titles={"fill": "普通加油收款"}, at=now())
    assert [practice.collect() for _ in range(3)] == [1, 0, 0]
    result = PracticeResult.objects.get()
    assert (result.user, result.attempt, result.title) == (li, attempt.key, "普通加油收款")
    assert (result.passed, result.points, result.minutes, result.at) == (
        True, 100, 3, attempt.ended_at,
    )  # fmt: skip
    assert passed(user=li, scenario="fill")
    assert passed_by(user=li) == {"fill"}
    told = AuditEntry.objects.get(action="station.practice.result")
    assert told.after == {"科目": "普通加油收款", "结果": "通过", "得分": 100}


def test_a_failed_try_is_kept_too_and_passes_nothing(here):
    li = make.cashier(here)
    ended(li, here, right=False)
    practice.report(titles={"fill": "普通加油收款"}, at=now())
    practice.collect()
    assert not PracticeResult.objects.get().passed
    assert not passed(user=li, scenario="fill")


def test_what_the_shared_key_did_not_sign_is_not_believed(here, tmp_path, settings):
    li = make.cashier(here)
    attempt = ended(li, here)
    practice.report(titles={"fill": "普通加油收款"}, at=now())
    (paper,) = (tmp_path / practice.PAPERS).iterdir()
    signed = paper.read_text()
    body = {"attempt": paper.stem, "username": li.username}
    for wrong in (
        signed[:-1] + "x",
        Signer(key="x" * 64, salt=practice.RESULT).sign_object(body),
        Signer(key=settings.PRACTICE_KEY, salt=practice.TICKET).sign_object(body),
        "",
    ):
        paper.write_text(wrong)
        assert practice.collect() == 0
    paper.write_text(signed)
    paper.rename(paper.with_name("00000000-0000-4000-8000-000000000000.txt"))  # another's name
    paper.with_name("rubbish.txt").write_text(signed)
    assert practice.collect() == 0
    User.objects.filter(pk=li.pk).update(username="gone")  # not of this station
    paper.write_text(signed)
    assert practice.collect() == 0
    User.objects.filter(pk=li.pk).update(username=attempt.user.username)
    assert practice.collect() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_keep_a_result_once(here):
    ended(make.cashier(here), here)
    practice.report(titles={"fill": "普通加油收款"}, at=now())
    gate, counts = threading.Barrier(2), []

    def collect() -> None:
        gate.wait()
        counts.append(practice.collect())
        connection.close()

    threads = [threading.Thread(target=collect) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(counts) == PracticeResult.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    ["UPDATE station_practiceresult SET points = 100", "DELETE FROM station_practiceresult"],
)
def test_the_database_keeps_results_as_they_are(here, change):
    ended(make.cashier(here), here, right=False)
    practice.report(titles={"fill": "普通加油收款"}, at=now())
    practice.collect()
    refused = pytest.raises(DatabaseError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_an_attempt_that_is_over_stays_as_it_ended(here):
    attempt = ended(make.cashier(here), here, right=False)
    with pytest.raises(DatabaseError, match="keeps its facts"), transaction.atomic():
        PracticeAttempt.objects.filter(pk=attempt.pk).update(passed=True)
    PracticeAttempt.objects.filter(pk=attempt.pk).update(reported_at=now())


def test_the_lead_sees_results_on_the_person_and_in_a_list_to_take_away(here):
    wang, li = make.manager(here), make.cashier(here)
    stranger = make.user("CASHIER", make.station(), "外站小陈")
    for who in (li, stranger):
        ended(who, here)
    practice.report(titles={"fill": "普通加油收款"}, at=now())
    practice.collect()
    client = make.signed_in(wang)
    person = client.get(reverse("station:person", args=[li.pk])).content.decode()
    assert "普通加油收款" in person
    page = client.get(reverse("station:practice_results")).content.decode()
    assert li.name in page
    assert stranger.name not in page
    assert (
        reverse("station:practice_results")
        in client.get(reverse("station:people")).content.decode()
    )
    csv = client.get(reverse("station:practice_results"), {"export": "csv", "passed": "1"})
    assert "普通加油收款" in b"".join(csv).decode("utf-8-sig")
    assert make.signed_in(li).get(reverse("station:practice_results")).status_code == 403
