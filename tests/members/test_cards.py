"""Cards of members: issued, lost, replaced; and members who are frozen."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from devices.models import Card, Line, Reader
from devices.services.cards import CardRefused
from devices.services.reads import record_read
from members.models import Member
from members.queries.finding import find, look_up
from members.queries.standing import standing
from members.services import cards, closing, freezing
from members.services.refusals import MemberClosed
from station.models import AuditEntry
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("MEM-12")]

CARD = "0012345678"


def issued(member: Member, number: str = CARD, replaces: Card | None = None) -> Card:
    return cards.issue(
        member=member,
        station=member.home_station,
        number=number,
        medium="IC",
        replaces=replaces,
        at=make.NOW,
        actor=make.cashier(member.home_station),
    )


@pytest.mark.req("CRM-01")
def test_a_member_is_found_by_his_card_at_any_station():
    member = make.member()
    make.member()
    issued(member)
    assert [(one.member_id, one.exact) for one in find(text=CARD)] == [(member.pk, True)]
    assert find(text="0012345679") == []


def test_a_lost_card_finds_nobody_and_the_till_says_so():
    station = make.station()
    member = make.member(station)
    card = issued(member)
    client = make.signed_in(make.cashier(station))
    door = f"/members/{member.number}/cards/{card.pk}"
    assert client.post(f"{door}/LOST/").status_code == 302
    assert look_up(text=CARD).hits == ()
    told = client.get(reverse("sales:till_members"), {"q": CARD}).json()
    assert told["members"] == []
    assert "已挂失" in told["words"]
    assert client.post(f"{door}/LOST/").status_code == 422
    assert client.post(f"{door}/NONSENSE/").status_code == 422
    client.post(f"{door}/ACTIVE/")
    assert find(text=CARD)[0].member_id == member.pk


def test_a_new_card_for_an_old_one_works_at_once_and_the_old_one_never_again():
    station = make.station()
    member = make.member(station)
    old = issued(member)
    client = make.signed_in(make.cashier(station))
    form = {"number": "0099999999", "medium": "RFID"}
    door = f"/members/{member.number}/cards/{old.pk}/replace/"
    assert client.post(door, form).status_code == 302
    assert find(text=CARD) == []
    assert find(text="0099999999")[0].member_id == member.pk
    new = Card.objects.get(number="0099999999")
    assert (new.replaces, new.medium, new.document) == (old, "RFID", member.number)
    assert client.post(door, {**form, "number": "0088888888"}).status_code == 422
    assert Card.objects.count() == 2
    actions = AuditEntry.objects.filter(document=member.number, action__contains="card")
    assert [one.action for one in actions.order_by("id")] == [
        "members.card.issued",
        "members.card.replaced",
    ]


def test_a_number_that_is_in_use_or_lost_is_issued_to_nobody_else():
    member, other = make.member(), make.member()
    card = issued(member)
    with pytest.raises(CardRefused):
        issued(other)
    cards.move(member=member, card=card, to=Card.Status.LOST, at=make.NOW, actor=None)
    with pytest.raises(CardRefused):
        issued(other)
    cards.move(member=member, card=card, to=Card.Status.CANCELLED, at=make.NOW, actor=None)
    assert issued(other).document == other.number


@pytest.mark.parametrize("number", ["12", "", "卡一二三四", "1" * 41, "12 34"])
def test_a_card_number_that_is_none_is_refused(number):
    with pytest.raises(CardRefused):
        issued(make.member(), number)


@pytest.mark.django_db(transaction=True)
def test_the_same_card_issued_at_two_tills_is_one_members():
    station = make.station()
    members = [make.member(station), make.member(station)]
    gate = threading.Barrier(2)
    refused: list[Exception] = []

    def work(member: Member) -> None:
        gate.wait()
        try:
            cards.issue(
                member=member, station=station, number=CARD, medium="IC", at=make.NOW, actor=None
            )
        except CardRefused as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(one,)) for one in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Card.objects.filter(number=CARD).count() == 1
    assert len(refused) == 1
    assert AuditEntry.objects.filter(action="members.card.issued").count() == 1


# -------------------------------------------------------------------------------- frozen


def test_a_frozen_member_neither_earns_nor_spends_until_he_is_unfrozen():
    station = make.station()
    member = make.member(station, phone="13887654321")
    client = make.signed_in(make.manager(station))
    assert standing(member.pk).may_earn
    assert client.post(f"/members/{member.number}/freeze/", {"reason": ""}).status_code == 422
    for _ in range(2):
        client.post(f"/members/{member.number}/freeze/", {"reason": "卡被盗用，本人来电"})
    said = standing(member.pk)
    assert (said.status, said.may_earn, said.may_spend) == ("FROZEN", False, False)
    assert "已冻结" in said.words
    assert find(text="13887654321")[0].words == said.words
    assert AuditEntry.objects.filter(action="members.member.frozen").count() == 1
    client.post(f"/members/{member.number}/unfreeze/", {"reason": "本人来办"})
    assert standing(member.pk).may_spend
    assert standing(member.pk).words == ""


def test_a_cashier_does_not_freeze():
    station = make.station()
    member = make.member(station)
    client = make.signed_in(make.cashier(station))
    assert client.post(f"/members/{member.number}/freeze/", {"reason": "看看"}).status_code == 403


def test_a_closed_member_and_nobody_stand_for_nothing():
    member = make.member()
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=None)
    assert not standing(member.pk).may_earn
    assert not standing(999_999_999).may_spend
    with pytest.raises(MemberClosed):
        freezing.freeze(member=member, reason="卡被盗用", at=make.NOW, actor=None)
    with pytest.raises(MemberClosed):
        issued(member)


def test_closing_an_account_voids_its_cards():
    member = make.member()
    card = issued(member)
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=None)
    card.refresh_from_db()
    assert card.status == "CANCELLED"
    assert find(text=CARD) == []


def test_a_swipe_of_a_members_card_is_known_everywhere_and_a_lost_one_is_told():
    member = make.member()
    card = issued(member)
    elsewhere = make.station()
    till = make.till(elsewhere)
    line = Line.objects.create(station=elsewhere, name="读卡线", url="/dev/x", protocol="READER")
    reader = Reader.objects.create(line=line, till=till)
    told = {"reader": reader, "medium": "CARD", "text": CARD, "secret": False, "at": make.NOW}
    assert record_read(key="1", **told).outcome == "KNOWN"
    cards.move(member=member, card=card, to=Card.Status.LOST, at=make.NOW, actor=None)
    swipe = record_read(key="2", **told)
    assert (swipe.meaning, swipe.outcome) == ("MEMBER_CARD", "LOST")
