"""班结单: a closed shift on receipt paper, found again by its number; and the paper of a test print."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from devices.models import Printer
from sales.models import Tender
from sales.queries.receipts import Paper, Row, stamp
from sales.queries.sessions import TenderDue
from sales.queries.shift_papers import remarks
from sales.queries.shift_tables import grades
from sales.queries.shifts import ShiftReport
from station.models import Shift, Station, TillSession
from station.money import NO_LITRES, ZERO
from station.queries import wording

DIGITS = 10  # yyyymmdd and the shift of the day


def shift_of_document(*, document: str, station: Station) -> Shift | None:
    """The shift of a 站号-班次号, or of a bare 班次号, at a station; None where there is none."""
    code, _, number = document.rpartition("-")
    if code and code.upper() != station.code.upper():
        return None
    if len(number) != DIGITS or not (number.isascii() and number.isdigit()):
        return None
    try:
        day = date.fromisoformat(number[:8])
    except ValueError:
        return None
    shifts = Shift.objects.select_related("day", "station", "leader", "receiver")
    return shifts.filter(station=station, day__date=day, ordinal=int(number[8:])).first()


def printer_of_shift(shift: Shift) -> Printer | None:
    """A printer of a till that worked in the shift; else any of the station's that is in use."""
    printers = Printer.objects.filter(station=shift.station_id, active=True).order_by("pk")
    tills = TillSession.objects.filter(shift=shift).values("till")
    return printers.filter(till__in=tills).first() or printers.first()


def slip_of(*, told: ShiftReport, document: str, copy: int = 1) -> Paper:
    """The slip of a closed shift; every copy after the first says 补打."""
    return Paper(tuple(_rows(told, document, copy)), code=document)


def _rows(told: ShiftReport, document: str, copy: int) -> Iterator[Row]:
    yield Row(told.shift.station.name, big=True, centre=True)
    yield Row("班结单", centre=True)
    if copy > 1:
        yield Row(f"＊＊ 补打 第 {copy - 1} 次 ＊＊", centre=True)
    yield Row(rule=True)
    yield from _head(told)
    yield Row(rule=True)
    yield from _tenders(told)
    yield Row(rule=True)
    yield from _litres(told)
    yield Row(rule=True)
    yield from _words(told)
    yield Row(document, centre=True)
    yield Row("扫码或输入单号，打开这一班的班报", centre=True)


def _head(told: ShiftReport) -> Iterator[Row]:
    shift = told.shift
    yield Row(f"班次号 {shift.number}", shift.name)
    for label, moment in (
        ("接班", shift.opened_at),
        ("交班", shift.handed_over_at),
        ("班结", shift.closed_at),
    ):
        if moment:
            yield Row(label, stamp(moment))
    for one in told.signatures:
        yield Row(one.get_role_display(), one.user.name)


def _tenders(told: ShiftReport) -> Iterator[Row]:
    """应有、实点、长短款 by tender over all drawers; a surplus never makes up for a shortage."""
    dues: dict[int, list[TenderDue]] = defaultdict(list)
    for report in told.sessions:
        for due in report.dues:
            dues[due.tender.pk].append(due)
    for tender in told.tenders:
        if group := dues.get(tender.pk):
            yield from _tender(tender, group)
    if not dues:
        yield Row("本班没有收银")
    yield Row("长款合计", f"{told.over_short.over}")
    yield Row("短款合计", f"{abs(told.over_short.short)}")


def _tender(tender: Tender, group: list[TenderDue]) -> Iterator[Row]:
    parts = [due.difference for due in group if due.difference is not None]
    over = sum((part for part in parts if part > 0), ZERO)
    short = sum((part for part in parts if part < 0), ZERO)
    cash = tender.kind == Tender.Kind.CASH
    yield Row(f"{tender.name}（含备用金）" if cash else tender.name)
    yield Row("  应有", f"{sum((due.expected for due in group), ZERO)}")
    yield Row("  实点", f"{sum((due.counted or ZERO for due in group), ZERO)}")
    if over:
        yield Row("  长款", f"{over}")
    if short:
        yield Row("  短款", f"{abs(short)}")
    if not (over or short):
        yield Row("  长短款", "平")


def _litres(told: ShiftReport) -> Iterator[Row]:
    for one in grades(told):
        sold = sum((run.sold for run in one.runs), NO_LITRES)
        amount = sum((run.sold_amount for run in one.runs), ZERO)
        yield Row(f"{one.grade.code} {sold:.2f} 升", f"{amount}")
    yield Row(f"付油合计 {told.litres:.2f} 升", f"{told.amount}")
    for book in told.books:
        said = "未量罐" if book.variance is None else wording.gain_loss(book.variance)
        yield Row(f"{book.tank} 损溢", said)


def _words(told: ShiftReport) -> Iterator[Row]:
    said = [
        *remarks(told),
        *(
            f"{due.tender.name} {due.reason}"
            for report in told.sessions
            for due in report.dues
            if due.reason
        ),
        *(
            f"订正 {row.subject} {row.old_value} → {row.new_value}：{row.reason}"
            for row in told.corrections
        ),
    ]
    if said:
        yield Row("备注")
        yield from (Row(f"· {text}") for text in said)
        yield Row(rule=True)


def trial_paper(*, printer: Printer, document: str, by: str, at: datetime) -> Paper:
    """What a test print shows: Chinese, a full line of its columns, and a code that scans."""
    ruler = ("1234567890" * (printer.columns // 10 + 1))[: printer.columns]
    rows = (
        Row(printer.station.name, big=True, centre=True),
        Row("试打", centre=True),
        Row(rule=True),
        Row("打印机", printer.name),
        Row("接口", printer.get_kind_display()),
        Row("每行字符数", f"{printer.columns}"),
        Row("时间", stamp(at)),
        *((Row("试打人", by),) if by else ()),
        Row(rule=True),
        Row("汉字：油站 昆明 ￥ ① ℃ 囍 镕"),
        Row(ruler),
        Row("左边", "右边"),
        Row("上面一行数字应正好占满一行", centre=True),
    )
    return Paper(rows, code=document)
