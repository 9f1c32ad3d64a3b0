"""Members at the till: joined in half a minute, found instead of doubled, asked once a year."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.timezone import now

from members.models import Consent, Member
from members.queries.consents import allows
from tests import make
from tests.sales.test_till_views import at_the_till, post

pytestmark = [pytest.mark.django_db, pytest.mark.req("CRM-01", "MEM-01")]

PHONE = "13887654321"
TOLD: dict[str, object] = {"phone": PHONE, "plate": "云A7K3M9", "policy": "on", "consent": "on"}


def test_a_member_joins_with_phone_plate_and_consent_and_is_on_the_ticket():
    client, _ = at_the_till()
    answer = post(client, "till_join", TOLD).json()
    member = Member.objects.get()
    assert answer["new"]
    assert answer["member"]["id"] == member.pk
    assert (answer["member"]["phone"], answer["member"]["plates"]) == ("138****4321", "云A***M9")
    assert allows(member, "SMS")
    assert {row.given_channel for row in Consent.objects.all()} == {"TILL"}
    water = make.item(on_hand=10)
    basket = make.basket(items=[(water, 1)], member=member.pk)
    assert post(client, "settle", basket).status_code == 200
    assert member.purchases.get().net == water.price


def test_whose_phone_is_known_is_found_instead_of_doubled():
    client, _ = at_the_till()
    member = make.member(phone=PHONE)
    answer = post(client, "till_join", {**TOLD, "plate": ""}).json()
    assert (answer["new"], answer["member"]["id"]) == (False, member.pk)
    assert member.number in answer["words"]
    assert Member.objects.count() == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"policy": ""}, "隐私政策"),
        ({"phone": "123"}, "手机号不对"),
        ({"phone": ""}, "手机号"),
        ({"plate": "A1"}, "车牌不对"),
        ({"birthday": "2020-01-01"}, "监护人"),
        ({"birthday": "昨天"}, "生日"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(told, words):
    client, _ = at_the_till()
    answer = post(client, "till_join", {**TOLD, **told})
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert not Member.objects.exists()


def test_a_plate_of_somebody_else_is_refused_with_nothing_kept():
    client, _ = at_the_till()
    make.member(plate="云A7K3M9")
    answer = post(client, "till_join", TOLD)
    assert answer.status_code == 422
    assert "已登记在别的会员" in answer.json()["error"]
    assert Member.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_tills_join_one_phone_and_both_have_the_same_member():
    client, till = at_the_till()
    other = make.signed_in(make.session(till.station, till=make.till(till.station)).cashier)
    gate = threading.Barrier(2)
    answers: list[dict[str, object]] = []

    def work(who) -> None:
        gate.wait()
        try:
            answers.append(post(who, "till_join", {**TOLD, "plate": ""}).json())
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(who,)) for who in (client, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Member.objects.count() == 1
    assert sorted(one["new"] for one in answers) == [False, True]
    assert len({one["member"]["id"] for one in answers}) == 1


@pytest.mark.req("CRM-03")
@pytest.mark.parametrize(("answer", "confirmed"), [("yes", True), ("later", False)])
def test_an_old_profile_is_asked_about_once(answer, confirmed):
    client, _ = at_the_till()
    member = make.member(phone=PHONE)
    long_ago = now() - timedelta(days=400)

    def asked() -> bool:
        return bool(
            client.get(reverse("sales:till_members"), {"q": PHONE}).json()["members"][0]["ask"]
        )

    Member.objects.update(confirmed_at=now() - timedelta(days=300))
    assert not asked()
    Member.objects.update(confirmed_at=long_ago)
    assert asked()
    assert post(client, "till_confirm", {"answer": answer}, member.pk).status_code == 200
    assert not asked()
    member.refresh_from_db()
    assert (member.confirmed_at > long_ago) is confirmed


def test_confirming_nobody_is_refused():
    client, _ = at_the_till()
    assert post(client, "till_confirm", {"answer": "yes"}, 999_999).status_code == 422
    assert post(client, "till_confirm", {"answer": "later"}, 999_999).status_code == 200
