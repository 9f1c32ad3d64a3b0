"""What leaves the page: one description of a list or a report, for xlsx, CSV and PDF alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from station.queries import wording
from station.queries.charts import Chart
from station.queries.columns import Cell, Column, Line
from station.queries.listing import ListPage, all_lines, sum_row
from station.queries.reporting import Figure, Report


@dataclass(frozen=True, slots=True)
class Table:
    """A table on its way out. Its rows may be read once only."""

    columns: tuple[Column, ...]
    rows: Iterable[Line]
    totals: Sequence[Cell] = ()
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """Title, facts of the head, figures, charts, tables, remarks, signatures."""

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    name: str
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    remarks: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    landscape: bool = False
    is_list: bool = False

    def __post_init__(self) -> None:
        if settings.PRACTICE:
            facts = (("练习", "这里的油、钱和会员都是假的，不是凭证"), *self.facts)
            object.__setattr__(self, "facts", facts)


def paper_of_report(report: Report) -> Paper:
    """A report as it is exported: the head names station, period, maker, time, approver, version."""
    head = report.head
    return Paper(
        title=report.title,
        facts=(
            ("站名", head.station),
            ("期间", report.period),
            ("制表人", head.prepared_by),
            ("打印时间", wording.local(head.printed_at)),
            ("审核人", head.approved_by or wording.NOTHING),
            ("版本", head.version),
        ),
        tables=tuple(
            Table(sheet.columns, sheet.rows, sheet.totals, sheet.title, sheet.note)
            for sheet in report.sheets
        ),
        name=report.name,
        figures=report.figures,
        charts=report.charts,
        remarks=report.remarks,
        signatures=report.signatures,
        landscape=report.landscape,
    )


def paper_of_list(
    listing: ListPage, *, station: str, by: str, at: datetime, conditions: str
) -> Paper:
    """A list as it is exported: every filtered row, with the conditions in the head."""
    return Paper(
        title=listing.title,
        facts=(
            ("站名", station),
            ("条件", conditions or "全部"),
            ("制表人", by),
            ("打印时间", wording.local(at)),
        ),
        tables=(Table(listing.columns, all_lines(listing), sum_row(listing), listing.title),),
        name=f"{station}-{listing.title}-{at:%Y%m%d%H%M}",
        landscape=listing.landscape,
        is_list=True,
    )
