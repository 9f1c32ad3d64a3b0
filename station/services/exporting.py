"""Lists and reports as files: CSV that streams, xlsx in constant memory, PDF set by typst."""

import csv
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import pylopdf_fonts_zh_cn
import typst
import xlsxwriter
from django.conf import settings
from django.utils import timezone

from station.errors import Refusal
from station.queries import wording
from station.queries.columns import SIGNED, Cell, Column, written
from station.queries.drawing import HALF, WIDE, svg
from station.queries.papers import Paper, Table

MOST_PAPER_ROWS: Final = 2000  # about a second and a half, and some fifty pages
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FORMATS: Final = {
    "yuan": "¥#,##0.00;-¥#,##0.00",
    "price": "¥#,##0.00",
    "litres": "#,##0.00",
    "count": "#,##0.###",
    "percent": "0.0%",
    "permille": '0.00"‰"',
    "gain_loss": '"溢" #,##0.00;"损" #,##0.00;"平" 0.00',
    "loss_rate": '"溢" 0.00"‰";"损" 0.00"‰";"平" 0.00"‰"',
    "loss_percent": '"溢" 0.00%;"损" 0.00%;"平" 0.00%',
    "over_short": '"长" ¥#,##0.00;"短" ¥#,##0.00;"平" ¥0.00',
    "more_less": '"多" #,##0.00;"少" #,##0.00;"平" 0.00',
    "more_less_yuan": '"多" ¥#,##0.00;"少" ¥#,##0.00;"平" ¥0.00',
    "meter_error": '"多计" 0.000"%";"少计" 0.000"%";"平" 0.000"%"',
    "moment": "yyyy-mm-dd hh:mm:ss",
    "date": "yyyy-mm-dd",
}
_WIDTHS: Final = {"moment": 19, "date": 12, "code": 18, "yuan": 14, "litres": 12, "text": 16}


class TooLongForPaper(Refusal):
    """A PDF of that many rows would be hundreds of pages that nobody reads."""


# --------------------------------------------------------------------------- CSV


def csv_rows(paper: Paper) -> Iterator[bytes]:
    """The file in portions, UTF-8 with the mark that spreadsheets need for Chinese.

    A list is its head and rows and nothing else, so that other programs can read it; a report has
    its head, figures and tables one below the other.
    """
    line = _CsvLine()
    yield b"\xef\xbb\xbf"
    if not paper.is_list:
        yield line([paper.title])
        for fact in paper.facts:
            yield line(fact)
        for figure in paper.figures:
            yield line([figure.label, *_parts(figure.value, figure.kind), figure.unit])
    for table in paper.tables:
        if not paper.is_list:
            yield line([]) + line([table.title])
        yield line(chain.from_iterable(_heads(column) for column in table.columns))
        for row in table.rows:
            yield line(_values(table.columns, row.cells))
        if table.totals and not paper.is_list:
            yield line(_values(table.columns, table.totals))
    for remark in paper.remarks:
        yield line([remark])


class _CsvLine:
    """Turns values into one line of CSV."""

    def __init__(self) -> None:
        self._line = ""
        self._writer = csv.writer(self)

    def write(self, line: str) -> None:
        self._line = line

    def __call__(self, values: Any) -> bytes:
        self._writer.writerow([harmless(value) for value in values])
        return self._line.encode()


def harmless(text: str) -> str:
    """A text that a spreadsheet would run as a formula gets a quote before it; numbers stay."""
    if text.startswith(_FORMULA):
        try:
            Decimal(text)
        except ArithmeticError:
            return f"'{text}"
    return text


def _heads(column: Column) -> list[str]:
    """A column's name; a variance takes two columns, its word and its figure."""
    if column.kind not in SIGNED:
        return [column.label]
    return [f"{column.label}（{'/'.join(wording.SIDES[column.kind])}）", column.label]


def _values(columns: Sequence[Column], cells: Iterable[Cell]) -> Iterator[str]:
    # By the table's columns, for a word in the sum row has given its own column up.
    for column, cell in zip(columns, cells, strict=True):
        yield from _parts(cell.value, column.kind)


def _parts(value: object, kind: str) -> list[str]:
    """A value for machines; a variance as its word and a figure without a sign."""
    if kind not in SIGNED:
        return [_plain(value)]
    if isinstance(value, Decimal):
        return [wording.side(value, kind), _plain(abs(value))]
    return ["", _plain(value)]


def _plain(value: object) -> str:
    """A value for machines: no separators, no currency, local time to the second."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return written(value, "text")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


# -------------------------------------------------------------------------- xlsx


def xlsx_file(paper: Paper) -> IO[bytes]:
    """The workbook in a temporary file, one sheet per table; rows are written as they are read."""
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False})
    paint = _Paint(book)
    taken: set[str] = set()
    for number, table in enumerate(paper.tables, 1):
        sheet = book.add_worksheet(_sheet_name(table.title or paper.title, number, taken))
        _write_table(sheet, paper, table, paint, first=number == 1)
    book.close()
    file.seek(0, os.SEEK_SET)
    return file


class _Paint:
    """The workbook's formats, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Any] = {}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format(
            {"bold": True, "bg_color": "#E4F1F4", "border": 1, "align": "center", "text_wrap": True}
        )

    def of(self, kind: str, total: bool = False) -> Any:
        if (kind, total) not in self._made:
            look: dict[str, Any] = {"num_format": _FORMATS.get(kind, "@")}
            if total:
                look |= {"bold": True, "top": 1}
            self._made[kind, total] = self._book.add_format(look)
        return self._made[kind, total]


