"""班报 as the trade prints it: the full form A–E, the 班报表, and the EGS columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from inventory.models import Dip
from inventory.queries.books import Book
from sales.models import Tender
from sales.queries.mix import CLASSES, class_of
from sales.queries.runs import NozzleRun, previous
from sales.queries.shift_money import money_tables
from sales.queries.shifts import GradeToExplain, ShiftReport, litres_to_explain
from station.models import Shift
from station.money import NO_LITRES, ZERO, Litres, Yuan
from station.queries import wording
from station.queries.columns import Column, Value
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable

Row = Sequence[Value | Linked]
GRADE = Column("油品", kind="grade")
LITRES_ = "litres"


def full_report(told: ShiftReport, head: Head) -> Report:
    """班报 A 泵码, B 油罐, C 收款, D 缴款, E 员工, with corrections and what passed on."""
    shift = told.shift
    left = sum((row.left for row in _grades(told)), NO_LITRES)
    return Report(
        title="班报",
        period=_period(shift),
        head=head,
        figures=(
            Figure("付油升数", told.litres, "litres", unit="升"),
            Figure("付油金额", told.amount, "yuan", note="按挂牌价分段"),
            Figure("长款", told.over_short.over, "yuan", note="长款不得抵短款"),
            Figure("短款", -told.over_short.short, "yuan"),
            Figure("待说明升数", left, "litres", unit="升"),
        ),
        tables=(
            _nozzles(told.runs),
            _tanks(told.books, _dips_before(shift)),
            *money_tables(told),
            _staff(told),
            *_after(told),
        ),
        remarks=remarks(told),
        signatures=signatures(told),
        landscape=True,
    )


def paper_report(told: ShiftReport, head: Head) -> Report:
    """班报表 with the columns and order of the paper: 泵码, 付油分类, 油罐交接."""
    shift = told.shift
    return Report(
        title="班报表",
        period=_period(shift),
        head=head,
        tables=(
            ReportTable(
                "泵码",
                (
                    Column("枪号", kind="code"),
                    Column("接班泵码", kind="litres"),
                    Column("交班泵码", kind="litres"),
                    Column("走字数", kind="litres"),
                ),
                [(str(run.nozzle.number), run.opening, run.closing, run.run) for run in told.runs],
                ("合计", "", "", _sum(told.runs, "run")),
            ),
            *(() if told.blind else (classified(told),)),
            _handed_tanks(told.books),
        ),
        remarks=remarks(told),
        signatures=signatures(told),
        landscape=True,
    )


def egs_report(told: ShiftReport, head: Head) -> Report:
    """The columns of 班次 as the station systems of the trade exchange them."""
    runs, books = told.runs, told.books
    tenders = told.mix.tenders
    paid = sum((row.total for row in tenders.values()), ZERO)
    return Report(
        title="班次数据",
        period=_period(told.shift),
        head=head,
        figures=(
            Figure("本班交易金额", _yuan(runs, "sold_amount"), "yuan"),
            Figure("订单金额", paid, "yuan"),
            Figure("付油量合计", told.litres, "litres", unit="升"),
            Figure("订单付油量", _sum(runs, "claimed"), "litres", unit="升"),
            Figure("状态", told.shift.get_status_display(), "text", note="采集方式 自动"),
        ),
        tables=(
            ReportTable(
                "枪",
                tuple(
                    Column(label, kind=kind)  # type: ignore[arg-type]
                    for label, kind in (
                        ("枪号", "code"),
                        ("罐号", "code"),
                        ("上班泵码", LITRES_),
                        ("下班泵码", LITRES_),
                        ("调整数", LITRES_),
                        ("走字数", LITRES_),
                        ("付油升数", LITRES_),
                        ("订单付油升数", LITRES_),
                        ("付油金额", "yuan"),
                        ("订单付油金额", "yuan"),
                    )
                ),
                [
                    (
                        str(run.nozzle.number),
                        str(run.tank.number),
                        run.opening,
                        run.closing,
                        run.meter_adjustment,
                        run.run,
                        run.sold,
                        run.claimed,
                        run.sold_amount,
                        run.claimed_amount,
                    )
                    for run in runs
                ],
                (
                    "合计",
                    "",
                    "",
                    "",
                    "",
                    _sum(runs, "run"),
                    _sum(runs, "sold"),
                    _sum(runs, "claimed"),
                    _yuan(runs, "sold_amount"),
                    _yuan(runs, "claimed_amount"),
                ),
            ),
            _egs_tanks(books),
            *(() if told.blind else (_egs_staff(told),)),
        ),
        signatures=signatures(told),
        landscape=True,
    )


def signatures(told: ShiftReport) -> tuple[str, ...]:
    """交班人、接班人、审核人 with names and times where they have signed."""
    signed = {row.role: row for row in told.signatures}
    places = [("GIVER", "交班人"), ("RECEIVER", "接班人"), ("APPROVER", "审核人")]
    return tuple(
        f"{label} {signed[role].user} {wording.local(signed[role].signed_at)}"
        if role in signed
        else label
        for role, label in places
    )


def remarks(told: ShiftReport) -> tuple[str, ...]:
    """Reasons for litres, what passed on and in, and what the classes hold that has no column."""
    said = ["本班还有收银台没有点款，点款前不显示各付款方式的金额"] if told.blind else []
    said += [
        f"{run.nozzle}差异 {wording.litres(run.difference)} 升：{'；'.join(run.reasons)}"
        for run in told.runs
        if run.reasons
    ]
    said += [
        f"{row.nozzle} {'加油中' if row.under_way else '未付款'} {wording.litres(row.litres)} 升 "
        f"{wording.yuan(row.amount)} 转下班"
        for row in told.passed_on
    ]
    said += [
        f"上班转入：{row.nozzle} {wording.litres(row.litres)} 升 {wording.yuan(row.amount)}"
        for row in told.came_in
        if row.fill_id is not None
    ]
    said += [f"预付未加：{row.number} {wording.yuan(row.amount)}" for row in told.prepaid]
    said += [f"{book.tank}：{book.reason}" for book in told.books if book.reason]
    return tuple(said)


def classified(told: ShiftReport) -> ReportTable:
    """付油量分类统计 by grade: paid litres by tender class; what passed on is 已提未售."""
    lines = [(grade.grade.code, _classes(grade, told)) for grade in _grades(told)]
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


def _nozzles(runs: Sequence[NozzleRun]) -> ReportTable:
    columns = (
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
        Column("差异升数", kind="litres"),
        Column("差异金额", kind="yuan"),
    )
    rows: list[Row] = [
        (
            str(run.nozzle.number),
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
        for run in runs
    ]
    litres = ("run", "tests", "own_use", "sold")
    return ReportTable(
        "A 泵码",
        columns,
        rows,
        (
            "合计",
            *[""] * 6,
            *(_sum(runs, name) for name in litres),
            _yuan(runs, "sold_amount"),
            _sum(runs, "passed_in"),
            _sum(runs, "passed_on"),
            _sum(runs, "claimed"),
            _yuan(runs, "claimed_amount"),
            _sum(runs, "difference"),
            _yuan(runs, "amount_difference"),
        ),
        note="差异金额含转入转出升数的金额",
    )


def edges(run: NozzleRun) -> str:
    """Where the price changed in a run, with the price before: 100120.00 原价 7.85."""
    return "、".join(
        f"{wording.litres(part.closing)} 原价 {part.price}" for part in run.segments[:-1]
    )


def _dips_before(shift: Shift) -> dict[int, Dip]:
    """The handover dips that a shift opened on, by tank id."""
    before = previous(shift)
    if before is None:
        return {}
    dips = Dip.objects.filter(shift=before, purpose=Dip.Purpose.HANDOVER)
    return {dip.tank_id: dip for dip in dips.order_by("occurred_at", "pk")}


def _tanks(books: Sequence[Book], opened: dict[int, Dip]) -> ReportTable:
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
        Column("损溢率‰", kind="permille"),
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


def _measured(dip: Dip | None) -> tuple[Value, Value, Value]:
    if dip is None:
        return None, None, None
    return dip.total_height_mm, dip.water_height_mm, None if dip.temp_c is None else str(dip.temp_c)


def _handed_tanks(books: Sequence[Book]) -> ReportTable:
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
        Column("损耗率(%)", kind="percent"),
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


def _egs_tanks(books: Sequence[Book]) -> ReportTable:
    labels = ("上班账存", "本班入库", "本班出库", "核销", "本班结存", "实际库存")
    return ReportTable(
        "罐",
        (
            Column("罐号", kind="code"),
            GRADE,
            *(Column(label, kind="litres") for label in labels),
            Column("损耗", kind="gain_loss"),
        ),
        [
            (
                str(book.tank.number),
                book.tank.grade.code,
                book.opening,
                book.received + book.returned,
                book.pumped,
                book.other,
                book.book,
                book.physical,
                book.variance,
            )
            for book in books
        ],
    )


def _egs_staff(told: ShiftReport) -> ReportTable:
    cash = {
        report.session.cashier.name: next(
            (due.received for due in report.dues if due.tender.kind == Tender.Kind.CASH), ZERO
        )
        for report in told.sessions
    }
    return ReportTable(
        "员工",
        (
            Column("员工"),
            Column("付油量", kind="litres"),
            Column("现金款", kind="yuan"),
        ),
        [(row.name, row.litres, cash.get(row.name, ZERO)) for row in told.staff],
    )


def _staff(told: ShiftReport) -> ReportTable:
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


def _after(told: ShiftReport) -> tuple[ReportTable, ...]:
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


def _grades(told: ShiftReport) -> list[GradeToExplain]:
    return litres_to_explain(told.shift, runs=told.runs, books=told.books)


def _period(shift: Shift) -> str:
    until = wording.local(shift.handed_over_at) if shift.handed_over_at else "当班"
    return f"{shift.number} {shift.name} {wording.local(shift.opened_at)} 至 {until}"


def _sum(runs: Sequence[NozzleRun], name: str) -> Litres:
    return sum((getattr(run, name) for run in runs), NO_LITRES)


def _yuan(runs: Sequence[NozzleRun], name: str) -> Yuan:
    return sum((getattr(run, name) for run in runs), ZERO)
