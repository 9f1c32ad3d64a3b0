"""Setting a station up: reference pages, strapping tables, the go-live page."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from station.models import AuditEntry, Grade, Nozzle, StrappingTable, Tank
from station.services.strapping import (
    BadTable,
    check,
    checksum,
    cylinder,
    parse,
    put_into_use,
    read_xlsx,
)
from tests import make

D = Decimal

# A cylinder 2.6 m across and 5.66 m long, flat ends.
MARKS = {100: "380.3", 500: "4044.8", 1000: "10650.0", 1200: "13555.1", 1300: "15025.3", 1500: "17956.8",
         2000: "24804.4", 2400: "28987.7", 2600: "30050.6"}  # fmt: skip


def test_a_cylinder_gives_the_published_volumes() -> None:
    table = dict(cylinder(diameter_mm=2600, length_mm=5660))
    assert {height: table[height] for height in MARKS} == {
        height: D(litres) for height, litres in MARKS.items()
    }
    with_heads = dict(cylinder(diameter_mm=2600, length_mm=5660, head_mm=650))
    assert with_heads[2600] - table[2600] == D("4601.4")
    assert with_heads[1300] - table[1300] == D("2300.7")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("100", "两个数"),
        ("abc 12", "不是数字"),
        ("10 0\n10 5", "逐点上升"),
        ("10 5\n20 5", "逐点上升"),
        ("0 0", "至少"),
        ("500 0\n600 30000", "罐底"),
        ("0 0\n2600 20000", "相差"),
        ("0 0\n10.5 3", "超出范围"),
        ("0 0\n10 -3", "超出范围"),
        ("0 0\n10 nan", "超出范围"),
    ],
)
def test_a_bad_table_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadTable, match=words):
        check(parse(text), D(30000))


def test_a_workbook_is_read_with_or_without_a_heading() -> None:
    book = Workbook()
    for row in (("高度", "升数"), (0, 0), (1300, 15025.3), (2600, 30050.6)):
        book.active.append(row)  # type: ignore[union-attr]
    stream = BytesIO()
    book.save(stream)
    assert read_xlsx(stream.getvalue()) == [(0, D(0)), (1300, D("15025.3")), (2600, D("30050.6"))]
    with pytest.raises(BadTable, match="xlsx"):
        read_xlsx(b"not a workbook")


@pytest.mark.django_db
def test_a_new_table_replaces_the_old_and_both_stay() -> None:
    tank, actor = make.tank(), make.owner()
    points = [(0, D(0)), (2600, D(30000))]
    for hour in (8, 9):
        put_into_use(tank=tank, points=points, source="TYPED", at=make.at(hour), actor=actor)
    assert StrappingTable.objects.filter(tank=tank).count() == 2
    table = StrappingTable.objects.get(tank=tank, replaced_at=None)
    assert (table.in_use_from, table.checksum) == (make.at(9), checksum(points))


@pytest.mark.django_db
@pytest.mark.req("SAL-01", "SEC-12")
def test_a_manager_sets_the_site_up_on_pages() -> None:
    station = make.station()
    client = make.signed_in(make.manager(station))

    def post(page: str, **data: object) -> None:
        answer = client.post(reverse(f"station:{page}-new"), data)
        assert answer.status_code == 302, answer.context["form"].errors

    post("grades", code="EV", name="充电", kind="OTHER", unit="KWH", expansion="0", tax_rate="0.13", colour="teal",
         position="9", active="on")  # fmt: skip
    post("grades", code="92#", name="92号汽油", kind="GASOLINE", unit="L", expansion="0.0012", tax_rate="0.13",
         colour="blue", position="1", active="on")  # fmt: skip
    grade = Grade.objects.get(code="92#")
    post("islands", number="1", active="on")
    post("tanks", number="1", grade=grade.pk, capacity_l="30000", safe_fill_l="28500", high_alarm_l="27000",
         low_alarm_l="3000", dead_stock_l="500", water_limit_mm="20", active="on")  # fmt: skip
    island, tank = station.islands.get(), station.tanks.get()
    post("dispensers", number="1", island=island.pk, active="on")
    dispenser = station.dispensers.get()
    post("nozzles", number="1", dispenser=dispenser.pk, position="1", tank=tank.pk, mode="AUTO", totalizer_digits="8",
         active="on")  # fmt: skip
    post("tills", number="1", name="主台", active="on")
    assert Nozzle.objects.get(station=station).tank == tank
    assert AuditEntry.objects.filter(action="station.nozzle.saved", station=station).exists()


@pytest.mark.django_db
def test_marks_that_do_not_rise_and_numbers_in_use_are_refused_at_the_form() -> None:
    station = make.station()
    client = make.signed_in(make.manager(station))
    tank = make.tank(station, number=1)
    data = {"number": "2", "grade": tank.grade_id, "capacity_l": "30000", "safe_fill_l": "31000", "high_alarm_l": "27000",
            "low_alarm_l": "3000", "dead_stock_l": "500", "water_limit_mm": "20", "active": "on"}  # fmt: skip
    answer = client.post(reverse("station:tanks-new"), data)
    assert answer.status_code == 422
    assert "依次升高" in answer.content.decode()
    answer = client.post(
        reverse("station:tanks-new"), {**data, "safe_fill_l": "28000", "number": "1"}
    )
    assert "罐号已被占用" in answer.content.decode()
    assert Tank.objects.filter(station=station).count() == 1


@pytest.mark.django_db
def test_a_strapping_table_is_imported_typed_or_generated_on_its_page() -> None:
    station = make.station()
    client = make.signed_in(make.manager(station))
    tank = make.tank(station)
    href = reverse("station:strapping", args=[tank.pk])
    book = Workbook()
    for row in ((0, 0), (2600, 30000)):
        book.active.append(row)  # type: ignore[union-attr]
    stream = BytesIO()
    book.save(stream)
    upload = SimpleUploadedFile("table.xlsx", stream.getvalue())
    assert client.post(href, {"file": upload}).status_code == 302
    assert client.post(href, {"diameter_mm": "2600", "length_mm": "5660"}).status_code == 302
    assert client.post(href, {"text": "0 0\n2600 30000"}).status_code == 302
    assert client.post(href, {"text": "0 0\n2600 30000", "diameter_mm": "2600"}).status_code == 422
    assert "手工录入" in client.get(href).content.decode()
    assert StrappingTable.objects.filter(tank=tank).count() == 3


@pytest.mark.django_db
def test_the_go_live_page_says_what_is_missing() -> None:
    station = make.station()
    client = make.signed_in(make.manager(station))
    before = client.get(reverse("station:go_live")).content.decode()
    assert "还没有油罐" in before
    nozzle = make.nozzle(station)
    make.price(station, nozzle.tank.grade)
    after = client.get(reverse("station:go_live")).content.decode()
    assert "还没有油罐" not in after
    assert "没有在用的罐容表" in after
