"""What a person may ask: his data in a file, to be forgotten; and lists that leave with two keys."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils.module_loading import import_string
from django.utils.timezone import localdate, now

from inventory.models import StockBalance
from members.models import Member, MemberExport, MemberTier, PointsAccount, PointsTxn, Tier
from members.queries.dossier import Sheet
from members.queries.points_report import points_report
from members.queries.present_codes import code_for
from members.queries.quality import marks_of
from members.services import cards, closing, exporting, joining, merging, partners, profiles
from members.services import points as ledger
from members.services.refusals import MemberClosed
from members.services.value_keeping import ValueRefused
from sales.models import Sale
from sales.services import refunds
from station.doors import DOSSIERS
from station.models import AuditEntry, Setting
from station.queries.ledgers import ledger_sums
from station.services import jobs
from tests import make
from tests.marketing import offers
from tests.members import rewards as mall
from tests.members.exchange_partner import counterpart
from tests.members.points import violations

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


# ---------------------------------------------------------------------------- his ledgers


def test_the_file_holds_his_ledgers_coupons_orders_and_tiers():
    member, till = person()
    mall.give(member, 900)
    mall.order(member, mall.reward(cost=800), till.station)
    make.top_up(till, make.value_account(member), "1000.00", bonus="50.00")
    offers.coupon(till.station, member)
    gold = Tier.objects.create(code="GOLDEN", name="金卡会员", rank=55)
    MemberTier.objects.create(member=member, tier=gold, since=make.NOW, reason="MANUAL")
    told = {one.name: one for path in DOSSIERS for one in import_string(path)(member=member)}
    assert set(told) == {
        "车牌识别",
        "积分",
        "积分池",
        "积分互换",
        "储值",
        "兑换单",
        "等级",
        "消息",
        "优惠券",
        "锁价",
        "礼遇",
        "活动",
        "核实记录",
    }
    assert "800 分" in told["积分"].rows[-1][-1]
    assert [row[3] for row in told["储值"].rows] == ["充值", "赠送"]
    assert told["兑换单"].rows[0][3] == "10 元加油券"
    assert told["等级"].rows[0][1] == "金卡会员"
    assert told["优惠券"].rows[0][1] == "满200减20"
    row, _ = exporting.ask(member=member, reason="本人要求", at=make.NOW, actor=till.cashier)
    jobs.run_next(at=make.NOW)
    row.refresh_from_db()
    names = sheets(exporting.opened(export=row, at=make.NOW, actor=till.cashier))
    assert {"积分.csv", "储值.csv", "兑换单.csv", "等级.csv", "优惠券.csv"} <= set(names)


def test_closing_writes_points_off_and_voids_coupons_and_the_books_add_up():
    member, till = person()
    mall.give(member, 900)
    other = make.member(till.station)
    mall.give(other, 40)
    coupon = offers.coupon(till.station, member)
    account = PointsAccount.objects.get(member=member)
    day = make.NOW.date()
    held, before = account.balance, points_report(since=day, until=day)
    for _ in range(2):
        closing.forget(member=member, reason="本人要求", at=make.NOW, actor=till.cashier)
    account.refresh_from_db()
    after = points_report(since=day, until=day)
    assert (account.balance, account.pending, account.debt) == (0, 0, 0)
    row = PointsTxn.objects.get(account=account, kind="ADJUST")
    assert (row.delta, row.reason) == (-held, "注销")
    assert before.outstanding - after.outstanding == held == before.adjusted - after.adjusted
    assert (after.issued, after.used, after.outstanding) == (before.issued, before.used, 40)
    assert violations() == []
    coupon.refresh_from_db()
    assert coupon.state == "VOID"
    assert coupon.events.filter(kind="VOIDED", words="会员注销").count() == 1


def test_a_debt_is_written_off_with_its_member():
    member, till = person()
    account = PointsAccount.objects.get(member=member)
    sold = Sale.objects.get()
    with transaction.atomic():
        held = ledger.locked(account_id=account.pk)
        cause = ledger.Cause(key="all", at=make.NOW, date=make.NOW.date())
        ledger.redeem(account=held, points=held.balance, cause=cause)
    refunds.reverse(sale=sold, reason="错", session=till, actor=till.cashier, at=make.NOW, key="r1")
    account.refresh_from_db()
    assert account.debt > 0
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=till.cashier)
    account.refresh_from_db()
    assert (account.debt, violations()) == (0, [])


def test_who_has_stored_value_is_not_closed():
    member, till = person()
    make.top_up(till, make.value_account(member), "1000.00")
    with pytest.raises(ValueRefused, match="还有储值"):
        closing.forget(member=member, reason="本人要求", at=make.NOW, actor=till.cashier)
    member.refresh_from_db()
    assert member.status == "ACTIVE"


@pytest.mark.req("SEC-07")
def test_what_a_member_typed_runs_in_no_spreadsheet():
    told = sheets(
        exporting.zipped([Sheet("资料", ("项", "值"), [("姓名", "=HYPERLINK(1)"), ("积分", "-5")])])
    )
    assert told["资料.csv"][1:] == [["姓名", "'=HYPERLINK(1)"], ["积分", "-5"]]


def outstanding() -> int:
    day = localdate(make.NOW)
    report = points_report(since=day - timedelta(days=400), until=day + timedelta(days=400))
    rows = PointsAccount.objects.aggregate(balance=Sum("balance"), debt=Sum("debt"))
    assert report.outstanding == rows["balance"]
    assert violations() == []
    return int(rows["balance"] - rows["debt"])


def empty(*members: Member) -> bool:
    rows = PointsAccount.objects.filter(member__in=members)
    return {(one.balance, one.pending, one.debt) for one in rows} == {(0, 0, 0)}


def test_closing_takes_open_orders_back_with_points_and_pieces():
    member, till = person()
    other = make.member(till.station)
    mall.give(other, 900)
    rice = make.item("大米", "40.00", on_hand="2")
    goods = mall.reward("大米", 800, "GOODS", item=rice)
    placed = mall.order(other, goods, till.station)
    mall.give(member, 900)
    coupon = mall.order(member, mall.reward(cost=100), till.station)
    done = mall.order(member, goods, till.station, hand_out=True)
    # The later number stays: what the earlier one ordered comes back to it.
    last = make.member(till.station)
    merged = [(last, member), (last, other)]
    for survivor, goes in merged:
        merging.merge(
            survivor=survivor, merged=goes, reason="同一人", at=make.NOW, actor=till.cashier
        )
    shelf = StockBalance.objects.get(item=rice).quantity
    closing.forget(member=last, reason="本人要求", at=make.NOW, actor=till.cashier)
    closing.forget(member=last, reason="本人要求", at=make.NOW, actor=till.cashier)
    for order in (placed, coupon, done):
        order.refresh_from_db()
    assert (placed.state, coupon.state, done.state) == ("CANCELLED", "CANCELLED", "FULFILLED")
    assert placed.returned_txn.amount == 800
    assert StockBalance.objects.get(item=rice).quantity == shelf + 1
    assert empty(member, other, last)
    assert outstanding() == 0


def test_who_has_an_order_at_a_partner_is_not_closed():
    member, till = person()
    mall.give(member, 900)
    order = mall.order(member, mall.reward("话费", 500, "PARTNER", partner="COUNTER"), till.station)
    wang = make.manager(till.station)
    door = f"/members/{member.number}/forget/"
    page = make.signed_in(wang).post(door, {"reason": "本人要求"}).content.decode()
    assert "已交合作方" in page
    member.refresh_from_db()
    assert member.status == "ACTIVE"
    told = partners.Answer("FAILED", words="号码不对")
    partners.answer(order=order, told=told, at=make.NOW, actor=wang)
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=wang)
    assert empty(member)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("spends", [False, True])
def test_a_refund_after_closing_leaves_the_tombstone_nothing(spends: bool, merged: bool):
    member, till = person()
    mall.give(member, 900)
    what = make.item("洗车", "300.00", kind="SERVICE")
    if spends:
        sale = make.sale(
            till, items=[(what, 1)], member=member.pk, points=500, tenders=[("CASH", "295.00")]
        )
    else:
        sale = make.sale(till, items=[(what, 1)], member=member.pk)
    closed = member
    if merged:
        closed = make.member(till.station)
        merging.merge(
            survivor=closed, merged=member, reason="同一人", at=make.NOW, actor=till.cashier
        )
    closing.forget(member=closed, reason="本人要求", at=make.NOW, actor=till.cashier)
    for _ in range(2):
        refunds.reverse(
            sale=sale, reason="错", session=till, actor=till.cashier, at=make.NOW, key="r1"
        )
    assert PointsTxn.objects.filter(kind="CLAWBACK").exists()
    assert PointsTxn.objects.filter(kind="CANCEL").exists() is spends
    assert PointsTxn.objects.filter(idem__contains=":gone:").count() == 1
    assert empty(member, closed)
    assert outstanding() == 0


@pytest.mark.parametrize("way", ["IN", "OUT"])
def test_an_exchange_reversed_after_closing_leaves_the_tombstone_nothing(way: str):
    member, till = person()
    mall.give(member, 900, at=now())
    _, kino = counterpart(till.station)
    if way == "IN":
        kino.ask("in", "T-1", member.number, 100)
    else:
        kino.ask("out", "T-1", code_for(member_id=member.pk, at=now()), 100)
    closing.forget(member=member, reason="本人要求", at=now(), actor=till.cashier)
    for _ in range(2):
        assert kino.ask("reverse", "T-1", reason="顾客退票").json()["state"] == "REVERSED"
    assert PointsTxn.objects.filter(idem__contains=":gone:").count() == 1
    assert empty(member)
    assert violations() == []
