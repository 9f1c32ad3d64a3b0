"""Tables of the 加油站日报 about what is out of the ordinary, and whether the sums meet."""

from __future__ import annotations

from finance.queries.figures import Figures
from finance.queries.links import link
from finance.queries.parts import FillRow
from finance.queries.reports.comparing import Cells
from station.money import ZERO
from station.queries import wording
from station.queries.columns import Column
from station.queries.reporting import Linked, ReportTable


def fills(figures: Figures) -> ReportTable:
    def rows(word: str, found: tuple[FillRow, ...]) -> list[Cells]:
        return [
            (
                word,
                Linked(f"{row.nozzle} 号枪", link("devices:fill", row.fill)),
                row.grade,
                row.litres,
                row.amount,
                row.occurred_at,
                row.document,
                row.text,
                row.people,
            )
            for row in found
        ]

    return ReportTable(
        "十、特殊加油",
        (
            Column("类别"),
            Column("油枪"),
            Column("油品", kind="grade"),
            Column("升数(L)", kind="litres"),
            Column("金额", kind="yuan"),
            Column("挂枪时间", kind="moment"),
            Column("单号", kind="code"),
            Column("说明"),
            Column("经办 / 审批"),
        ),
        [
            *rows("未付", figures.unpaid),
            *rows("跑单", figures.drive_offs),
            *rows("回罐、自用", figures.uses),
            *rows("迟到、补录", figures.late),
        ],
        note=f"跑单应收：期初 {wording.yuan(figures.receivable.carried)}，"
        f"本日新增 {wording.yuan(figures.receivable.new)}，"
        f"本日收回或核销 {wording.yuan(figures.receivable.settled)}，"
        f"期末 {wording.yuan(figures.receivable.balance)}。",
        empty="当日没有未付、跑单、回罐、自用、迟到或补录。",
    )


def tallies(figures: Figures) -> ReportTable:
    due = [row for row in figures.advances if row.is_refund_due]
    waiting = [row for row in figures.advances if not row.is_refund_due]
    rows: list[Cells] = [
        *(
            (f"待处理：{row.kind}", Linked(row.count, link("sales:discrepancies")), row.amount)
            for row in figures.discrepancies
        ),
        *(
            (f"告警：{row.kind}", Linked(row.count, link("devices:alarms")), row.amount)
            for row in figures.alarms
        ),
    ]
    if due:
        rows.append(("预付应退", len(due), sum((row.balance for row in due), ZERO)))
    if waiting:
        rows.append(("预付待加油", len(waiting), sum((row.balance for row in waiting), ZERO)))
    return ReportTable(
        "十一、异常",
        (Column("项目"), Column("次数", kind="count"), Column("金额", kind="yuan")),
        rows,
        empty="当日没有待处理、告警和预付余额。",
    )


def checks(figures: Figures) -> ReportTable:
    return ReportTable(
        "十二、勾稽",
        (
            Column("关系"),
            Column("左", kind="litres"),
            Column("右", kind="litres"),
            Column("结果", kind="state"),
        ),
        [
            (
                check.name,
                check.left,
                check.right,
                Linked(
                    "相符" if check.holds else f"相差 {abs(check.difference)}",
                    tone="good" if check.holds else "bad",
                ),
            )
            for check in figures.checks
        ],
    )
