"""Consents: each a dated record of its own, withdrawn once, and proof that nobody can mend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from members.models import Consent, Member
from members.queries.consents import allows, standings
from members.services import closing, consents, freezing, joining
from station.models import AuditEntry
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-06")]

LATER = make.NOW + timedelta(days=3)


def test_joining_records_the_policy_with_its_version_and_who_asked():
    member = make.member(consent=True)
    rows = {row.purpose: row for row in member.consents.all()}
    assert set(rows) == {"POLICY", "SMS"}
    assert (rows["POLICY"].policy_version, rows["POLICY"].given_at) == ("2026-01", make.NOW)
    assert rows["SMS"].given_by.name == "收银员 Li"
    assert not allows(member, "PERSONAL")


def test_a_consent_is_given_withdrawn_and_given_again_as_rows_of_their_own():
    station = make.station()
    member = make.member(station)
    client = make.signed_in(make.cashier(station))
    base = f"/members/{member.number}/consents"
    for door in ("give", "give", "withdraw", "withdraw", "give"):
        client.post(f"{base}/{door}/", {"purpose": "SMS"})
    rows = list(Consent.objects.filter(member=member, purpose="SMS").order_by("pk"))
    assert [bool(row.withdrawn_at) for row in rows] == [True, False]
    assert allows(member, "SMS")
    acts = AuditEntry.objects.filter(action__startswith="members.consent").order_by("id")
    assert [one.action.rsplit(".", 1)[1] for one in acts] == [
        "given", "given", "withdrawn", "given",
    ]  # fmt: skip
    page = client.get(f"{base}/").content.decode()
    assert "优惠短信" in page
    assert "当面问过，口头同意" in page


def test_after_the_withdrawal_nothing_is_allowed_any_more():
    member = make.member(consent=True)
    assert allows(member, "SMS")
    consents.withdraw(member=member, purpose="SMS", at=LATER, actor=None, channel="SMS")
    assert not allows(member.pk, "SMS")
    assert allows(member, "POLICY")
    said = {one.purpose: one for one in standings(member)}
    assert said["SMS"].withdrawn_at == LATER
    assert not said["SMS"].living
    assert said["POLICY"].living
    assert said["LOCATION"].given_at is None


def test_an_unknown_purpose_is_refused():
    station = make.station()
    member = make.member(station)
    client = make.signed_in(make.cashier(station))
    answer = client.post(f"/members/{member.number}/consents/give/", {"purpose": "NONSENSE"})
    assert answer.status_code == 422
    client.post(f"/members/{member.number}/consents/withdraw/", {"purpose": "NONSENSE"})
    assert member.consents.count() == 1


@pytest.mark.parametrize(
    "change", [{"evidence": "补写"}, {"given_at": LATER}, {"purpose": "LOCATION"}]
)
def test_the_database_keeps_what_was_agreed(change):
    member = make.member(consent=True)
    with pytest.raises(IntegrityError, match="keeps its facts"), transaction.atomic():
        Consent.objects.filter(member=member, purpose="SMS").update(**change)


def test_the_database_keeps_a_withdrawal_and_every_row():
    member = make.member(consent=True)
    consents.withdraw(member=member, purpose="SMS", at=LATER, actor=None)
    with pytest.raises(IntegrityError, match="withdrawn once"), transaction.atomic():
        Consent.objects.filter(member=member, purpose="SMS").update(withdrawn_at=None)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Consent.objects.filter(member=member).delete()
    assert member.consents.count() == 2


def test_one_living_consent_per_purpose():
    member = make.member(consent=True)
    row = member.consents.get(purpose="SMS")
    row.pk = None
    with pytest.raises(IntegrityError, match="one_living_consent"), transaction.atomic():
        row.save(force_insert=True)


def test_a_frozen_member_keeps_his_consents_a_closed_one_has_none():
    station = make.station()
    member, wang = make.member(station, consent=True), make.manager(station)
    freezing.freeze(member=member, reason="卡被盗用", at=make.NOW, actor=wang)
    assert allows(member, "SMS")
    closing.forget(member=member, reason="本人要求", at=LATER, actor=wang)
    assert not any(allows(member, purpose) for purpose in Consent.Purpose.values)
    assert member.consents.filter(withdrawn_at=None).count() == 0


# ------------------------------------------------------------------------------ children

CHILD = make.TODAY.replace(year=make.TODAY.year - 13)


def _join(**told):
    station = make.station()
    given = {"phone": "13887654321", "at": make.NOW, "actor": make.cashier(station)}
    return joining.join(station=station, **{**given, **told})


def test_a_child_under_fourteen_joins_with_a_guardian_only():
    with pytest.raises(joining.GuardianNeeded, match="监护人"):
        _join(birthday=CHILD)
    with pytest.raises(joining.BadPhone):
        _join(birthday=CHILD, guardian=joining.Guardian("李梅", "123"))
    assert not Member.objects.exists()
    member = _join(birthday=CHILD, guardian=joining.Guardian("李梅", "13900001111"))
    assert allows(member, "GUARDIAN")
    assert member.guardian_phone_sealed
    assert "13900001111" not in member.guardian_phone_sealed


def test_on_the_fourteenth_birthday_no_guardian_is_asked_for():
    member = _join(birthday=make.TODAY.replace(year=make.TODAY.year - 14))
    assert not allows(member, "GUARDIAN")


@pytest.mark.parametrize("year", [1899, make.TODAY.year + 1])
def test_nobody_is_born_then(year):
    with pytest.raises(joining.BadBirthday):
        _join(birthday=make.TODAY.replace(year=year))
