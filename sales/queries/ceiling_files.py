"""Published ceilings in a table: CSV or xlsx with 价区, 油品, 最高零售价, 执行时间, 公告."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from zipfile import BadZipFile

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from station.models import Grade

HEADS = {
    "zone": ("价区", "zone"),
    "grade": ("油品", "标号", "grade"),
    "ceiling": ("最高零售价", "限价", "最高零售价(元/升)", "ceiling"),
    "effective_at": ("执行时间", "执行日期", "生效时间", "effective_at"),
    "notice": ("公告", "文件或公告", "文件", "notice"),
}
MOST_ROWS = 5000


@dataclass(frozen=True)
class CeilingRow:
    """One row as read: values, or the words on what is wrong with it."""

    line: int
    zone: str = ""
    grade: Grade | None = None
    ceiling: Decimal = Decimal(0)
    effective_at: datetime | None = None
    notice: str = ""
    trouble: str = ""


def read_ceilings(name: str, content: bytes, *, zone: str) -> list[CeilingRow]:
    """Read the rows of a file; a row that cannot be understood carries its `trouble`.

    `zone` stands where a row names none. A file that is no table gives one row of trouble.
    """
    try:
        rows = list(_xlsx(content) if name.lower().endswith(".xlsx") else _csv(content))
    except (BadZipFile, InvalidFileException, UnicodeDecodeError, KeyError, csv.Error):
        return [CeilingRow(0, trouble="读不出这个文件：请用 xlsx，或 UTF-8、GB18030 编码的 CSV")]
    if not rows:
        return [CeilingRow(0, trouble="文件是空的")]
    places = _places(rows[0])
    lacking = [HEADS[key][0] for key in ("grade", "ceiling", "effective_at") if key not in places]
    if lacking:
        return [CeilingRow(1, trouble=f"第一行缺少列：{'、'.join(lacking)}")]
    if len(rows) > MOST_ROWS:
        return [CeilingRow(0, trouble=f"行数太多：一次最多 {MOST_ROWS} 行")]
    grades = {grade.code: grade for grade in Grade.objects.filter(active=True)}
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        values = {key: cells[place] if place < len(cells) else "" for key, place in places.items()}
        if any(str(value or "").strip() for value in values.values()):
            found.append(_row(number, values, grades, zone))
    return found


def _row(number: int, values: dict[str, object], grades: dict[str, Grade], zone: str) -> CeilingRow:
    code = str(values["grade"] or "").strip()
    grade = grades.get(code) or grades.get(f"{code}#")
    if grade is None:
        return CeilingRow(number, trouble=f"第 {number} 行：没有油品 {code}")
    try:
        ceiling = Decimal(str(values["ceiling"]).strip())
    except InvalidOperation:
        return CeilingRow(number, trouble=f"第 {number} 行：价格 {values['ceiling']} 不是数字")
    moment = _moment(values["effective_at"])
    if moment is None:
        text = f"第 {number} 行：执行时间 {values['effective_at']} 看不懂，请写成 2026-04-22 00:00"
        return CeilingRow(number, trouble=text)
    return CeilingRow(
        number,
        zone=str(values.get("zone") or "").strip() or zone,
        grade=grade,
        ceiling=ceiling,
        effective_at=moment,
        notice=str(values.get("notice") or "").strip(),
    )


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        moment: datetime | None = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=get_current_timezone())
    else:
        text = str(value or "").strip().replace("/", "-")
        moment = _parsed(text)
    if moment is not None and is_naive(moment):
        moment = make_aware(moment)
    return moment


def _parsed(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        if moment is not None:
            return moment
        day = parse_date(text)
    except ValueError:
        return None
    zone = get_current_timezone()
    return datetime(day.year, day.month, day.day, tzinfo=zone) if day else None


def _places(heads: tuple[object, ...]) -> dict[str, int]:
    words = [str(head or "").strip() for head in heads]
    return {
        key: words.index(name) for key, names in HEADS.items() for name in names if name in words
    }


def _csv(content: bytes) -> Iterator[tuple[object, ...]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    for row in csv.reader(io.StringIO(text)):
        yield tuple(row)


def _xlsx(content: bytes) -> Iterator[tuple[object, ...]]:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        yield from sheet.iter_rows(values_only=True)
    finally:
        book.close()
