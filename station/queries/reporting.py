"""A report as a value: head, five figures, charts, tables, remarks, signatures.

One description is drawn as a page, on A4 paper, and as xlsx, CSV and PDF.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from station.queries import wording
from station.queries.charts import Chart
from station.queries.columns import Cell, Column, Kind, Line, Sheet, Tone, Value, written


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure stands against the one before: direction, word, text."""

    direction: Literal["up", "down", "even", "none"]
    text: str

    @property
    def word(self) -> str:
        return {"up": "升", "down": "降", "even": "平", "none": ""}[self.direction]

    @property
    def icon(self) -> str:
        return {"up": "arrow-up", "down": "arrow-down"}.get(self.direction, "minus")


def changed(now: Decimal | int | None, before: Decimal | int | None) -> Change:
    """The change in percent; without anything to compare with it says so."""
    if now is None or not before:
        return Change("none", "无可比")
    ratio = (Decimal(now) - Decimal(before)) / abs(Decimal(before))
    text = wording.percent(abs(ratio))
    if not ratio:
        return Change("even", text)
    return Change("up" if ratio > 0 else "down", text)


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure. `before` is what it is compared with, `compare_label` says what that is."""

    label: str
    value: Value
    kind: Kind = "count"
    unit: str = ""
    before: Decimal | int | None = None
    compare_label: str = ""
    note: str = ""
    href: str = ""

    @property
    def text(self) -> str:
        return written(self.value, self.kind)

    @property
    def change(self) -> Change | None:
        if not self.compare_label:
            return None
        value = self.value if isinstance(self.value, Decimal | int) else None
        return changed(value, self.before)


@dataclass(frozen=True, slots=True)
class Linked:
    """A value in a report's row that opens the rows it was made of, or has a tone."""

    value: Value
    href: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of a report: plain values (or Linked) in the order of the columns; totals likewise.

    A total of "" stays empty.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value | Linked]]
    totals: Sequence[Value | Linked] = ()
    note: str = ""
    empty: str = "这个期间没有记录。"

    @property
    def sheet(self) -> Sheet:
        return Sheet(
            self.columns,
            tuple(Line(_cells(self.columns, row)) for row in self.rows),
            tuple(_total(cell) for cell in _cells(self.columns, self.totals))
            if self.totals
            else (),
            self.title,
            self.note,
            self.empty,
        )


def _total(cell: Cell) -> Cell:
    """A word in the sum row (合计) is a word, whatever its column holds."""
    if isinstance(cell.value, str):
        return Cell(Column(cell.column.label, minor=cell.column.minor), cell.value)
    return cell


def _cells(columns: Iterable[Column], values: Sequence[Value | Linked]) -> tuple[Cell, ...]:
    return tuple(
        Cell(column, value.value, value.href, value.tone)
        if isinstance(value, Linked)
        else Cell(column, value)
        for column, value in zip(columns, values, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Head:
    """Whose report, by whom and when, and whether somebody has approved it."""

    station: str
    prepared_by: str
    printed_at: datetime
    approved_by: str = ""

    @property
    def approved(self) -> bool:
        return bool(self.approved_by)

    @property
    def version(self) -> str:
        return "已审核" if self.approved_by else "草稿"


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.."""

    title: str
    period: str
    head: Head
    tables: tuple[ReportTable, ...]
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    remarks: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ("制表", "审核")
    landscape: bool = False

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        return tuple(table.sheet for table in self.tables)

    @property
    def name(self) -> str:
        return f"{self.head.station}-{self.title}-{self.period}"
