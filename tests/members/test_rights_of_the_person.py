"""What a person may ask: his data in a file, to be forgotten; and lists that leave with two keys."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from members.models import Member, MemberExport
from members.queries.quality import marks_of
from members.services import cards, closing, exporting, joining, profiles
from members.services.refusals import MemberClosed
from station.models import AuditEntry, Setting
from station.queries.ledgers import ledger_sums
from station.services import jobs
from tests import make

pytestmark = pytest.mark.django_db

PHONE = "13887654321"
PLATE = "云A7K3M9"


def person() -> tuple[Member, object]:
    """A member with everything that is kept of one, and a sale."""
    till = make.session()
    make.tenders()
    member = make.member(till.station, phone=PHONE, plate=PLATE, consent=True)
    profiles.change(
        member=member,
        name="张建军",
        preferences="喜欢洗车",
        birthday=make.TODAY.replace(year=1990),
        at=make.NOW,
        actor=till.cashier,
    )
    cards.issue(
        member=member,
        station=till.station,
        number="00CARD22",
        medium="IC",
        at=make.NOW,
        actor=None,
    )
    make.sale(till, [make.fill_at(till.station)], member=member.pk)
    return member, till


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in archive.namelist()
        }


@pytest.mark.req("SEC-07")
def test_a_person_gets_everything_that_is_kept_of_him_as_a_zip():
    member, till = person()
    wu = make.service(till.station)
    client = make.signed_in(wu)
    door = f"/members/{member.number}/export/"
    assert client.post(door, {"reason": ""}).status_code == 422
    assert client.post(door, {"reason": "本人要求查阅"}).status_code == 302
    row = MemberExport.objects.get()
    assert client.get(f"{door}{row.pk}/").status_code == 422  # not made yet
    job = jobs.run_next(at=make.NOW)
    assert job.status == "DONE"
    row.refresh_from_db()
    MemberExport.objects.update(expires_at=make.NOW + timedelta(days=36500))
    answer = client.get(f"{door}{row.pk}/")
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    told = sheets(answer.content)
    assert told["资料.csv"][1][:3] == [member.number, "张建军", PHONE]
    assert told["车辆.csv"][1][0] == PLATE
    assert told["会员卡.csv"][1][0] == "00CARD22"
    assert {line[0] for line in told["同意.csv"][1:]} == {"隐私政策", "优惠短信"}
    assert ["姓名", "张建国", "张建军"] in [line[1:4] for line in told["资料变更.csv"]]
    total = sum(Decimal(line[6]) for line in told["消费.csv"][1:])
    assert total == sum(one.net for one in member.purchases.all())
    actions = list(AuditEntry.objects.filter(action__startswith="members.export").order_by("id"))
    assert [one.action.rsplit(".", 1)[1] for one in actions] == ["asked", "fetched"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT content_sealed FROM members_memberexport")
        assert PHONE not in cursor.fetchone()[0]


@pytest.mark.req("SEC-07")
def test_the_file_is_gone_after_its_days_and_with_the_account():
    member, till = person()
    wu = make.service(till.station)
    row, _ = exporting.ask(member=member, reason="本人要求", at=make.NOW, actor=wu)
    jobs.run_next(at=make.NOW)
    row = MemberExport.objects.select_related("member__key").get(pk=row.pk)
    assert exporting.opened(export=row, at=make.NOW, actor=wu)
    with pytest.raises(exporting.ExportRefused):
        exporting.opened(export=row, at=make.NOW + timedelta(days=8), actor=wu)
    assert exporting.drop_old(at=make.NOW + timedelta(days=8)) == 1
    assert exporting.drop_old(at=make.NOW + timedelta(days=8)) == 0
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=wu)
    with pytest.raises(MemberClosed):
        exporting.ask(member=member, reason="本人要求", at=make.NOW, actor=wu)
    row = MemberExport.objects.select_related("member__key").get(pk=row.pk)
    with pytest.raises(exporting.ExportRefused):
        exporting.opened(export=row, at=make.NOW, actor=wu)


@pytest.mark.req("SEC-07")
def test_the_books_add_up_to_the_same_before_and_after_a_member_is_forgotten():
    member, till = person()
    before = ledger_sums()
    wang = make.manager(till.station)
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=wang)
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=wang)
    assert ledger_sums() == before
    assert before["members_purchase.net"] != "0"
    member.refresh_from_db()
    sealed = [one.name for one in Member._meta.concrete_fields if one.name.endswith("_sealed")]
    indexed = [one.name for one in Member._meta.concrete_fields if one.name.endswith("_index")]
    assert {getattr(member, name) for name in sealed + indexed} == {""}
    assert member.sales.get().member.number == member.number  # the tombstone
    page = make.signed_in(wang).get(f"/members/{member.number}/").content.decode()
    assert "张建军" not in page
    assert AuditEntry.objects.filter(action="members.member.forgotten").count() == 1


# ------------------------------------------------------------------------------- profiles


@pytest.mark.req("CRM-02")
def test_the_old_value_stays_in_the_history_sealed_and_shown_masked():
    member, till = person()
    at = make.NOW + timedelta(days=1)
    profiles.change(member=member, phone="13912345678", at=at, actor=None, channel="APP")
    (row,) = member.changes.filter(field="PHONE")
    assert PHONE not in row.old_sealed + row.new_sealed
    assert row.channel == "APP"
    page = make.signed_in(make.cashier(till.station)).get(f"/members/{member.number}/")
    text = page.content.decode()
    assert "138****4321" in text
    assert PHONE not in text
    profiles.change(member=member, phone="13912345678", at=at, actor=None)
    assert member.changes.filter(field="PHONE").count() == 1
    assert member.confirmed_at == at


def test_a_phone_taken_by_another_leaves_the_profile_as_it_was():
    member, till = person()
    other = make.member(till.station)
    with pytest.raises(joining.PhoneTaken):
        profiles.change(member=other, phone=PHONE, at=make.NOW, actor=None)
    assert not other.changes.filter(field="PHONE").exists()
    assert member.pk


@pytest.mark.req("CRM-04")
def test_the_purchases_are_filtered_and_add_up_to_the_ledger():
    member, till = person()
    water = make.item(on_hand=10)
    make.sale(till, items=[(water, 3)], member=member.pk)
    client = make.signed_in(make.manager(till.station))
    door = f"/members/{member.number}/purchases/"
    page = client.get(door).content.decode()
    total = sum((sale.due for sale in member.sales.all()), Decimal(0))
    assert f"¥{total:,.2f}" in page
    goods = client.get(door, {"kind": "GOODS"}).content.decode()
    assert "¥6.00" in goods
    assert "92#" not in goods.split("<table")[1]
    assert "没有符合条件" in client.get(door, {"until": "2020-01-01"}).content.decode()


# ---------------------------------------------------------------------------- lists that leave


@pytest.mark.req("SEC-04")
def test_more_than_so_many_members_leave_with_a_second_person_only():
    station = make.station()
    for _ in range(3):
        make.member(station)
    Setting.objects.create(station=station, name="members.export_limit", value="2")
    wang, chen = make.manager(station), make.owner(station)
    client = make.signed_in(wang)
    door = "/members/?export=csv"
    asked = client.get(door)
    assert "须审批" in asked.content.decode()
    mine = {"reason": "给总部", "approver": wang.username, "approver_secret": make.PIN}
    wrong = {"reason": "给总部", "approver": chen.username, "approver_secret": "000000"}
    for told in ({}, mine, wrong):
        answer = client.post(door, told)
        assert answer.status_code in (200, 422)
        assert "text/html" in answer["Content-Type"]
    answer = client.post(door, {**wrong, "approver_secret": make.PIN})
    assert b"".join(answer.streaming_content).count(b"****") >= 3
    entry = AuditEntry.objects.get(action="members.list.exported")
    assert (entry.reason, entry.after["审批人"]) == ("给总部", "老板 Chen")
    short = client.get("/members/?export=csv&text=nobody1")
    assert short["Content-Type"].startswith("text/csv")


# -------------------------------------------------------------------------------- quality


@pytest.mark.req("CRM-03")
def test_the_quality_page_counts_what_is_missing_and_old():
    station = make.station()
    make.member(station, plate=PLATE)
    old = make.member(station)
    Member.objects.filter(pk=old.pk).update(confirmed_at=make.NOW - timedelta(days=400))
    gone = make.member(station)
    closing.forget(member=gone, reason="本人要求", at=make.NOW, actor=None)
    marks = {one.title: one for one in marks_of(stations=[station], station=station, at=make.NOW)}
    assert (marks["车牌"].count, marks["车牌"].of, marks["车牌"].share) == (1, 2, Decimal("0.5"))
    assert marks["太久没核对的资料"].count == 1
    assert marks["姓名"].count == 0
    assert marks["生日"].count == 2
    page = make.signed_in(make.manager(station)).get("/members/quality/").content.decode()
    assert "50.0%" in page
