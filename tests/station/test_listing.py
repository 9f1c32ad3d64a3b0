"""The list kind: paging by key, sums, filters, statements."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from devices.models import Fill
from station.models import AuditEntry
from station.queries.columns import Column
from station.queries.listing import ListPage, all_lines, read_page, sum_row, within
from tests import make
from tests.station.pages import href

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_pages")]


def fills(station, count, same_time=False):
    nozzle = make.nozzle(station)
    return [
        make.fill(nozzle, litres="10.00", at=make.at(8, 0 if same_time else number))
        for number in range(count)
    ]


def numbers(page):
    return [line.cells[0].value for line in page.rows]


def by_litres(order=("-occurred_at",), per_page=3):
    return ListPage(
        title="加油记录",
        columns=(
            Column("号", "pk", "count"),
            Column("升数", "litres", "litres", sum="litres"),
        ),
        rows=Fill.objects.all(),
        order=order,
        sums={"litres": Sum("litres")},
        per_page=per_page,
    )


@pytest.mark.parametrize(
    "order", [("-occurred_at",), ("occurred_at",), ("litres", "-occurred_at"), ()]
)
def test_every_row_is_met_once_on_the_way_there_and_once_on_the_way_back(order):
    station = make.station()
    made = fills(station, 8)
    made += [make.fill(made[0].nozzle, litres="11.00", at=make.at(8, 3))]
    listing = by_litres(order)
    page, there = read_page(listing), []
    pages = [page]
    while page.after:
        there += numbers(page)
        page = read_page(listing, after=page.after)
        pages.append(page)
    there += numbers(page)
    assert sorted(there) == sorted(fill.pk for fill in made)
    assert len(pages) == 3
    for earlier in reversed(pages[:-1]):
        page = read_page(listing, before=page.before)
        assert numbers(page) == numbers(earlier)
    assert not page.before


def test_rows_of_the_same_instant_are_told_apart_by_their_key():
    made = fills(make.station(), 5, same_time=True)
    first = read_page(by_litres())
    second = read_page(by_litres(), after=first.after)
    assert numbers(first) + numbers(second) == [fill.pk for fill in reversed(made)]


def test_a_row_that_arrives_while_paging_moves_no_page():
    made = fills(make.station(), 6)
    first = read_page(by_litres())
    make.fill(made[0].nozzle, at=make.at(9))
    second = read_page(by_litres(), after=first.after)
    assert numbers(second) == [fill.pk for fill in reversed(made[:3])]


@pytest.mark.parametrize(
    "cursor", ["x", "%%%", "W10", "WyJ4IiwxXQ", "eyJhIjoxfQ", "WzEsMl0", "bnVsbA"]
)
def test_an_address_that_was_made_up_shows_the_first_page(cursor):
    made = fills(make.station(), 4)
    assert numbers(read_page(by_litres(), after=cursor)) == [fill.pk for fill in made[:0:-1]]
    assert numbers(read_page(by_litres(), before=cursor)) == [fill.pk for fill in made[:0:-1]]


def test_the_sum_row_is_of_everything_filtered_and_not_of_the_page():
    fills(make.station(), 5)
    page = read_page(by_litres())
    assert page.sheet.totals[0].text == "合计"
    assert page.sheet.totals[1].value == Decimal("50.000")
    assert page.counted == "共 5 条"
    assert sum_row(by_litres())[1].text == "50.00"


def test_a_list_may_be_ordered_by_what_its_rows_point_at():
    station = make.station()
    one, two = make.nozzle(station), make.nozzle(station)
    made = [make.fill(nozzle) for nozzle in (two, one, two, one)]
    listing = by_litres(("-nozzle__number", "day"))
    first = read_page(listing)
    second = read_page(listing, after=first.after)
    expected = [made[2].pk, made[0].pk, made[3].pk, made[1].pk]
    assert sorted(numbers(first)[:2]) == sorted(expected[:2])
    assert sorted(numbers(first) + numbers(second)) == sorted(expected)


def test_a_table_too_long_to_count_is_not_counted(django_assert_num_queries):
    fills(make.station(), 4)
    listing = replace(by_litres(), counting=False, sums={})
    with django_assert_num_queries(1):
        page = read_page(listing)
    assert page.counted == "本页 3 条"
    assert page.sheet.totals[1].text == "—"
    assert sum_row(listing) == ()


def test_rows_have_a_tone_and_a_page_of_their_own():
    [fill] = fills(make.station(), 1)
    listing = replace(by_litres(), opens=lambda row: f"/f/{row.pk}/", tone=lambda row: "bad")
    [line] = read_page(listing).rows
    assert (line.href, line.tone) == (f"/f/{fill.pk}/", "bad")


def test_a_short_list_is_shown_whole():
    fills(make.station(), 5)
    page = read_page(by_litres(per_page=0))
    assert len(page.rows) == 5 and not page.after and not page.before


def test_an_export_reads_every_row_of_the_list_in_its_order():
    made = fills(make.station(), 5)
    assert [line.cells[0].value for line in all_lines(by_litres())] == [
        f.pk for f in reversed(made)
    ]


def test_an_empty_page_says_what_would_be_here_and_a_filtered_one_what_to_do():
    station = make.station()
    client = make.signed_in(make.manager(station))
    assert "抬枪加油后会出现在这里" in client.get(href("fills")).text
    assert "放宽或清除上面的筛选条件" in client.get(href("fills", grade="95#")).text


def test_filters_stay_in_the_address_and_the_form_shows_them():
    station = make.station()
    fills(station, 4)
    make.fill(make.nozzle(station, grade=make.grade("95#")), litres="33.00")
    client = make.signed_in(make.manager(station))
    page = client.get(href("fills", grade="95#")).text
    assert "33.00" in page and "10.00" not in page
    assert '<option value="95#" selected>' in page
    assert 'value="2026-04-22"' in page  # the form's own initial value
    page = client.get(href("fills", grade="92#")).text
    assert "?grade=92%23&amp;after=" in page


def test_a_wrong_filter_is_named_beside_its_field_and_costs_no_page():
    client = make.signed_in(make.manager(make.station()))
    answer = client.get(href("fills", since="昨天"))
    assert answer.status_code == 200
    assert "filter-error" in answer.text


def test_only_the_stations_own_rows_are_listed():
    station, other = make.station(), make.station()
    fills(station, 2)
    make.fill(make.nozzle(other), litres="77.00")
    assert "77.00" not in make.signed_in(make.manager(station)).get(href("fills")).text


def test_a_list_page_costs_at_most_eight_statements_whatever_its_rows():
    station = make.station()
    made = fills(station, 1)
    client = make.signed_in(make.manager(station))
    spent = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as seen:
            client.get(href("fills"))
        spent.append(len(seen))
        for _ in range(2):
            make.fill(made[0].nozzle)
    assert spent[0] == spent[1] <= 8


def test_htmx_gets_the_table_alone():
    station = make.station()
    fills(station, 1)
    client = make.signed_in(make.manager(station))
    part = client.get(href("fills"), headers={"HX-Request": "true", "HX-Target": "list"}).text
    assert "<table" in part and "<html" not in part


@pytest.mark.req("RPT-08")
def test_an_export_is_logged_with_who_what_and_the_conditions():
    station = make.station()
    fills(station, 2)
    manager = make.manager(station)
    make.signed_in(manager).get(href("fills", export="csv", grade="92#"))
    entry = AuditEntry.objects.get(action="export")
    assert (entry.actor, entry.station, entry.document) == (manager, station, "加油记录")
    assert entry.after["format"] == "csv"
    assert "油品 92#" in entry.after["条件"]


def test_a_role_without_the_right_exports_nothing_and_sees_no_button():
    station = make.station()
    fills(station, 1)
    client = make.signed_in(make.attendant(station))
    assert client.get(href("fills", export="csv")).status_code == 403
    assert "export=" not in client.get(href("fills")).text
    assert not AuditEntry.objects.filter(action="export").exists()


def test_a_range_of_days_holds_its_first_and_last_moment_and_no_more():
    nozzle = make.nozzle()
    day = make.TODAY
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    first, last = make.at(0), make.at(23, 59)
    for at in (make.at(23, 59, day=before), first, last, make.at(0, day=after)):
        make.fill(nozzle, at=at)
    moments = Fill.objects.order_by("occurred_at").values_list("occurred_at", flat=True)
    assert list(within(moments, "occurred_at", since=day, until=day)) == [first, last]
    assert within(moments, "occurred_at", since=day).count() == 3
    assert within(moments, "occurred_at", until=day).count() == 3
    assert within(moments, "occurred_at", until=date.max).count() == 4


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(
    ("name", "words", "may", "may_not"),
    [
        ("inventory:dips", "量油", "ATTENDANT", "ACCOUNTANT"),
        ("inventory:deliveries", "录入卸油单", "ATTENDANT", "ACCOUNTANT"),
        ("inventory:stock_moves", "进货", "CASHIER", "ACCOUNTANT"),
        ("sales:prices", "新建调价单", "ACCOUNTANT", "CASHIER"),
        ("devices:meters", "登记换表", "MANAGER", "ACCOUNTANT"),
    ],
)
def test_an_empty_list_offers_its_first_step_to_who_may_take_it(name, words, may, may_not):
    station = make.station()
    offered = f">{words}</a>"
    assert offered in make.signed_in(make.user(may, station)).get(reverse(name)).text
    page = make.signed_in(make.user(may_not, station)).get(reverse(name))
    assert page.status_code == 200 and offered not in page.text
