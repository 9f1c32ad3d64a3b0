"""盘点损溢 as a report: the trade's columns, one sign rule, the formula, and a chart of every tank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from inventory.queries.losses import Judged
from inventory.queries.reconciliation import Grain, Line, Running, rate_of
from station.money import NO_LITRES, Litres
from station.queries import wording
from station.queries.charts import Chart, Series
from station.queries.columns import Column, Tone, Value
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable

Cells = tuple[Value | Linked, ...]
SIGN = (
    "符号：损溢 = 实存 − 账存，小于零为损、大于零为溢；进油损溢 = 实收 − 原发，符号相同。"
    "表中和图中都写“损”“溢”，不写正负号。"
)
FORMULA = (
    "账存 = 期初 + 卸油量 − 付油量（泵码走字，含回罐和自用）+ 回罐量 ± 移库与调整；"
    "期初为上次实测，没有实测时为上次账存。"
    "损溢率 = 损溢量 ÷ 销售升数（付油 − 回罐 − 自用），销售不超过 1 升时不计。"
)
RUNNING = (
    "累计损溢、累计率自当月 1 日起：Σ损溢量 ÷ Σ销售升数；没有实测的班、日，销量并入下一次实测。"
)
ALLOWED = (
    "定额 = 销量 × 零售定额 + 平均存油 × 储存定额 × 天数 ÷ 当月天数（按班看时不计储存），"
    "取“损耗定额”中当日在用的一条；超定额 = 损量 − 定额。进油损溢 = 实收 − 原发，卸车定额在“损耗分段”中。"
    "温差影响 = 罐存温差 + 进油温差，算法在“损耗剔温”中，缺油温时不计。"
)
MOST_CHARTS = 8
HANDLED: dict[str, Tone] = {"未归因": "bad", "待审批": "wait", "已归因": "good"}
TONES: dict[str, Tone] = {"在定额内": "good", "超定额": "bad", "—": ""}


def report(
    *, rows: Sequence[Judged], period: str, grain: Grain, by_grade: bool, head: Head
) -> Report:
    """盘点 and 损溢分析 of the lines of a range."""
    lines = [row.line for row in rows]
    subjects = by_subject(lines)
    return Report(
        title="盘点损溢",
        period=f"{period}，按{grain.label}、按{'油品' if by_grade else '油罐'}",
        head=head,
        figures=_figures(subjects),
        charts=tuple(
            _chart(rows, grain) for rows in list(subjects.values())[:MOST_CHARTS] if len(rows) > 1
        ),
        tables=(
            table(lines, grain=grain, by_grade=by_grade),
            analysis(rows, grain=grain, by_grade=by_grade),
        ),
        remarks=(SIGN, FORMULA, RUNNING, ALLOWED, *_live(lines)),
        signatures=("制表", "计量员", "站长"),
        landscape=True,
    )


def period(since: date, until: date, grain: Grain) -> str:
    """The range in words; from the month's first where months are added up."""
    since = since.replace(day=1) if grain == Grain.MONTH else since
    return f"{since}" if since == until else f"{since} 至 {until}"


