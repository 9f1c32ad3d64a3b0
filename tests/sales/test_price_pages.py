"""The price pages: the board, a plan with what it will do, approval by another, published ceilings."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import localtime, now
from openpyxl import Workbook

from devices.models import Command
from sales.queries.ceiling_files import read_ceilings
from sales.services import price_downloads, pricing
from sales.services.ceilings import CeilingRefused, Published, publish
from station.models import Alert, AuditEntry, PriceCeiling, PriceChange
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-05")]


class Site:
    def __init__(self):
        self.nozzle = make.nozzle()
        self.station, self.grade = self.nozzle.station, self.nozzle.tank.grade
        make.price(self.station, self.grade, "7.85")
        self.planner = make.accountant(self.station)
        self.approver = make.manager(self.station)
        self.desk = make.signed_in(self.planner)
        self.office = make.signed_in(self.approver)

    def typed(self, price="7.60", after=timedelta(hours=1), **fields):
        moment = localtime(now() + after)
        told = {"effective_at": f"{moment:%Y-%m-%dT%H:%M:%S}", "note": "发改委调价"}
        return {f"price_{self.grade.pk}": price, **told, **fields}

    def change(self):
        return PriceChange.objects.order_by("-id").first()


@pytest.fixture
def site():
    return Site()


def test_a_plan_is_typed_approved_by_another_and_shown_at_each_pump(site):
    answer = site.desk.post(reverse("sales:price_new"), site.typed())
    page = reverse("sales:price_change", args=[site.change().number])
    assert answer.url == page
    own = site.desk.get(page).content.decode()
    assert "等另一位有审批权的人审批" in own and "审批通过" not in own
    assert "审批通过" in site.office.get(page).content.decode()
    site.office.post(reverse("sales:price_approve", args=[site.change().number]))
    pricing.put_due(at=now() + timedelta(hours=2))
    shown = site.office.get(page).content.decode()
    assert "下发中" in shown and "0 / 1 已执行" in shown and "every 2s" in shown
    Command.objects.filter(kind="PRICE").update(status="DONE", finished_at=now())
    price_downloads.follow_up(at=now())
    part = site.office.get(page, headers={"hx-target": "pumps"}).content.decode()
    assert "1 / 1 已执行" in part and "every 2s" not in part and "<html" not in part


def test_the_effects_are_shown_while_typing_and_say_when_the_ceiling_is_passed(site):
    PriceCeiling.objects.create(
        zone=site.station.price_zone,
        grade=site.grade,
        ceiling="8.00",
        effective_at=make.NOW,
        notice="公告 1 号",
    )
    url = reverse("sales:price_effects")
    shown = site.desk.post(url, site.typed("8.10")).content.decode()
    assert "超限价，不能提交" in shown and "涨 0.25" in shown and "公告 1 号" in shown
    assert "跌 0.25" in site.desk.post(url, site.typed("7.60")).content.decode()
    assert site.desk.post(url, {"effective_at": ""}).content.decode().strip() == ""
    refused = site.desk.post(reverse("sales:price_new"), site.typed("8.10"))
    assert refused.status_code == 422
    words = refused.content.decode()
    assert "高于云南一价区最高零售价" in words and 'value="8.10"' in words  # nothing typed is lost


def test_a_form_without_a_price_or_with_a_past_instant_comes_back(site):
    for typed, words in (
        (site.typed(""), "请至少填一个油品的价格"),
        (site.typed(after=-timedelta(hours=1)), "已过"),
        (site.typed("7.605"), "2"),
    ):
        answer = site.desk.post(reverse("sales:price_new"), typed)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert site.change().status == "IN_FORCE"  # the one of old, no other


def test_rejecting_and_withdrawing_need_a_reason_and_the_right(site):
    for name, who in (("price_reject", site.office), ("price_withdraw", site.desk)):
        site.desk.post(reverse("sales:price_new"), site.typed())
        url = reverse(f"sales:{name}", args=[site.change().number])
        assert who.post(url, {"reason": ""}).status_code == 422
        assert who.post(url, {"reason": "算错了"}).status_code == 302
        again = who.post(url, {"reason": "再来"})
        assert again.status_code == 422
    assert site.desk.post(reverse("sales:price_approve", args=["X"])).status_code == 403
    statuses = PriceChange.objects.order_by("-id").values_list("status", flat=True)[:2]
    assert list(statuses) == ["CANCELLED", "REJECTED"]


@pytest.mark.req("SEC-15")
def test_another_stations_price_change_is_not_found(site):
    site.desk.post(reverse("sales:price_new"), site.typed())
    stranger = make.signed_in(make.stranger())
    url = reverse("sales:price_change", args=[site.change().number])
    assert stranger.get(url).status_code == 404
    assert site.change().number not in stranger.get(reverse("sales:prices")).content.decode()


def test_the_list_shows_the_board_and_what_was_changed(site):
    page = site.desk.get(reverse("sales:prices")).content.decode()
    assert "7.85" in page and "92# 7.85" in page and "新建调价单" in page
    cashier = make.signed_in(make.cashier(site.station))
    assert "新建调价单" not in cashier.get(reverse("sales:prices")).content.decode()


def published(site, price, since=None, notice="公告 1 号", zone=None):
    line = Published(
        zone or site.station.price_zone, site.grade, Decimal(price), since or make.NOW, notice
    )
    return publish(lines=[line], station=site.station, actor=site.planner, at=make.at(12))


def test_a_ceiling_is_published_once_and_corrected_with_its_history(site):
    assert published(site, "8.61") == (1, 0)
    assert published(site, "8.61") == (0, 0)
    assert published(site, "8.16") == (0, 1)
    assert PriceCeiling.objects.get().ceiling == Decimal("8.16")
    last = AuditEntry.objects.order_by("-id").first()
    assert (last.before, last.after["ceiling"]) == ({"ceiling": "8.61"}, "8.16")
    for price, notice, words in (
        ("8.61", " ", "文件或公告"),
        ("0", "x", "价格"),
        ("8.615", "x", "两位"),
    ):
        with pytest.raises(CeilingRefused, match=words):
            published(site, price, notice=notice)


def test_what_is_posted_or_planned_above_a_new_ceiling_is_an_alert_until_it_is_not(site):
    published(site, "7.80", since=make.at(18))
    assert "在用价 7.85" in Alert.objects.get(status="OPEN").text
    published(site, "7.85", since=make.at(18))
    assert not Alert.objects.filter(status="OPEN").exists()
    pricing.plan(
        station=site.station,
        prices={site.grade: Decimal("7.84")},
        effective_at=make.at(20),
        actor=site.planner,
        at=make.at(12),
    )
    published(site, "7.70", since=make.at(19), zone="云南二价区")
    assert not Alert.objects.filter(status="OPEN").exists()
    published(site, "7.83", since=make.at(19))
    assert "7.84 高于 7.83" in Alert.objects.get(status="OPEN").text


HEADS = ["价区", "油品", "最高零售价", "执行时间", "公告"]


def xlsx(*rows):
    book, file = Workbook(), io.BytesIO()
    for row in (HEADS, *rows):
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def test_a_table_is_read_as_xlsx_or_csv_in_either_encoding(site):
    wanted = ("云南一价区", site.grade, Decimal("8.61"), make.at(0), "公告 1 号")
    text = "价区,油品,最高零售价,执行时间,公告\n云南一价区,92#,8.61,2026-04-22 00:00,公告 1 号\n\n"
    files = {
        "a.csv": text.encode("utf-8-sig"),
        "b.csv": text.replace("2026-04-22 00:00", "2026/04/22").encode("gb18030"),
        "c.xlsx": xlsx(["", 92, 8.61, make.at(0).replace(tzinfo=None), "公告 1 号"]),
    }
    for name, content in files.items():
        (row,) = read_ceilings(name, content, zone="云南一价区")
        assert (row.zone, row.grade, row.ceiling, row.effective_at, row.notice) == wanted, name


def test_every_row_that_cannot_be_read_is_named_and_nothing_is_taken(site):
    told = read_ceilings(
        "a.xlsx",
        xlsx(
            ["", "93#", 8, "2026-04-22", ""],
            ["", "92#", "贵", "2026-04-22", ""],
            ["", "92#", 8, "下周", ""],
        ),
        zone="云南一价区",
    )
    assert [row.trouble[:5] for row in told] == ["第 2 行", "第 3 行", "第 4 行"]
    for content, words in (
        (b"", "文件是空的"),
        (b"a,b\n1,2\n", "缺少列：油品、最高零售价、执行时间"),
        (b"\xff\xfe\xff", "读不出"),
    ):
        assert words in read_ceilings("a.csv", content, zone="x")[0].trouble
    assert "读不出" in read_ceilings("a.xlsx", b"PK nonsense", zone="x")[0].trouble
    url = reverse("sales:ceilings_import")
    bad = SimpleUploadedFile("a.xlsx", xlsx(["", "93#", 8, "2026-04-22", ""]))
    answer = site.desk.post(url, {"file": bad, "notice": "公告"})
    assert answer.status_code == 422
    assert "没有油品 93#" in answer.content.decode()
    good = SimpleUploadedFile("a.xlsx", xlsx(["", "92#", "8.61", "2026-04-22", ""]))
    assert site.desk.post(url, {"file": good, "notice": "公告 9 号"}).status_code == 302
    assert PriceCeiling.objects.get().notice == "公告 9 号"
    unnoticed = SimpleUploadedFile("a.xlsx", xlsx(["", "92#", "8.62", "2026-05-22", ""]))
    assert "文件或公告" in site.desk.post(url, {"file": unnoticed}).content.decode()


def test_a_ceiling_is_typed_with_its_notice(site):
    typed = {
        f"price_{site.grade.pk}": "8.61",
        "zone": "云南一价区",
        "effective_at": "2026-04-22T00:00:00",
        "notice": "云发改价格〔2026〕12 号",
    }
    url = reverse("sales:ceiling_new")
    assert site.desk.get(url).status_code == 200
    assert site.desk.post(url, {**typed, "notice": ""}).status_code == 422
    assert site.desk.post(url, typed).url == reverse("sales:ceilings")
    assert "云发改价格" in site.desk.get(reverse("sales:ceilings")).content.decode()
