"""班报 as the trade prints it: the full form A–E, and the 班报表."""

from __future__ import annotations

from sales.queries.shift_money import money_tables
from sales.queries.shift_tables import (
    classified,
    correction_tables,
    dips_before,
    grades,
    handed_tanks,
    nozzle_table,
    staff_table,
    tank_table,
    total,
)
from sales.queries.shifts import ShiftReport
from station.models import Shift
from station.money import NO_LITRES
from station.queries import wording
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Report, ReportTable


def full_report(told: ShiftReport, head: Head) -> Report:
    """班报 A 泵码, B 油罐, C 收款, D 缴款, E 员工, with corrections and what passed on."""
    shift = told.shift
    left = sum((row.left for row in grades(told)), NO_LITRES)
    return Report(
        title="班报",
        period=period_of(shift),
        head=head,
        figures=(
            Figure("付油升数", told.litres, "litres", unit="升"),
            Figure("付油金额", told.amount, "yuan", note="按挂牌价分段"),
            Figure("长款", told.over_short.over, "yuan", note="长款不得抵短款"),
            Figure("短款", -told.over_short.short, "yuan"),
            Figure("待说明升数", left, "litres", unit="升"),
        ),
        tables=(
            nozzle_table(told.runs, shift.day.date),
            tank_table(told.books, dips_before(shift)),
            *money_tables(told),
            staff_table(told),
            *correction_tables(told),
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
        period=period_of(shift),
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
                ("合计", "", "", total(told.runs, "run")),
            ),
            *(() if told.blind else (classified(told),)),
            handed_tanks(told.books),
        ),
        remarks=remarks(told),
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
        f"{run.nozzle}走字比单据{wording.more_less(run.difference)}：{'；'.join(run.reasons)}"
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


def period_of(shift: Shift) -> str:
    """班次号, name and times, for the head of a form."""
    until = wording.local(shift.handed_over_at) if shift.handed_over_at else "当班"
    return f"{shift.number} {shift.name} {wording.local(shift.opened_at)} 至 {until}"
