"""Members who are one person: proposed, merged with both histories kept, and taken apart again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from members.models import DuplicatePair, Member, Merge, Purchase
from members.queries.consents import allows
from members.queries.finding import find, member_by_id
from members.queries.history import sums_of
from members.queries.standing import standing
from members.services import cards, closing, duplicates, freezing, merging, vehicles
from members.services.purchases import hand_down
from members.services.refusals import MemberMerged
from station.models import AuditEntry
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("CRM-07", "CRM-13")]

LATER = make.NOW + timedelta(days=29)
TOO_LATE = make.NOW + timedelta(days=31)


def bought(member: Member, document: str, net: str) -> None:
    hand_down(
        [
            Purchase(
                station=member.home_station,
                member=member,
                day=make.day(member.home_station),
                document=document,
                line=1,
                occurred_at=make.NOW,
                kind="FUEL",
                product="92#",
                quantity="10.000",
                net=net,
            )
        ]
    )


class Two:
    """One person who was registered twice, with a history under each number."""

    def __init__(self) -> None:
        self.station = make.station()
        self.wang = make.manager(self.station)
        self.stays = make.member(self.station, phone="13811110001", plate="云A11111")
        self.goes = make.member(self.station, phone="13822220001", plate="云A22222")
        cards.issue(
            member=self.goes,
            station=self.station,
            number="00CARD22",
            medium="IC",
            at=make.NOW,
            actor=None,
        )
        bought(self.stays, "S1", "100.00")
        bought(self.goes, "S2", "50.00")

    def merge(self, reason: str = "登记了两次") -> Merge:
        return merging.merge(
            survivor=self.stays, merged=self.goes, reason=reason, at=make.NOW, actor=self.wang
        )

    def undo(self, row: Merge, at=LATER, reason: str = "其实是两个人") -> None:
        merging.undo(merge=row, reason=reason, at=at, actor=self.wang)

    def refresh(self) -> None:
        self.stays.refresh_from_db()
        self.goes.refresh_from_db()


def test_after_a_merge_every_way_leads_to_the_one_who_stays():
    two = Two()
    two.merge()
    for text in ("13811110001", "13822220001", "云A11111", "云A22222", "00CARD22"):
        assert [one.member_id for one in find(text=text)] == [two.stays.pk], text
    hit = member_by_id(two.goes.pk)
    assert (hit.member_id, set(hit.plates)) == (two.stays.pk, {"云A***11", "云A***22"})
    assert find(text=two.goes.number)[0].member_id == two.stays.pk
    assert standing(two.goes.pk).member_id == two.stays.pk
    assert standing(two.goes.pk).may_earn
    assert sums_of(two.stays).net == Decimal("150.00")
    assert sums_of(two.goes).net == Decimal("50.00")
    assert not allows(two.goes, "POLICY")


def test_the_page_shows_both_histories_and_the_merged_one_points_on():
    two = Two()
    two.merge()
    client = make.signed_in(two.wang)
    page = client.get(f"/members/{two.stays.number}/").content.decode()
    for text in (two.goes.number, "00CARD22", "云A***22", "S2", "150.00"):
        assert text in page
    assert "已并入" in client.get(f"/members/{two.goes.number}/").content.decode()
    listed = client.get(f"/members/{two.stays.number}/purchases/").content.decode()
    assert "S1" in listed
    assert "S2" in listed


def test_a_merge_twice_is_once_and_is_logged_under_both():
    two = Two()
    assert two.merge() == two.merge()
    assert Merge.objects.count() == 1
    acts = AuditEntry.objects.filter(action="members.member.merged")
    assert {one.document for one in acts} == {two.stays.number, two.goes.number}


def test_undone_within_thirty_days_both_are_as_they_were():
    two = Two()
    row = two.merge()
    bought(two.stays, "S3", "7.00")
    two.undo(row)
    two.undo(row)
    two.refresh()
    assert (two.goes.status, two.goes.merged_into) == ("ACTIVE", None)
    assert find(text="13822220001")[0].member_id == two.goes.pk
    assert find(text="00CARD22")[0].member_id == two.goes.pk
    assert sums_of(two.stays).net == Decimal("107.00")
    assert sums_of(two.goes).net == Decimal("50.00")
    assert allows(two.goes, "POLICY")
    assert AuditEntry.objects.filter(action="members.member.unmerged").count() == 2
    assert two.merge() != row


def test_after_thirty_days_it_stands():
    two = Two()
    row = two.merge()
    with pytest.raises(merging.UndoRefused, match="已过"):
        two.undo(row, at=TOO_LATE)
    with pytest.raises(merging.UndoRefused, match="原因"):
        two.undo(row, reason="")


def test_what_cannot_be_merged_is_refused():
    two = Two()
    with pytest.raises(merging.MergeRefused, match="同一位"):
        merging.merge(
            survivor=two.stays, merged=two.stays, reason="重复", at=make.NOW, actor=two.wang
        )
    with pytest.raises(merging.MergeRefused, match="原因"):
        two.merge(reason=" ")
    freezing.freeze(member=two.goes, reason="卡被盗用", at=make.NOW, actor=two.wang)
    with pytest.raises(merging.MergeRefused, match="冻结"):
        two.merge()
    freezing.unfreeze(member=two.goes, reason="查清了", at=make.NOW, actor=two.wang)
    two.merge()
    two.refresh()
    with pytest.raises(MemberMerged, match=two.stays.number):
        freezing.freeze(member=two.goes, reason="再冻", at=make.NOW, actor=two.wang)
    third = make.member(two.station)
    with pytest.raises(MemberMerged):
        merging.merge(survivor=two.goes, merged=third, reason="三人", at=make.NOW, actor=two.wang)


def test_merges_stand_on_each_other_and_are_undone_from_the_last():
    two = Two()
    first = two.merge()
    root = make.member(two.station, phone="13833330001")
    two.refresh()
    second = merging.merge(
        survivor=root, merged=two.stays, reason="三张卡", at=make.NOW, actor=two.wang
    )
    assert find(text="13822220001")[0].member_id == root.pk
    assert sums_of(root).net == Decimal("150.00")
    with pytest.raises(merging.UndoRefused, match="后来又并入"):
        two.undo(first)
    two.undo(second)
    two.refresh()
    assert two.goes.merged_into == two.stays
    assert find(text="13822220001")[0].member_id == two.stays.pk
    two.undo(first)
    assert find(text="13822220001")[0].member_id == two.goes.pk


def test_closing_the_one_who_stays_forgets_both_and_nothing_can_be_taken_apart():
    two = Two()
    row = two.merge()
    two.refresh()
    with pytest.raises(MemberMerged):
        closing.forget(member=two.goes, reason="本人", at=make.NOW, actor=two.wang)
    closing.forget(member=two.stays, reason="本人", at=make.NOW, actor=two.wang)
    two.refresh()
    assert {two.stays.status, two.goes.status} == {"CLOSED"}
    assert two.goes.key.wrapped == ""
    assert find(text="13822220001") == []
    with pytest.raises(merging.UndoRefused, match="已注销"):
        two.undo(row)


# -------------------------------------------------------------------------------- movers


class Ledger:
    """A ledger of another floor, with a balance by member."""

    def __init__(self) -> None:
        self.balance: dict[int, int] = {}
        self.taken: dict[str, int] = {}

    def preview(self, *, survivor, merged) -> list[str]:
        return [f"转入 {self.balance[merged.pk]} 分"]

    def move(self, *, merge, at, actor) -> None:
        self.taken[merge.document] = self.balance[merge.merged_id]
        self.balance[merge.survivor_id] += self.balance[merge.merged_id]
        self.balance[merge.merged_id] = 0

    def move_back(self, *, merge, at, actor) -> None:
        taken = self.taken[merge.document]
        if self.balance[merge.survivor_id] < taken:
            raise merging.UndoRefused("没有撤销：积分已用掉。")
        self.balance[merge.survivor_id] -= taken
        self.balance[merge.merged_id] += taken


LEDGER = Ledger()
POINTS = merging.Mover("积分", LEDGER.preview, LEDGER.move, LEDGER.move_back)


def test_what_others_keep_moves_along_and_back(settings):
    settings.MERGES = [f"{__name__}.POINTS"]
    two = Two()
    LEDGER.balance = {two.stays.pk: 10, two.goes.pk: 5}
    client = make.signed_in(two.wang)
    door = f"/members/{two.stays.number}/merge/"
    preview = client.get(door, {"other": two.goes.number}).content.decode()
    assert "转入 5 分" in preview
    assert not Merge.objects.exists()
    client.post(door, {"other": two.goes.number, "reason": "登记了两次"})
    assert LEDGER.balance == {two.stays.pk: 15, two.goes.pk: 0}
    row = Merge.objects.get()
    LEDGER.balance[two.stays.pk] = 3
    answer = client.post(f"/members/merges/{row.pk}/", {"reason": "弄错了"})
    assert (answer.status_code, "积分已用掉" in answer.content.decode()) == (422, True)
    assert standing(two.goes.pk).member_id == two.stays.pk
    LEDGER.balance[two.stays.pk] = 15
    merging.undo(merge=row, reason="弄错了", at=make.NOW, actor=two.wang)
    assert LEDGER.balance == {two.stays.pk: 10, two.goes.pk: 5}


def test_the_pages_refuse_in_words():
    two = Two()
    client = make.signed_in(two.wang)
    door = f"/members/{two.stays.number}/merge/"
    assert client.get(door).status_code == 200
    assert client.post(door, {"other": "M000", "reason": "重复"}).status_code == 422
    assert client.post(door, {"other": two.goes.number, "reason": ""}).status_code == 422
    assert client.post(door, {"other": two.stays.number, "reason": "重复"}).status_code == 422
    assert client.get("/members/merges/").status_code == 200


# ------------------------------------------------------------------------------ the finder


def test_pairs_are_proposed_by_plate_tail_and_name_once():
    station = make.station()
    wang = make.manager(station)
    one = make.member(station, name="王建国", phone="13811114321", plate="云A7K3M9")
    (car,) = one.vehicles.all()
    vehicles.remove_vehicle(vehicle=car, plate="云A***M9", at=make.NOW, actor=wang)
    plate = make.member(station, name="李四", phone="13900000002", plate="云A7K3M9")
    alike = make.member(station, name="王建囯", phone="13822224321")
    same = make.member(station, name="王建国", phone="13833334321")
    make.member(station, name="赵六", phone="13844444321")
    make.member(station, name="王建国", phone="13855559999")
    assert duplicates.find(at=make.NOW) == 4
    assert duplicates.find(at=make.NOW) == 0
    told = {(row.first_id, row.second_id): row.reasons for row in DuplicatePair.objects.all()}
    assert told[one.pk, plate.pk] == "用过同一车牌"
    assert told[one.pk, same.pk] == "姓名和手机尾号相同"
    assert told[one.pk, alike.pk] == told[alike.pk, same.pk] == "手机尾号相同，姓名相近"


def test_a_pair_is_looked_at_and_dismissed_for_good():
    two = Two()
    client = make.signed_in(two.wang)
    client.post("/members/pairs/search/")
    pair = DuplicatePair.objects.get()
    assert two.stays.number in client.get("/members/pairs/").content.decode()
    assert "累计消费" in client.get(f"/members/pairs/{pair.pk}/").content.decode()
    client.post(f"/members/pairs/{pair.pk}/dismiss/")
    assert duplicates.find(at=make.NOW) == 0
    assert two.stays.number not in client.get("/members/pairs/").content.decode()
    assert client.get(f"/members/pairs/{pair.pk}/").status_code == 404


def test_the_database_keeps_the_facts_of_a_merge():
    two = Two()
    two.merge()
    with pytest.raises(IntegrityError, match="keeps its facts"), transaction.atomic():
        Merge.objects.update(reason="改写")
    with pytest.raises(IntegrityError, match="a_merged_member_names"), transaction.atomic():
        Member.objects.filter(pk=two.goes.pk).update(merged_into=None)
    row = Merge.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError, match="one_living_merge"), transaction.atomic():
        row.save(force_insert=True)
