"""The tables of the 班报: nozzles, litres by tender class, tanks, people, corrections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from inventory.models import Dip
from inventory.queries.books import Book
from sales.queries.mix import CLASSES, class_of
from sales.queries.runs import NozzleRun, previous
from sales.queries.shifts import GradeToExplain, ShiftReport, litres_to_explain
from station.models import Shift
from station.money import NO_LITRES, ZERO, Litres, Yuan
from station.queries import wording
from station.queries.columns import Column, Value
from station.queries.reporting import Linked, ReportTable

Row = Sequence[Value | Linked]
GRADE = Column("油品", kind="grade")


_NOZZLE = (
    Column("枪号", kind="code"),
    GRADE,
    Column("罐号", kind="code"),
    Column("接班泵码", kind="litres"),
    Column("调价点泵码"),
    Column("交班泵码", kind="litres"),
    Column("现价", kind="price"),
    Column("走字数", kind="litres"),
    Column("回罐(检定)", kind="litres"),
    Column("自用", kind="litres"),
    Column("销售升数", kind="litres"),
    Column("销售金额", kind="yuan"),
    Column("上班转入", kind="litres", minor=True),
    Column("转下班", kind="litres", minor=True),
    Column("POS 升数", kind="litres"),
    Column("POS 金额", kind="yuan"),
    Column("差异升数", kind="more_less"),
    Column("差异金额", kind="more_less_yuan"),
)


def nozzle_table(runs: Sequence[NozzleRun], day: date) -> ReportTable:
    """班报 A 泵码."""
    return ReportTable(
        "A 泵码",
        _NOZZLE,
        [_nozzle_row(run, day) for run in runs],
        (
            "合计",
            *[""] * 6,
            *(total(runs, name) for name in ("run", "tests", "own_use", "sold")),
            yuan(runs, "sold_amount"),
            *(total(runs, name) for name in ("passed_in", "passed_on", "claimed")),
            yuan(runs, "claimed_amount"),
            total(runs, "difference"),
            yuan(runs, "amount_difference"),
        ),
        note="差异金额含转入转出升数的金额",
    )


def _nozzle_row(run: NozzleRun, day: date) -> Row:
    asked = urlencode({"nozzle": run.nozzle.pk, "since": day, "until": day})
    return (
        Linked(str(run.nozzle.number), f"{reverse('devices:fills')}?{asked}"),
        run.grade.code,
        str(run.tank.number),
        run.opening,
        edges(run),
        run.closing,
        run.segments[-1].price if run.segments else None,
        run.run,
        run.tests,
        run.own_use,
        run.sold,
        run.sold_amount,
        run.passed_in,
        run.passed_on,
        run.claimed,
        run.claimed_amount,
        Linked(run.difference, tone="bad" if run.unexplained else ""),
        run.amount_difference,
    )


def edges(run: NozzleRun) -> str:
    """Where the price changed in a run, with the price before: 100120.00 原价 7.85."""
    return "、".join(
        f"{wording.litres(part.closing)} 原价 {part.price}" for part in run.segments[:-1]
    )


def classified(told: ShiftReport) -> ReportTable:
    """付油量分类统计 by grade: paid litres by tender class; what passed on is 已提未售."""
    lines = [(grade.grade.code, _classes(grade, told)) for grade in grades(told)]
    sums = [sum((parts[index] for _, parts in lines), NO_LITRES) for index in range(len(CLASSES))]
    return ReportTable(
        "付油分类(升)",
        (GRADE, Column("合计", kind="litres"), *(Column(name, kind="litres") for name in CLASSES)),
        [(code, sum(parts, NO_LITRES), *parts) for code, parts in lines],
        ("合计", sum(sums, NO_LITRES), *sums),
        note="已提未售为转下班减上班转入；其他2 含跑单",
    )


def _classes(grade: GradeToExplain, told: ShiftReport) -> list[Litres]:
    codes = {tender.pk: tender.code for tender in told.tenders}
    found = dict.fromkeys(CLASSES, NO_LITRES)
    paid = told.mix.litres.get(grade.grade.pk, {})
    for tender_id, litres in paid.items():
        found[class_of(codes[tender_id])] += litres
    # Documents that no money came for yet: drive-offs.
    found["其他2"] += grade.claimed - sum(paid.values(), NO_LITRES)
    found["已提未售"] = sum((run.passed_on - run.passed_in for run in grade.runs), NO_LITRES)
    found["自用油"] = sum((run.own_use for run in grade.runs), NO_LITRES)
    return [found[name] for name in CLASSES]


def tank_table(books: Sequence[Book], opened: dict[int, Dip]) -> ReportTable:
    """班报 B 油罐: opened on what was measured before, closed on what was measured now."""
    columns = (
        Column("罐号", kind="code"),
        GRADE,
        Column("接班油高(mm)", kind="count", minor=True),
        Column("接班水高(mm)", kind="count", minor=True),
        Column("接班油温(℃)", minor=True),
        Column("接班净油量", kind="litres"),
        Column("卸油量", kind="litres"),
        Column("付油量", kind="litres"),
        Column("回罐量", kind="litres"),
        Column("移库与调整", kind="litres"),
        Column("账存", kind="litres"),
        Column("交班油高(mm)", kind="count", minor=True),
        Column("交班水高(mm)", kind="count", minor=True),
        Column("交班油温(℃)", minor=True),
        Column("交班净油量", kind="litres"),
        Column("损溢量", kind="gain_loss"),
        Column("损溢率", kind="loss_rate"),
        Column("归因"),
    )
    rows: list[Row] = [
        (
            str(book.tank.number),
            book.tank.grade.code,
            *_measured(opened.get(book.tank.pk)),
            book.opening,
            book.received,
            book.pumped,
            book.returned,
            book.other,
            book.book,
            *_measured(book.dip),
            book.physical,
            book.variance,
            book.variance_permille,
            book.reason,
        )
        for book in books
    ]
    return ReportTable("B 油罐", columns, rows, note="损溢 = 实测 − 账存")


def dips_before(shift: Shift) -> dict[int, Dip]:
    """The handover dips that a shift opened on, by tank id."""
    before = previous(shift)
    if before is None:
        return {}
    dips = Dip.objects.filter(shift=before, purpose=Dip.Purpose.HANDOVER)
    return {dip.tank_id: dip for dip in dips.order_by("occurred_at", "pk")}


def _measured(dip: Dip | None) -> tuple[Value, Value, Value]:
    if dip is None:
        return None, None, None
    return dip.total_height_mm, dip.water_height_mm, None if dip.temp_c is None else str(dip.temp_c)


def handed_tanks(books: Sequence[Book]) -> ReportTable:
    """油罐交接 of the paper form."""
    columns = (
        Column("油罐编号", kind="code"),
        GRADE,
        Column("接班油量(L)", kind="litres"),
        Column("交班油高(mm)", kind="count"),
        Column("交班升数(L)", kind="litres"),
        Column("交班水高(mm)", kind="count"),
        Column("交班水量(L)", kind="litres"),
        Column("付油量", kind="litres"),
        Column("卸油量", kind="litres"),
        Column("损耗量", kind="gain_loss"),
        Column("损耗率(%)", kind="loss_percent"),
    )
    rows: list[Row] = [
        (
            str(book.tank.number),
            book.tank.grade.code,
            book.opening,
            book.dip.total_height_mm if book.dip else None,
            book.physical,
            book.dip.water_height_mm if book.dip else None,
            book.dip.water_l if book.dip else None,
            book.pumped,
            book.received,
            book.variance,
            _rate(book),
        )
        for book in books
    ]
    return ReportTable("油罐交接", columns, rows, note="损溢 = 实测 − 账存；率 = 损溢 ÷ 付油量")


def _rate(book: Book) -> Decimal | None:
    if book.variance is None or not book.pumped:
        return None
    return (book.variance / book.pumped).quantize(Decimal("0.0001"))


def staff_table(told: ShiftReport) -> ReportTable:
    """班报 E 员工."""
    columns = (
        Column("员工"),
        Column("岗位"),
        Column("岛/收银台"),
        Column("加油笔数", kind="count"),
        Column("升数", kind="litres"),
        Column("金额", kind="yuan"),
        Column("非油金额", kind="yuan"),
        Column("收银单数", kind="count"),
    )
    rows: list[Row] = [
        (row.name, row.post, row.place, row.fills, row.litres, row.fuel, row.shop, row.sales)
        for row in told.staff
    ]
    return ReportTable("E 员工", columns, rows)


def correction_tables(told: ShiftReport) -> tuple[ReportTable, ...]:
    """Corrections after the close; no table where there are none."""
    if not told.corrections:
        return ()
    columns = (
        Column("单号", kind="code"),
        Column("项目"),
        Column("原值"),
        Column("新值"),
        Column("原因"),
        Column("订正人"),
        Column("时间", kind="moment"),
    )
    rows: list[Row] = [
        (row.number, row.subject, row.old_value, row.new_value, row.reason, row.actor.name, row.at)
        for row in told.corrections
    ]
    return (ReportTable("订正", columns, rows, note="以上各表为班结时的数字，订正另列于此"),)


def grades(told: ShiftReport) -> list[GradeToExplain]:
    """The grades of a shift three ways, from what the report holds."""
    return litres_to_explain(told.shift, runs=told.runs, books=told.books)


def total(runs: Sequence[NozzleRun], name: str) -> Litres:
    """Σ litres of one column over the nozzles."""
    return sum((getattr(run, name) for run in runs), NO_LITRES)


def yuan(runs: Sequence[NozzleRun], name: str) -> Yuan:
    """Σ yuan of one column over the nozzles."""
    return sum((getattr(run, name) for run in runs), ZERO)
