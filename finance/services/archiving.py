"""Reports archived as they were on the day: made by a worker after the close, reprinted to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from finance.models import DayClose, ReportArchive
from finance.queries.attributing import remarks_of_day
from finance.queries.figures import day_figures
from finance.queries.frozen import to_json
from finance.queries.owner import month_permille
from finance.queries.ranges import Grain
from finance.queries.reports.comparing import comparison
from finance.queries.reports.daily import daily_report
from finance.queries.reports.kinds import KINDS
from sales.queries.shift_papers import full_report
from sales.queries.shifts import shift_report
from station.models import BusinessDay, Shift
from station.queries.papers import paper_of_report
from station.queries.reporting import Head, Report
from station.services.exporting import pdf_bytes

# What is printed at the end of each day besides the 加油站日报.
ALSO = ("balance", "tenders")
# Older days without an archive were taken in from elsewhere; their report is printed when asked for.
WITHIN = timedelta(days=31)


def archive_waiting(*, at: datetime, limit: int = 20) -> int:
    """Archive the reports of closed days that have none yet, newest first; returns how many days.

    Each day is one transaction; a day that another worker has in hand is left to it.
    """
    made = 0
    while made < limit and _archive_next(at=at):
        made += 1
    return made


@transaction.atomic
def _archive_next(*, at: datetime) -> bool:
    archived = ReportArchive.objects.filter(day=OuterRef("pk"), kind="daily")
    close = (
        DayClose.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(~Exists(archived), closed_at__gte=at - WITHIN)
        .select_related("day__station", "closed_by")
        .order_by("-closed_at")
        .first()
    )
    if close is None:
        return False
    for kind, shift, report in _reports(close, at):
        pdf = pdf_bytes(paper_of_report(report))
        ReportArchive.objects.create(
            station=close.day.station,
            day=close.day,
            shift=shift,
            kind=kind,
            title=f"{report.title} {report.period}",
            body=to_json(report),
            pdf=pdf,
            sha256=hashlib.sha256(pdf).hexdigest(),
            made_at=at,
        )
    return True


def _reports(close: DayClose, at: datetime) -> Iterator[tuple[str, Shift | None, Report]]:
    day: BusinessDay = close.day
    figures = day_figures(day=day)
    head = Head(day.station.name, "系统", at, close.closed_by.name)
    yield (
        "daily",
        None,
        daily_report(
            figures=figures,
            against=comparison(station=day.station, day=day.date),
            head=head,
            month_permille=month_permille(day, figures),
            remarks=(
                *remarks_of_day(day, figures),
                f"日结单 {close.number}。{close.remarks}",
            ),
        ),
    )
    for name in ALSO:
        yield (
            name,
            None,
            KINDS[name].make(
                station=day.station, since=day.date, until=day.date, grain=Grain.DAY, head=head
            ),
        )
    for shift in day.shifts.select_related("day", "station", "leader", "receiver").order_by(
        "ordinal"
    ):
        yield "shift", shift, full_report(shift_report(shift=shift), head)
