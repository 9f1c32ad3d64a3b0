"""One description, four outputs: page, xlsx, CSV and PDF."""

import csv
import io
import tracemalloc
import zipfile
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import openpyxl
import pytest

from station.models import AuditEntry
from station.queries.columns import Cell, Column, Line, Sheet, line
from station.queries.papers import Paper, Table, paper_of_report
from station.services import exporting
from tests import make
from tests.station.pages import daily, href

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_pages")]

COLUMNS = (
    Column("单号", "number", "code"),
    Column("时间", "at", "moment"),
    Column("金额", "amount", "yuan"),
    Column("损溢", "diff", "gain_loss"),
)


def paper(rows, **fields):
    fields = {"title": "销售单", "facts": (("站名", "东站"),), "name": "销售单", **fields}
    return Paper(tables=(Table(COLUMNS, rows, title="销售单"),), **fields)


def row(number="D01-0001", amount="152.40", diff="-3.21"):
    found = SimpleNamespace(
        number=number, at=make.NOW, amount=Decimal(amount), diff=Decimal(diff) if diff else None
    )
    return line(COLUMNS, found)


def read_csv(answer):
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def read_xlsx(content):
    read = io.BytesIO(b"".join(content))
    if hasattr(content, "close"):
        content.close()
    return openpyxl.load_workbook(read)


@pytest.fixture
def client_and_fills():
    station = make.station()
    nozzle = make.nozzle(station)
    for number in range(5):
        make.fill(nozzle, litres="10.00", at=make.at(8, number))
    make.fill(make.nozzle(station, grade=make.grade("95#")), litres="33.00")
    return make.signed_in(make.manager(station)), station


@pytest.mark.req("RPT-08")
def test_a_csv_holds_exactly_what_is_filtered_and_every_page_of_it(client_and_fills):
    client, _ = client_and_fills
    answer = client.get(href("fills", export="csv", grade="92#"))
    assert answer.streaming and answer["Content-Type"].startswith("text/csv")
    head, *rows = read_csv(answer.streaming_content)
    assert head == ["枪", "时间", "油品", "升数", "金额"]
    assert len(rows) == 5
    assert rows[0] == ["1", "2026-04-22 08:04:00", "92#", "10.000", "78.50"]


@pytest.mark.req("RPT-08")
def test_a_spreadsheet_holds_numbers_that_can_be_summed_and_the_conditions_in_its_head(
    client_and_fills,
):
    client, station = client_and_fills
    answer = client.get(href("fills", export="xlsx", grade="92#"))
    sheet = read_xlsx(answer.streaming_content)["加油记录"]
    rows = list(sheet.values)
    assert rows[0][0] == "加油记录"
    assert station.name in rows[1][0] and "油品 92#" in rows[1][0] and "站长 Wang" in rows[1][0]
    assert rows[2] == ("枪", "时间", "油品", "升数", "金额")
    assert rows[3][1] == datetime(2026, 4, 22, 8, 4)  # noqa: DTZ001  spreadsheets know no zones
    assert sum(row[4] for row in rows[3:8]) == pytest.approx(392.5)
    assert rows[8][0] == "合计" and rows[8][3] == 50
    assert sheet.freeze_panes == "A4"
    assert "filename*=utf-8''" in answer["Content-Disposition"]


@pytest.mark.req("RPT-08")
def test_a_pdf_is_made_of_the_same_rows(client_and_fills):
    client, _ = client_and_fills
    answer = client.get(href("fills", export="pdf"))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-") and b"NotoSansSC" in answer.content


def test_loss_and_gain_keep_their_words_in_every_file_and_no_sign_stands_for_one():
    sheet = read_xlsx(exporting.xlsx_file(paper([row()]))).active
    cell = sheet["D4"]
    assert cell.value == pytest.approx(-3.21) and cell.number_format.startswith('"溢"')
    head, first = read_csv(exporting.csv_rows(paper([row()], is_list=True)))
    assert head[3:] == ["损溢（损/溢）", "损溢"] and first[3:] == ["损", "3.21"]
    _, unknown = read_csv(exporting.csv_rows(paper([row(diff=None)], is_list=True)))
    assert unknown[3:] == ["", ""]


