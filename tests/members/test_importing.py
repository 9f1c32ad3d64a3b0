"""Members out of a file: tried, taken in once, told what was wrong, and taken out again."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from devices.models import Card
from members.models import ImportBatch, Member
from members.queries.cards import card_of
from members.queries.consents import allows
from members.queries.finding import find
from members.queries.import_files import Unreadable, day_of, read_rows
from members.services import import_rows, importing
from station.models import AuditEntry
from station.services import jobs
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("IMP-01")]

HEAD = "手机号,姓名,车牌,车型,油品,卡号,生日,同意短信,入会日期,偏好"
GOOD = "13811110001,王一,云A11111、云A22222,轿车,92#,00C1,1990-04-22,是,2020/5/1,洗车"


def table(*rows: str) -> bytes:
    return "\n".join((HEAD, *rows)).encode()


class Wizard:
    def __init__(self, content: bytes, name: str = "会员.csv") -> None:
        self.station = make.station()
        self.wang = make.manager(self.station)
        make.grade("92#")
        self.client = make.signed_in(self.wang)
        file = SimpleUploadedFile(name, content)
        self.answer = self.client.post("/members/imports/new/", {"file": file})
        self.batch = ImportBatch.objects.last()

    def work(self) -> ImportBatch:
        job = jobs.run_next(at=make.NOW)
        assert job is None or job.status == "DONE"
        self.batch.refresh_from_db()
        return self.batch

    def counts(self) -> tuple[int, ...]:
        one = self.batch
        return (one.rows, one.good, one.known, one.bad)

    def press(self, what: str):
        return self.client.post(f"/members/imports/{self.batch.pk}/{what}/")


ROWS = (
    GOOD,
    "13811110002,,,,,,,,,",
    "13811110001,重复,,,,,,,,",
    "1381111,短号,,,,,,,,",
    "13811110003,错牌,A1,,,,,,,",
    "13811110004,占牌,云A7K3M9,,,,,,,",
    "13811110005,小孩,,,,,2020-01-01,,,",
    "13811110006,日期,,,,,昨天,,,",
    "13811110007,油品,,,97#,,,,,",
    "13899999999,老会员,,,,,,,,",
)


def wizard() -> Wizard:
    other = make.member(phone="13899999999", plate="云A7K3M9")
    assert other.pk
    return Wizard(table(*ROWS))


def test_the_trial_takes_in_nothing_and_says_what_is_wrong():
    told = wizard()
    assert Member.objects.count() == 1
    told.work()
    assert told.batch.status == "CHECKED"
    assert told.counts() == (10, 2, 3, 5)
    assert Member.objects.count() == 1
    lines = told.client.get(f"/members/imports/{told.batch.pk}/errors/").content.decode("utf-8-sig")
    assert "与第 2 行" in lines
    assert "监护人" in lines
    assert "没有油品 97#" in lines
    assert "138****0003" in lines
    assert "13811110003" not in lines
    page = told.client.get(f"/members/imports/{told.batch.pk}/").content.decode()
    assert "导入 2 位" in page


def test_the_good_rows_are_taken_in_whole_and_once():
    told = wizard()
    told.work()
    assert told.press("confirm").status_code == 302
    assert told.press("confirm").status_code == 422
    told.work()
    assert (told.batch.status, told.batch.taken) == ("DONE", 2)
    assert told.counts() == (10, 2, 3, 5)
    assert Member.objects.count() == 3
    member = Member.objects.get(pk=find(text="云A22222")[0].member_id)
    card = card_of(member, full=True)
    assert (card.name, card.phone, card.birthday) == ("王一", "13811110001", "1990-04-22")
    assert find(text="00C1")[0].member_id == member.pk
    assert f"{member.joined_at:%Y-%m-%d}" == "2020-05-01"
    assert (allows(member, "SMS"), allows(member, "POLICY")) == (True, True)
    assert member.confirmed_at is None
    assert {one.home_station_id for one in told.batch.members.all()} == {told.station.pk}
    assert (told.batch.content_sealed, told.batch.key.wrapped) == ("", "")
    assert AuditEntry.objects.filter(action="members.import.done").count() == 1
    assert make.member(told.station).number not in {one.number for one in told.batch.members.all()}


def test_a_second_import_of_the_same_file_finds_everybody_known():
    told = wizard()
    told.work()
    told.press("confirm")
    told.work()
    again = Wizard(table(*ROWS))
    again.work()
    assert again.counts() == (10, 0, 5, 5)
    assert again.press("confirm").status_code == 422


def test_who_joined_at_the_till_meanwhile_is_not_doubled():
    told = wizard()
    told.work()
    make.member(told.station, phone="13811110002")
    told.press("confirm")
    told.work()
    assert told.batch.taken == 1
    assert told.counts() == (10, 1, 4, 5)


def test_after_a_crash_it_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    told = Wizard(table(GOOD, "13811110002,,,,,,,,,", "13811110003,,,,,,,,,"))
    told.work()
    told.press("confirm")
    real, calls = import_rows.take, []

    def broken(good, **more) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("power cut")
        real(good, **more)

    monkeypatch.setattr(import_rows, "take", broken)
    with pytest.raises(RuntimeError):
        jobs.run_next(at=make.NOW)
    assert Member.objects.count() == 2
    told.work()
    assert (told.batch.status, told.batch.taken, Member.objects.count()) == ("DONE", 3, 3)


def test_an_import_is_undone_but_for_who_has_bought_since():
    told = Wizard(table(GOOD, "13811110002,,,,,,,,,"))
    told.work()
    told.press("confirm")
    told.work()
    buyer = find(text="13811110002")[0].member_id
    till = make.session(told.station)
    make.tenders()
    make.sale(till, items=[(make.item(on_hand=5), 1)], member=buyer)
    assert told.press("undo").status_code == 302
    assert told.press("undo").status_code == 422
    told.work()
    assert (told.batch.status, told.batch.undone) == ("UNDONE", 1)
    assert find(text="13811110001") == find(text="云A11111") == find(text="00C1") == []
    assert find(text="13811110002")[0].member_id == buyer
    assert Card.objects.get(number="00C1").status == "CANCELLED"
    make.member(told.station, phone="13811110001", plate="云A11111")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("会员.csv", "姓名\n王一\n".encode(), "手机号"),
        ("会员.csv", HEAD.encode(), "只有表头"),
        ("会员.xlsx", b"PK\x03\x04garbage", "读不出"),
        ("会员.csv", b"\xff\xfe\x00\x81", "读不出"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(name, content, words):
    told = Wizard(content, name)
    told.work()
    assert told.batch.status == "REFUSED"
    assert words in told.batch.words
    assert told.press("confirm").status_code == 422


def test_an_empty_file_is_not_uploaded():
    station = make.station()
    client = make.signed_in(make.manager(station))
    assert client.post("/members/imports/new/", {}).status_code == 422
    assert not ImportBatch.objects.exists()
    assert "手机号" in client.get("/members/imports/template/").content.decode("utf-8-sig")
    assert client.get("/members/imports/").status_code == 200


def test_a_spreadsheet_gives_its_phones_as_figures_and_its_days_as_days():
    book = Workbook()
    book.active.append(["手机", "姓名", "生日"])
    book.active.append([13811110001.0, "王一", make.at(8)])
    out = io.BytesIO()
    book.active.cell(2, 3).value = make.TODAY
    book.save(out)
    (row,) = read_rows("a.xlsx", out.getvalue())
    assert (row.phone, row.name, row.birthday) == ("13811110001", "王一", "2026-04-22")


@pytest.mark.parametrize("text", ["2026-04-22", "2026/4/22", "20260422", "2026年4月22日"])
def test_days_as_people_write_them(text):
    assert day_of(text) == make.TODAY


def test_gb18030_is_read_and_too_many_rows_are_not():
    (row,) = read_rows("a.csv", "手机号,姓名\n13811110001,王一".encode("gb18030"))
    assert row.name == "王一"
    with pytest.raises(Unreadable):
        read_rows("a.csv", b"")


# ----------------------------------------------------------------------------------- hooks

TAKEN: list[tuple[str, str]] = []


def _check(values) -> str:
    return "" if values["积分余额"].isdigit() else "积分余额不是整数。"


def _take(*, pairs, batch, at, actor) -> None:
    TAKEN.extend((member.number, values["积分余额"]) for member, values in pairs)


POINTS = import_rows.Extra(("积分余额",), _check, _take)


def test_what_other_floors_bring_is_checked_and_taken_along(settings):
    settings.IMPORTERS = [f"{__name__}.POINTS"]
    TAKEN.clear()
    told = Wizard("手机号,积分余额\n13811110001,500\n13811110002,多\n".encode())
    told.work()
    assert told.counts() == (2, 1, 0, 1)
    told.press("confirm")
    told.work()
    assert [points for _, points in TAKEN] == ["500"]
