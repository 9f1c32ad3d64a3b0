"""The pages of this floor: what they show, to whom, and what they refuse."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.urls import reverse

from finance.models import DayDifference
from finance.queries.owner import headline
from finance.queries.reports.comparing import comparison
from finance.queries.reports.kinds import KINDS
from finance.services.closing import close_day
from sales.queries.cash import custody
from station.models import AuditEntry, BusinessDay
from tests import make
from tests.finance.days import Site, end_day


@pytest.fixture
def sold(site: Site) -> Site:
    water = make.item(on_hand="50", at=site.station)
    make.sale(site.session, [make.fill_at(site.station)], [(water, 2)])
    make.sale(site.session, [make.fill_at(site.station, "40.00")], tenders=[("WECHAT", "314.00")])
    return site


def text_of(response: object) -> str:
    return response.content.decode()


@pytest.mark.req("RPT-10")
def test_the_owners_page_says_the_day_on_one_column(sold: Site) -> None:
    page = make.signed_in(sold.owner).get(reverse("finance:owner"))
    said = text_of(page)
    assert page.status_code == 200
    for word in ("油品升数", "65.48", "毛利", "未缴现金", "月损溢率", "应收", "今天要做的三件事"):
        assert word in said


@pytest.mark.req("RPT-10", "INV-01")
def test_a_tank_that_sold_more_than_it_held_asks_for_its_delivery(sold: Site) -> None:
    make.fill_at(sold.station, "20000.00")  # onto the 65.48 L sold from an opening of 20,000
    page = make.signed_in(sold.owner).get(reverse("finance:owner")).context["owner"]
    said = [one.text for one in (*page.first, *page.more) if "92#" in one.text]
    assert said == ["1 号罐 92# 账面比空罐还少 65.48 升，请补录卸油单或量油"]


@pytest.mark.req("FIN-01", "RPT-10")
def test_a_short_shift_reaches_the_owner_with_its_reason(sold: Site) -> None:
    day = end_day(sold, counted="684.02")
    close_day(day=day, at=make.at(22, 30), actor=sold.manager)
    said = text_of(make.signed_in(sold.owner).get(reverse("finance:owner"), {"day": f"{day.date}"}))
    assert "短 ¥20.00" in said and "找零错误" in said


@pytest.mark.req("RPT-10")
def test_the_owner_reads_loss_and_gain_in_words_and_an_unmeasured_month_is_said_so(
    sold: Site,
) -> None:
    page = make.signed_in(sold.owner).get(reverse("finance:owner")).context["owner"]
    [rate] = [one for one in page.headline if one.label == "月损溢率"]
    assert (rate.text, rate.note) == ("未量油", "本月还没有量油")

    def rate_of(month: str) -> str:
        figures = headline(
            day=page.day,
            figures=page.figures,
            against=comparison(station=sold.station, day=page.day.date),
            held=custody(station=sold.station),
            month_permille=D(month),
            at=make.at(12),
        )
        return next(one.text for one in figures if one.label == "月损溢率")

    assert [rate_of(month) for month in ("-0.424", "0.1", "0")] == [
        "损 0.42‰",
        "溢 0.10‰",
        "平 0.00‰",
    ]


def test_a_station_that_has_not_begun_says_so(db: None) -> None:
    station = make.station()
    said = text_of(make.signed_in(make.owner(station)).get(reverse("finance:owner")))
    assert "还没有开始营业" in said


@pytest.mark.req("RPT-10")
def test_the_dashboard_shows_a_sale_and_answers_304_while_nothing_moves(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    address = reverse("finance:dashboard")
    page = client.get(address)
    assert page.status_code == 200 and "65.48" in text_of(page)
    htmx = {"HX-Request": "true", "HX-Target": "dash"}
    quiet = client.get(address, headers={**htmx, "If-None-Match": page["ETag"]})
    assert quiet.status_code == 304
    make.sale(sold.session, [make.fill_at(sold.station, "10.00")])
    moved = client.get(address, headers={**htmx, "If-None-Match": page["ETag"]})
    assert moved.status_code == 200 and "75.48" in text_of(moved)


@pytest.mark.req("RPT-05")
def test_the_daily_report_is_a_page_and_three_files(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    said = text_of(client.get(reverse("finance:daily")))
    for word in ("一、油品销售", "四、罐平衡", "五、付款方式", "十二、勾稽", "相符", "草稿"):
        assert word in said
    for kind, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        answer = client.get(reverse("finance:daily"), {"export": kind})
        assert (
            b"".join(answer).startswith(start)
            if answer.streaming
            else answer.content.startswith(start)
        )
    assert AuditEntry.objects.filter(action="export").count() == 3


def test_the_daily_report_of_a_date_without_business_says_so(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    assert "没有营业" in text_of(client.get(reverse("finance:daily"), {"day": "2020-01-01"}))
    assert client.get(reverse("finance:daily"), {"day": "x"}).status_code == 404


@pytest.mark.req("RPT-01", "RPT-06", "RPT-08")
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_report_is_a_page_and_a_file_over_frozen_and_open_days(sold: Site, kind: str) -> None:
    day = end_day(sold)
    close_day(day=day, at=make.at(22, 30), actor=sold.manager)
    session = make.session(sold.station, make.cashier(sold.station), make.till(sold.station))
    make.sale(session, [make.fill_at(sold.station, "12.00")])
    client = make.signed_in(sold.manager)
    query = {"since": "2026-04-01", "until": "2026-04-30", "grain": "day"}
    page = client.get(reverse("finance:report", args=[kind]), query)
    assert page.status_code == 200
    assert KINDS[kind].title in text_of(page)
    answer = client.get(reverse("finance:report", args=[kind]), {**query, "export": "csv"})
    assert b"".join(answer).startswith(b"\xef\xbb\xbf")


def test_a_report_of_no_name_is_not_found(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    assert client.get(reverse("finance:report", args=["weather"])).status_code == 404
    assert client.get(reverse("finance:reports")).status_code == 200


@pytest.mark.req("FIN-01")
def test_the_wizard_names_what_is_open_and_whose(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    said = text_of(client.get(reverse("finance:day", args=[sold.day.date])))
    assert "营业日还在营业" in said and sold.session.shift.leader.name in said
    refused = client.post(reverse("finance:day_close", args=[sold.day.date]))
    assert refused.status_code == 422
    assert "还不能日结" in text_of(refused)


@pytest.mark.req("FIN-01")
def test_the_manager_closes_and_the_second_click_is_the_first(sold: Site) -> None:
    day = end_day(sold)
    client = make.signed_in(sold.manager)
    close = reverse("finance:day_close", args=[day.date])
    for _ in range(2):
        assert client.post(close, {"remarks": "正常"}).status_code == 302
    day.refresh_from_db()
    assert day.status == BusinessDay.Status.CLOSED
    said = text_of(client.get(reverse("finance:day", args=[day.date])))
    assert "已冻结" in said and "复核" in said
    checked = client.post(reverse("finance:day_recheck", args=[day.date]))
    assert "复核相符" in text_of(checked)


def test_a_day_that_is_not_closed_is_not_rechecked(sold: Site) -> None:
    client = make.signed_in(sold.manager)
    answer = client.post(reverse("finance:day_recheck", args=[sold.day.date]))
    assert answer.status_code == 422 and "还没有日结" in text_of(answer)


@pytest.mark.req("FIN-01")
def test_only_the_owner_accepts_a_difference(sold: Site) -> None:
    fill = make.fill_at(sold.station, "5.00")
    day = end_day(sold)
    accept = reverse("finance:day_accept", args=[day.date])
    asked = {"kind": "UNPAID", "subject": f"{fill.pk}", "reason": "追收"}
    assert make.signed_in(sold.manager).post(accept, asked).status_code == 403
    owner = make.signed_in(sold.owner)
    assert owner.post(accept, {**asked, "reason": ""}).status_code == 422
    assert owner.post(accept, {"reason": "x"}).status_code == 422
    assert owner.post(accept, asked).status_code == 302
    assert DayDifference.objects.get().decided_by == sold.owner
    said = text_of(owner.get(reverse("finance:day", args=[day.date])))
    assert "已认可" in said and "追收" in said


@pytest.mark.req("SEC-15")
def test_a_stranger_sees_no_day_of_this_station(sold: Site) -> None:
    client = make.signed_in(make.stranger())
    assert client.get(reverse("finance:day", args=[sold.day.date])).status_code == 404
    assert f"{sold.day.date}" not in text_of(client.get(reverse("finance:days")))
    assert (
        make.signed_in(sold.owner).get(reverse("finance:day", args=["2026-13-45"])).status_code
        == 404
    )


def test_the_list_of_days_shows_open_and_closed_ones(sold: Site) -> None:
    day = end_day(sold)
    close_day(day=day, at=make.at(22, 30), actor=sold.manager)
    said = text_of(
        make.signed_in(sold.manager).get(reverse("finance:days"), {"since": "2026-04-01"})
    )
    assert "已日结" in said and "营业中" in said and "65.48" in said