@pytest.mark.parametrize("text", ["=1+2", "+SUM(A1)", "@cmd", "-2+3", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text):
    _, first = read_csv(exporting.csv_rows(paper([row(number=text)], is_list=True)))
    assert first[0] == f"'{text}"
    cell = read_xlsx(exporting.xlsx_file(paper([row(number=text)]))).active["A4"]
    assert cell.data_type == "s"


def test_a_negative_number_is_a_number_in_csv():
    _, first = read_csv(exporting.csv_rows(paper([row(amount="-5.10", diff="")], is_list=True)))
    assert first[2:] == ["-5.10", "", ""]


def test_sheets_of_one_name_get_names_of_their_own():
    empty = Table(
        COLUMNS, [], title="油品[销售]/一个非常长的表名超过三十一个字符的限制会怎样呢再加一些"
    )
    made = Paper("报表", (), (empty, empty), "报表")
    names = read_xlsx(exporting.xlsx_file(made)).sheetnames
    assert len(set(names)) == 2 and all(len(name) <= 31 for name in names)


def test_a_pdf_of_too_many_rows_is_refused_with_what_to_do_instead():
    with pytest.raises(exporting.TooLongForPaper, match="改用 Excel 或 CSV"):
        exporting.pdf_bytes(paper(row() for _ in range(exporting.MOST_PAPER_ROWS + 1)))


def test_the_refusal_is_a_page_and_nothing_is_logged(client_and_fills, monkeypatch):
    client, _ = client_and_fills
    monkeypatch.setattr(exporting, "MOST_PAPER_ROWS", 2)
    answer = client.get(href("fills", export="pdf"))
    assert answer.status_code == 422 and "没有导出 PDF" in answer.text
    assert not AuditEntry.objects.filter(action="export").exists()


def many_rows(count):
    for number in range(count):
        yield row(number=f"D01-{number:06d}")


@pytest.mark.req("RPT-08")
def test_a_hundred_thousand_rows_become_a_csv_and_a_spreadsheet():
    many = 100_000
    lines = sum(1 for _ in exporting.csv_rows(paper(many_rows(many), is_list=True)))
    assert lines == many + 2  # the mark of UTF-8 and the head
    with exporting.xlsx_file(paper(many_rows(many))) as file, zipfile.ZipFile(file) as book:
        assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == many + 3


@pytest.mark.parametrize("make_file", [exporting.csv_rows, exporting.xlsx_file])
def test_ten_times_the_rows_take_no_more_memory(make_file):
    def peak(count):
        tracemalloc.start()
        made = make_file(paper(many_rows(count), is_list=True))
        for _ in iter(lambda: made.read(1 << 16), b"") if hasattr(made, "read") else made:
            pass
        made.close()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    assert peak(5000) < peak(500) + 400_000


def test_the_first_rows_of_a_stream_are_sent_before_the_last_are_read():
    seen = []

    def rows():
        for number in range(1000):
            seen.append(number)
            yield row()

    parts = exporting.csv_rows(paper(rows(), is_list=True))
    for _ in range(4):
        next(parts)
    assert len(seen) < 5


@pytest.mark.req("RPT-08", "RPT-06")
def test_a_report_has_the_same_figures_on_the_page_and_in_every_file():
    station = make.station()
    client = make.signed_in(make.manager(station))
    page = client.get(href("report")).text
    for words in ("¥1,500.00", "升 25.0%", "比上周三", "短 ¥20.00", "200.75", "损 3.21 L", "草稿"):
        assert words in page
    assert 'href="/t/fills/?grade=92%23"' in page
    table = read_csv(client.get(href("report", export="csv")).streaming_content)
    assert ["92#", "200.750", "损", "3.21"] in table and ["合计", "200.750", "损", "3.21"] in table
    assert ["长短款", "短", "20.00", ""] in table
    assert ["早班短款 20.00 元。"] in table
    sheet = read_xlsx(client.get(href("report", export="xlsx")).streaming_content)["油品销售"]
    assert ("92#", pytest.approx(200.75), pytest.approx(-3.21)) in list(sheet.values)
    assert client.get(href("report", export="pdf")).content.startswith(b"%PDF-")


def test_the_head_of_a_report_names_station_period_maker_time_approver_and_version():
    request = SimpleNamespace(
        station=SimpleNamespace(name="东站"), user=SimpleNamespace(name="王站长")
    )
    facts = dict(paper_of_report(daily(request)).facts)
    assert facts == {
        "站名": "东站",
        "期间": "2026-04-22 周三",
        "制表人": "王站长",
        "打印时间": "2026-04-22 周三 10:00",
        "审核人": "—",
        "版本": "草稿",
    }


def test_a_pdf_of_an_empty_report_says_so_and_is_made():
    empty = Paper("日报", (("站名", "东站"),), (Table(COLUMNS, [], title="油品"),), "日报")
    assert exporting.pdf_bytes(empty).startswith(b"%PDF-")


def test_cells_of_every_kind_reach_every_file():
    kinds = [
        ("text", "字"), ("yuan", Decimal("1.00")), ("count", 3), ("percent", Decimal("0.5")),
        ("permille", Decimal("1.2")), ("over_short", Decimal("-1.00")), ("date", make.TODAY),
        ("moment", make.NOW), ("duration", 65), ("state", "已收款"), ("text", True), ("yuan", None),
        ("loss_rate", Decimal("-1.20")), ("loss_percent", Decimal("0.0012")),
        ("more_less", Decimal("0.500")), ("more_less_yuan", Decimal("-3.90")),
        ("meter_error", Decimal("-0.125")),
    ]  # fmt: skip
    columns = tuple(Column(f"列{at}", kind=kind) for at, (kind, _) in enumerate(kinds))
    cells = tuple(Cell(column, value) for column, (_, value) in zip(columns, kinds, strict=True))
    sheet = Sheet(columns, (Line(cells),))
    made = Paper("全", (), (Table(sheet.columns, sheet.rows),), "全", is_list=True)
    _, first = read_csv(exporting.csv_rows(made))
    assert first == [
        "字", "1.00", "3", "0.5", "1.2", "短", "1.00", "2026-04-22", "2026-04-22 10:00:00", "65",
        "已收款", "是", "", "损", "1.20", "溢", "0.0012", "多", "0.500", "少", "3.90",
        "少计", "0.125",
    ]  # fmt: skip
    values = list(read_xlsx(exporting.xlsx_file(made)).active.values)[-1]
    assert values[:3] == ("字", 1, 3) and values[8] == "1 分 05 秒" and values[11] is None
    assert exporting.pdf_bytes(made).startswith(b"%PDF-")