def _write_table(sheet: Any, paper: Paper, table: Table, paint: _Paint, *, first: bool) -> None:
    for at, column in enumerate(table.columns):
        width = column.width or _WIDTHS.get(column.kind, 11)
        sheet.set_column(at, at, max(width, 2 * len(column.label) + 2))
    sheet.write_string(0, 0, paper.title, paint.title)
    sheet.write_string(1, 0, "　".join(f"{name}：{value}" for name, value in paper.facts))
    row = 2
    for figure in paper.figures if first else ():
        sheet.write_string(row, 0, f"{figure.label}：{figure.text} {figure.unit}".rstrip())
        row += 1
    head = row
    sheet.write_row(head, 0, [column.label for column in table.columns], paint.head)
    sheet.freeze_panes(head + 1, 0)
    row += 1
    for line in table.rows:
        for at, cell in enumerate(line.cells):
            _write_cell(sheet, row, at, cell, paint.of(cell.column.kind))
        row += 1
    if row > head + 1:
        sheet.autofilter(head, 0, row - 1, len(table.columns) - 1)
    for at, cell in enumerate(table.totals):
        _write_cell(sheet, row, at, cell, paint.of(cell.column.kind, total=True))
    for remark in paper.remarks if first else ():
        row += 2
        sheet.write_string(row, 0, remark)
    sheet.repeat_rows(head)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if paper.landscape:
        sheet.set_landscape()


def _write_cell(sheet: Any, row: int, at: int, cell: Cell, look: Any) -> None:
    value = cell.value
    if value is None or value == "":
        sheet.write_blank(row, at, None, look)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, at, timezone.localtime(value).replace(tzinfo=None), look)
    elif isinstance(value, date):
        sheet.write_datetime(row, at, value, look)
    elif isinstance(value, Decimal | int) and cell.column.kind in _FORMATS:
        sheet.write_number(row, at, value, look)
    else:
        sheet.write_string(row, at, cell.text, look)


def _sheet_name(title: str, number: int, taken: set[str]) -> str:
    """At most 31 characters, none of []:*?/\\, no two alike."""
    clean = "".join("_" if sign in "[]:*?/\\" else sign for sign in title)[:28] or f"表{number}"
    name = clean if clean.lower() not in taken else f"{clean[:26]}-{number}"
    taken.add(name.lower())
    return name


# --------------------------------------------------------------------------- PDF


def pdf_bytes(paper: Paper) -> bytes:
    """The A4 form. Refuses more rows than anybody prints."""
    tables = [_printed(table) for table in paper.tables]
    if sum(len(table["rows"]) for table in tables) > MOST_PAPER_ROWS:
        raise TooLongForPaper(
            f"没有导出 PDF：超过 {MOST_PAPER_ROWS} 行，打印出来有几十页。请缩小筛选范围，或改用 Excel 或 CSV 导出。"
        )
    content = {
        "title": paper.title,
        "facts": paper.facts,
        "figures": [
            {
                "label": figure.label,
                "text": f"{figure.text} {figure.unit}".rstrip(),
                "note": f"{figure.compare_label} {figure.change.word}{figure.change.text}"
                if figure.change
                else figure.note,
            }
            for figure in paper.figures
        ],
        "charts": [
            {
                "svg": svg(chart, HALF if len(paper.charts) > 1 else WIDE),
                "title": f"{chart.title}（{chart.unit}）" if chart.unit else chart.title,
                "told": chart.alternative,
            }
            for chart in paper.charts
        ],
        "tables": tables,
        "remarks": paper.remarks,
        "signatures": paper.signatures,
        "landscape": paper.landscape,
    }
    return bytes(_compiled(content))


def _compiled(content: dict[str, Any]) -> Any:
    folder = Path(settings.BASE_DIR) / "templates" / "typst"
    return typst.compile(
        str(folder / "paper.typ"),
        root=str(folder),
        font_paths=[str(Path(pylopdf_fonts_zh_cn.__file__).parent)],
        ignore_system_fonts=True,
        sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
        pdf_tags=False,
    )


def _printed(table: Table) -> dict[str, Any]:
    lines = iter(table.rows)
    rows = [[cell.text for cell in line.cells] for line in islice(lines, MOST_PAPER_ROWS + 1)]
    if isinstance(lines, Generator):
        lines.close()  # else the cursor of a list that was too long stays open
    return {
        "title": table.title,
        "note": table.note,
        "head": [column.label for column in table.columns],
        "numbers": [column.is_number for column in table.columns],
        "rows": rows,
        "totals": [cell.text for cell in table.totals],
    }


FILES: Final[dict[str, tuple[str, Callable[[Paper], Any]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_rows),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_file),
    "pdf": ("application/pdf", pdf_bytes),
}