def by_subject(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """The lines of each tank (or grade), oldest first."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.name].append(line)
    return found


def _figures(subjects: dict[str, list[Line]]) -> tuple[Figure, ...]:
    whole = total_of([line for lines in subjects.values() for line in lines])
    figures = [
        Figure("损溢合计", whole.variance, "gain_loss", note=rate_words(whole)),
    ]
    for name, lines in list(subjects.items())[:4]:
        own = total_of(lines)
        grade = lines[0].grade.code
        label = name if len(lines[0].books) > 1 or name == grade else f"{name} {grade}"
        figures.append(Figure(label, own.variance, "gain_loss", note=rate_words(own)))
    return tuple(figures)


def total_of(lines: Sequence[Line]) -> Running:
    """Σ variance and Σ sold of lines, each tank's own waiting litres kept to its next measurement."""
    runs: dict[int, Running] = defaultdict(Running)
    for line in lines:
        for book in line.books:
            runs[book.tank.pk] = runs[book.tank.pk].after(book)
    return Running(
        sum((run.variance for run in runs.values()), NO_LITRES),
        sum((run.sold for run in runs.values()), NO_LITRES),
    )


def rate_words(run: Running) -> str:
    """The rate of a sum in words: 损 0.42‰, or that nothing was sold."""
    rate = rate_of(run.variance, run.sold)
    return "没有销量，不计损溢率" if rate is None else f"损溢率 {wording.loss_rate(rate)}"


def _chart(lines: Sequence[Line], grain: Grain) -> Chart:
    first = lines[0]
    return Chart(
        f"{_who(first)}：每{grain.label}损溢与累计",
        tuple(_when(line, grain) for line in lines),
        (
            Series(f"每{grain.label}损溢", tuple(line.variance for line in lines)),
            Series("当月累计", tuple(line.running.variance for line in lines), line=True),
        ),
        "bar",
        "gain_loss",
        "升",
        "日期",
        summed=False,
    )


def _who(line: Line) -> str:
    return line.name if len(line.books) > 1 else f"{line.name} {line.grade.code}"


def _when(line: Line, grain: Grain) -> str:
    if grain == Grain.MONTH:
        return line.label
    return f"{line.date:%m-%d}{f' {line.label}' if grain == Grain.SHIFT else ''}"


def table(lines: Sequence[Line], *, grain: Grain, by_grade: bool) -> ReportTable:
    """盘点: one row per tank or grade and slot of time; a row opens what it is made of."""
    return ReportTable(
        f"按{grain.label}盘点",
        (
            *_heads(grain, by_grade),
            Column("期初库存", kind="litres"),
            Column("卸油量", kind="litres"),
            Column("付油量", kind="litres"),
            Column("回罐量", kind="litres", minor=True),
            Column("移库与调整", kind="litres", minor=True),
            Column("期末库存(账)", kind="litres"),
            Column("实测库存", kind="litres"),
            Column("损溢量", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
        ),
        [_row(line, grain, by_grade) for line in lines],
        _totals(lines, grain, by_grade) if lines else (),
        empty="这个期间没有油罐账：开班后每班交班时量油，班结后出现在这里。",
    )


def _row(line: Line, grain: Grain, by_grade: bool) -> Cells:
    return (
        *_who_and_when(line, grain, by_grade),
        line.total("opening"),
        line.total("received"),
        line.total("pumped"),
        line.total("returned"),
        line.total("other"),
        line.total("book"),
        line.physical,
        line.variance,
        line.permille,
    )


def _totals(lines: Sequence[Line], grain: Grain, by_grade: bool) -> Cells:
    def total(name: str) -> Litres:
        return sum((line.total(name) for line in lines), NO_LITRES)

    whole = total_of(lines)
    return (
        "合计",
        *(("",) if grain == Grain.SHIFT else ()),
        *(() if by_grade else ("",)),
        "",
        "",
        total("received"),
        total("pumped"),
        total("returned"),
        total("other"),
        "",
        "",
        whole.variance,
        rate_of(whole.variance, whole.sold),
    )


def analysis(rows: Sequence[Judged], *, grain: Grain, by_grade: bool) -> ReportTable:
    """损溢分析: what was lost, what runs up, what may be lost, and what it came from."""
    return ReportTable(
        "损溢分析",
        (
            *_heads(grain, by_grade),
            Column("销量", kind="litres"),
            Column("损溢升", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("累计损溢", kind="gain_loss"),
            Column("累计率", kind="loss_rate"),
            Column("定额(L)", kind="litres"),
            Column("超定额升", kind="litres"),
            Column("状态", kind="state"),
            Column("进油损溢", kind="gain_loss"),
            Column("温差影响", kind="gain_loss", minor=True),
            *(() if grain == Grain.SHIFT else (Column("归因"), Column("处理状态", kind="state"))),
        ),
        [
            (
                *_who_and_when(row.line, grain, by_grade),
                row.line.total("sold"),
                row.line.variance,
                row.line.permille,
                row.line.running.variance,
                row.line.running.permille,
                row.allowance,
                row.over,
                Linked(row.state, tone=TONES[row.state]),
                row.delivered,
                row.thermal,
                *(() if grain == Grain.SHIFT else (row.cause, _handling(row))),
            )
            for row in rows
        ],
        empty="这个期间没有油罐账。",
    )


def _handling(row: Judged) -> Linked:
    """The state of its attribution, and the page where it is told."""
    href = row.told[0].href if len(row.told) == 1 else ""
    return Linked(row.handling, href, HANDLED.get(row.handling, ""))


def _heads(grain: Grain, by_grade: bool) -> tuple[Column, ...]:
    when = {"shift": "营业日", "day": "日结日期", "month": "月份"}[grain.value]
    return (
        Column(when, kind="code"),
        *((Column("班次"),) if grain == Grain.SHIFT else ()),
        *(() if by_grade else (Column("油罐", kind="code"),)),
        Column("油品", kind="grade"),
    )


def _who_and_when(line: Line, grain: Grain, by_grade: bool) -> Cells:
    return (
        Linked(line.label if grain == Grain.MONTH else f"{line.date}", drill(line, grain)),
        *((line.label,) if grain == Grain.SHIFT else ()),
        *(() if by_grade else (line.name,)),
        line.grade.code,
    )


def drill(line: Line, grain: Grain) -> str:
    """What a row opens: the days of a month, the tanks of a grade, what a tank did on a day."""
    tank = line.books[0].tank
    if grain == Grain.MONTH or len(line.books) > 1:
        until = _end_of_month(line.date) if grain == Grain.MONTH else line.date
        query = {"since": line.date, "until": until, "grain": "day", "by": "tank"}
        if len(line.books) == 1:
            query["tank"] = str(tank.pk)
        return f"{reverse('inventory:reconciliation')}?{urlencode(query)}"
    return reverse("inventory:reconciliation-day", args=[tank.pk, line.date])


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _live(lines: Sequence[Line]) -> tuple[str, ...]:
    dates = sorted({line.date for line in lines if not line.is_frozen})
    if not dates:
        return ()
    return (f"{'、'.join(f'{one:%m-%d}' for one in dates[-3:])} 还没有日结，数字为实时值。",)
