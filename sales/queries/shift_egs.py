"""班次数据 with the columns that the station systems of the trade exchange (EGS)."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.queries.books import Book
from sales.models import Tender
from sales.queries.runs import NozzleRun
from sales.queries.shift_papers import period_of, signatures
from sales.queries.shift_tables import GRADE, total, yuan
from sales.queries.shifts import ShiftReport
from station.money import ZERO
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Report, ReportTable


def egs_report(told: ShiftReport, head: Head) -> Report:
    """枪, 罐 and 员工 of a shift with the trade's columns and their order."""
    runs = told.runs
    paid = sum((row.total for row in told.mix.tenders.values()), ZERO)
    return Report(
        title="班次数据",
        period=period_of(told.shift),
        head=head,
        figures=(
            Figure("本班交易金额", yuan(runs, "sold_amount"), "yuan"),
            Figure("订单金额", paid, "yuan"),
            Figure("付油量合计", told.litres, "litres", unit="升"),
            Figure("订单付油量", total(runs, "claimed"), "litres", unit="升"),
            Figure("状态", told.shift.get_status_display(), "text", note="采集方式 自动"),
        ),
        tables=(
            _guns(runs),
            _tanks(told.books),
            *(() if told.blind else (_staff(told),)),
        ),
        signatures=signatures(told),
        landscape=True,
    )


def _guns(runs: Sequence[NozzleRun]) -> ReportTable:
    volumes = ("上班泵码", "下班泵码", "调整数", "走字数", "付油升数", "订单付油升数")
    return ReportTable(
        "枪",
        (
            Column("枪号", kind="code"),
            Column("罐号", kind="code"),
            *(Column(label, kind="litres") for label in volumes),
            Column("付油金额", kind="yuan"),
            Column("订单付油金额", kind="yuan"),
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
            *[""] * 4,
            *(total(runs, name) for name in ("run", "sold", "claimed")),
            yuan(runs, "sold_amount"),
            yuan(runs, "claimed_amount"),
        ),
    )


def _tanks(books: Sequence[Book]) -> ReportTable:
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


def _staff(told: ShiftReport) -> ReportTable:
    cash = {
        report.session.cashier.name: next(
            (due.received for due in report.dues if due.tender.kind == Tender.Kind.CASH), ZERO
        )
        for report in told.sessions
    }
    return ReportTable(
        "员工",
        (Column("员工"), Column("付油量", kind="litres"), Column("现金款", kind="yuan")),
        [(row.name, row.litres, cash.get(row.name, ZERO)) for row in told.staff],
    )
