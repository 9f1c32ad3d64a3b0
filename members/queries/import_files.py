"""A file of members, read: CSV or xlsx with a head of known columns; every row with its trouble."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zipfile import BadZipFile

from django.utils.dateparse import parse_date
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

HEADS = {
    "phone": ("手机号", "手机", "电话", "phone"),
    "name": ("姓名", "会员姓名", "name"),
    "plates": ("车牌", "车牌号", "plate"),
    "model": ("车型", "model"),
    "grade": ("油品", "标号", "grade"),
    "card": ("卡号", "会员卡号", "card"),
    "birthday": ("生日", "出生日期", "birthday"),
    "sms": ("同意短信", "优惠短信", "sms"),
    "joined": ("入会日期", "入会时间", "joined"),
    "preferences": ("偏好", "备注偏好", "preferences"),
}
MOST_ROWS = 200_000
YES = {"是", "同意", "Y", "YES", "1", "TRUE", "√"}


class Unreadable(ValueError):
    """The file is no table of members; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as typed; `extra` holds the columns that other floors asked for."""

    line: int
    phone: str = ""
    name: str = ""
    plates: tuple[str, ...] = ()
    model: str = ""
    grade: str = ""
    card: str = ""
    birthday: str = ""
    sms: bool = False
    joined: str = ""
    preferences: str = ""
    extra: dict[str, str] = field(default_factory=dict)


def read_rows(name: str, content: bytes, *, extra: Sequence[str] = ()) -> list[Row]:
    """The rows of a file, those that are empty left out. Raises Unreadable with words."""
    lines = cells(name, content)
    head = next(lines, None)
    if head is None:
        raise Unreadable("文件是空的，请选有内容的文件。")
    places = _places(head, extra)
    found = []
    for number, row in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            raise Unreadable(f"行数太多：一次最多 {MOST_ROWS} 行，请分成几个文件。")
        values = {key: row[at] if at < len(row) else "" for key, at in places.items()}
        if any(values.values()):
            found.append(_row(number, values, extra))
    if not found:
        raise Unreadable("文件里没有会员，只有表头。")
    return found


def cells(name: str, content: bytes) -> Iterator[list[str]]:
    """The rows of an xlsx or CSV as text, the head too. Raises Unreadable what is neither."""
    try:
        yield from _xlsx(content) if name.lower().endswith(".xlsx") else _csv(content)
    except (BadZipFile, InvalidFileException, UnicodeDecodeError, KeyError, csv.Error, OSError):
        raise Unreadable("读不出这个文件：请用 xlsx，或 UTF-8、GB18030 编码的 CSV。") from None


def day_of(text: str) -> date | None:
    """2026-04-22, 2026/4/22, 20260422 or 2026年4月22日 as a date; None for anything else."""
    plain = re.sub(r"[年月/.]", "-", text.strip()).removesuffix("日").split(" ")[0]
    if re.fullmatch(r"\d{8}", plain):
        plain = f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
    try:
        return parse_date(plain)
    except ValueError:
        return None


def _row(number: int, values: dict[str, str], extra: Sequence[str]) -> Row:
    plates = tuple(one for one in re.split(r"[、,，;；\s]+", values.get("plates", "")) if one)
    told = {
        key: values.get(key, "")
        for key in ("phone", "name", "model", "grade", "card", "birthday", "joined", "preferences")
    }
    sms = values.get("sms", "").upper() in YES
    more = {key: values.get(key, "") for key in extra}
    return Row(line=number, plates=plates, sms=sms, extra=more, **told)


def _places(head: Sequence[str], extra: Sequence[str]) -> dict[str, int]:
    heads = {name: key for key, names in HEADS.items() for name in names}
    heads |= {name: name for name in extra}
    places: dict[str, int] = {}
    for at, cell in enumerate(head):
        key = heads.get(cell.strip()) or heads.get(cell.strip().lower())
        if key is not None:
            places.setdefault(key, at)
    if "phone" not in places:
        raise Unreadable("第一行缺少列「手机号」。请照模板改表头。")
    return places


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    for row in csv.reader(io.StringIO(text.replace("\x00", ""))):
        yield [cell.strip()[:200] for cell in row]


def _xlsx(content: bytes) -> Iterator[list[str]]:
    sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
    for row in sheet.iter_rows(values_only=True):
        yield [_text(cell) for cell in row]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a phone that a spreadsheet took for a figure
    return str(cell).replace("\x00", "").strip()[:200]
