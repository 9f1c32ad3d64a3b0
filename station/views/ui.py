"""Samples of every page kind with made-up figures: for those who build pages, under DEBUG only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from station.access import StaffRequest, may
from station.forms.controls import DayField, LitresInput
from station.queries.charts import Chart, Series
from station.queries.columns import Action, Column, Empty, Sheet, Step, line, totals
from station.queries.listing import Page
from station.queries.papers import paper_of_report
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable
from station.services import exporting

_AT: Final = datetime(2026, 4, 22, 12, 5, tzinfo=UTC)
_KINDS: Final = (
    "board", "till", "list", "empty", "detail", "form", "wizard", "report", "phone", "plain",
)  # fmt: skip
_GRADES: Final = (("92#", "7.62"), ("95#", "8.13"), ("98#", "9.24"), ("0#", "7.29"))
_LIST, _FORM, _DETAIL = "/ui/list/", "/ui/form/", "/ui/detail/"


class SampleForm(forms.Form):
    nozzle = forms.IntegerField(label="枪号", min_value=1, help_text="加油机面板上的编号")
    litres = LitresInput(label="升数")
    grade = forms.ChoiceField(label="油品", choices=[(name, name) for name, _ in _GRADES])
    reason = forms.CharField(
        label="补录原因", widget=forms.Textarea(attrs={"rows": 2}), required=False
    )
    agreed = forms.BooleanField(label="已与加油员核对泵码")


class SampleFilters(forms.Form):
    since = DayField(label="从")
    until = DayField(label="到")
    grade = forms.ChoiceField(
        label="油品",
        required=False,
        choices=[("", "全部"), *((name, name) for name, _ in _GRADES)],
    )
    number = forms.CharField(label="单号或车牌", required=False, max_length=40)


@require_GET
@may("station.home")
def index(request: StaffRequest) -> HttpResponse:
    return render(request, "station/ui.html", {"kinds": _KINDS})


@require_GET
@may("station.home")
def sample(request: StaffRequest, kind: str) -> HttpResponse:
    if kind not in _KINDS:
        raise Http404
    wanted = request.GET.get("export", "")
    if kind == "report" and wanted in exporting.FILES:
        media, make = exporting.FILES[wanted]
        return HttpResponse(make(paper_of_report(_report())), content_type=media)
    status = 422 if kind == "form" else 200
    return render(request, f"station/ui/{kind}.html", _content(request, kind), status=status)


def _content(request: HttpRequest, kind: str) -> dict[str, Any]:
    if kind in {"list", "empty"}:
        return _list(kind == "empty")
    if kind == "report":
        return {"report": _report(), "report_filters": _filters()}
    if kind == "form":
        form = SampleForm({"nozzle": "40", "litres": "12.3456"})
        form.add_error(None, "没有保存：3 号枪这一笔已由 1 号台收款。请核对单号后再补录。")
        return {"form": form, "back_href": "/ui/"}
    if kind == "wizard":
        return {"steps": _steps()}
    if kind == "detail":
        messages.success(request, "已补打小票 D01-01-260422-0371。")
        return {"sheet": _sheet(6), "history": _history()}
    if kind == "phone":
        return {"figures": _figures()}
    return {"nozzles": _nozzles(), "sheet": _sheet(4)}


def _filters() -> SampleFilters:
    return SampleFilters({"since": date(2026, 4, 1), "until": date(2026, 4, 22)})


def _rows(count: int) -> list[Any]:
    return [
        SimpleNamespace(
            number=f"D01-01-260422-{371 - at:04d}",
            at=_AT - timedelta(minutes=7 * at),
            nozzle=f"{1 + at * 5 % 32} 号枪",
            grade=_GRADES[at % 4][0],
            litres=Decimal("20.000") + Decimal(at * 1379 % 31000) / 1000,
            amount=Decimal("152.40") + Decimal(at * 7717 % 41000) / 100,
            tender=("现金", "微信", "银行卡", "挂账")[at % 4],
            state=("已收款", "已收款", "待付款", "已退款")[at % 4],
            tone=("good", "good", "bad", "off")[at % 4],
            diff=Decimal((at % 3) - 1) * Decimal("12.34"),
        )
        for at in range(count)
    ]


def _columns() -> tuple[Column, ...]:
    return (
        Column("单号", "number", "code", href=lambda row: _DETAIL),
        Column("时间", "at", "moment"),
        Column("油枪", "nozzle", "code"),
        Column("油品", "grade", "grade"),
        Column("升数(L)", "litres", "litres", sum="litres"),
        Column("金额", "amount", "yuan", sum="amount"),
        Column("付款方式", "tender", minor=True),
        Column("损溢", "diff", "gain_loss", minor=True),
        Column("状态", "state", "state", tone=lambda row: row.tone),
    )


def _sheet(count: int) -> Sheet:
    rows, columns = _rows(count), _columns()
    sums = {
        "litres": sum((row.litres for row in rows), Decimal(0)),
        "amount": sum((row.amount for row in rows), Decimal(0)),
    }
    return Sheet(columns, tuple(line(columns, row, _DETAIL) for row in rows), totals(columns, sums))


def _list(empty: bool) -> dict[str, Any]:
    nothing = Empty(
        "还没有卸油单", "油罐车到站后在这里开单，记下卸前卸后油高。", "开卸油单", _FORM, "truck"
    )
    page = Page(_sheet(0 if empty else 40), nothing, "共 371 条", "", "next")
    listing = SimpleNamespace(
        title="卸油单" if empty else "销售单",
        filters=_filters(),
        primary=Action("补录", _FORM),
        element="list",
    )
    return {"list": listing, "page": page}


def _figures() -> tuple[Figure, ...]:
    say = "比上周三"
    litres, before = Decimal("12834.560"), Decimal("11920.330")
    sold, earlier = Decimal("98671.23"), Decimal("102334.10")
    return (
        Figure("油品销量", litres, "litres", "L", before, say, href=_LIST),
        Figure("销售额", sold, "yuan", "", earlier, say, href=_LIST),
        Figure("毛利", Decimal("9120.40"), "yuan", "", Decimal("9120.40"), say),
        Figure("加油笔数", 371, "count", "笔", 340, say),
        Figure("长短款", Decimal("-20.00"), "over_short", note="1 个班有差异"),
    )


def _charts() -> tuple[Chart, ...]:
    hours = tuple(f"{hour}时" for hour in range(0, 24, 2))
    sold = tuple(
        Series(name, tuple(Decimal((at * 37 + 11 * order) % 90 * 10 + 120) for at in range(12)))
        for order, (name, _) in enumerate(_GRADES)
    )
    money = Series("销售额", tuple(Decimal((at * 37) % 90 * 75 + 900) for at in range(12)))
    shares = Series("笔数", (131, 117, 80, 43))
    return (
        Chart("各时段销量", hours, sold, "stack", "litres", "升", "时段"),
        Chart("各时段销售额", hours, (money,), "line", "yuan", "元", "时段"),
        Chart("付款方式", ("现金", "微信", "银行卡", "挂账"), (shares,), "pie", unit="笔"),
    )


def _report() -> Report:
    columns = (
        Column("油品", kind="grade"),
        Column("升数(L)", kind="litres"),
        Column("均价", kind="price"),
        Column("实收", kind="yuan"),
        Column("毛利率", kind="percent"),
        Column("损溢", kind="gain_loss"),
        Column("损溢率", kind="loss_rate"),
    )
    share = Decimal("0.0924")
    rows = [
        (
            name,
            Linked(Decimal("3208.640"), _LIST),
            Decimal(price),
            Decimal("24449.84"),
            share,
            Decimal("-3.21") + order * 2,
            Decimal("-1.00") + order,
        )
        for order, (name, price) in enumerate(_GRADES)
    ]
    total = ("合计", Decimal("12834.560"), "", Decimal("97799.36"), share, Decimal("-0.84"), "")
    odd = (Column("时间", kind="moment"), Column("事项"))
    return Report(
        title="加油站日报",
        period="2026-04-22 周三",
        head=Head("滇池路加油站", "王站长", _AT),
        figures=_figures(),
        charts=_charts(),
        tables=(
            ReportTable("油品销售", columns, rows, total),
            ReportTable("异常清单", odd, [(_AT, "3 号枪有 1 笔未付款")]),
            ReportTable("便利店", odd, []),
        ),
        remarks=("早班短款 20.00 元，原因：找零差错，已由站长确认。",),
        signatures=("制表", "班长", "审核"),
    )


def _steps() -> tuple[Step, ...]:
    return (
        Step("停止收款", "done", "#", "李收银"),
        Step("核对泵码", "done", "#", "系统"),
        Step("盲点现金", "open", "#", "李收银", "还差 1 个收银台", here=True),
        Step("解释差异", "blocked", "", "王站长", "先点完现金"),
        Step("双方签字", "blocked", "", "李收银、张收银"),
    )


def _history() -> list[Any]:
    return [
        SimpleNamespace(
            at=_AT,
            actor_name="王站长",
            action="修改付款方式",
            reason="顾客改刷银行卡",
            before={"付款方式": "现金"},
            after={"付款方式": "银行卡"},
        ),
        SimpleNamespace(
            at=_AT, actor_name="李收银", action="收款", reason="", before=None, after=None
        ),
    ]


def _nozzles() -> list[Any]:
    states = (
        ("idle", "空闲", "circle"),
        ("calling", "提枪", "bell-ringing"),
        ("authorised", "已授权", "lock-open"),
        ("fuelling", "加油中", "droplet"),
        ("due", "待付款", "cash"),
        ("locked", "已锁定", "lock"),
        ("off", "停用", "ban"),
        ("offline", "离线", "plug-x"),
    )
    return [
        SimpleNamespace(
            number=at + 1,
            grade=_GRADES[at % 4][0],
            key=states[at * 3 % 8][0],
            word=states[at * 3 % 8][1],
            icon=states[at * 3 % 8][2],
            amount=Decimal("152.40") + at * 13,
            litres=Decimal("20.000") + at,
        )
        for at in range(32)
    ]
