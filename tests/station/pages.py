"""Pages for the tests of the page kinds: a list, a report and a reference table over real rows."""

from decimal import Decimal

from django import forms
from django.db.models import Sum
from django.urls import include, path, reverse
from django.views.decorators.http import require_GET

from devices.models import Fill
from station.access import may
from station.errors import Refusal
from station.forms.controls import DayField
from station.models import Island
from station.queries.charts import Chart, Series
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.urls.root import urlpatterns as root
from station.views.crud import Reference, urls
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response
from tests import make


class FillFilters(forms.Form):
    since = DayField(label="从", initial=make.TODAY, required=False)
    grade = forms.ChoiceField(
        label="油品", required=False, choices=[("", "全部"), ("92#", "92#"), ("95#", "95#")]
    )


def fill_list(request, per_page=3):
    filters = filters_of(request, FillFilters)
    rows = Fill.objects.filter(station=request.station).select_related("nozzle", "grade")
    if filters.cleaned_data.get("grade"):
        rows = rows.filter(grade__code=filters.cleaned_data["grade"])
    return ListPage(
        title="加油记录",
        columns=(
            Column("枪", "nozzle.number", "code"),
            Column("时间", "occurred_at", "moment"),
            Column("油品", "grade.code", "grade"),
            Column("升数", "litres", "litres", sum="litres"),
            Column("金额", "amount", "yuan", sum="amount"),
        ),
        rows=rows,
        order=("-occurred_at",),
        filters=filters,
        opens=lambda row: f"/t/fills/{row.pk}/",
        sums={"litres": Sum("litres"), "amount": Sum("amount")},
        primary=Action("补录", "/t/new/"),
        empty=Empty("还没有加油记录", "抬枪加油后会出现在这里。"),
        per_page=per_page,
    )


@require_GET
@may("devices.fills")
def fills(request):
    return list_response(request, fill_list(request))


@require_GET
@may("devices.fills")
def report(request):
    return report_response(request, daily(request))


def daily(request):
    litres = Series("92#", (Decimal("120.50"), None, Decimal("80.25")))
    return Report(
        title="加油站日报",
        period="2026-04-22 周三",
        head=head_of(request, at=make.NOW),
        figures=(
            Figure("销售额", Decimal("1500.00"), "yuan", "", Decimal("1200.00"), "比上周三"),
            Figure("长短款", Decimal("-20.00"), "over_short", note="早班"),
        ),
        charts=(Chart("各时段销量", ("8时", "9时", "10时"), (litres,), "bar", "litres", "升"),),
        tables=(
            ReportTable(
                "油品销售",
                (
                    Column("油品", kind="grade"),
                    Column("升数", kind="litres"),
                    Column("损溢", kind="gain_loss"),
                ),
                [("92#", Linked(Decimal("200.750"), "/t/fills/?grade=92%23"), Decimal("-3.21"))],
                ("合计", Decimal("200.750"), Decimal("-3.21")),
            ),
        ),
        remarks=("早班短款 20.00 元。",),
    )


class IslandForm(forms.Form):
    number = forms.IntegerField(label="岛号", min_value=1)
    name = forms.CharField(label="名称", required=False, max_length=30)


def save_island(*, row, values, at, actor, station):
    if Island.objects.filter(station=station, number=values["number"]).exclude(pk=row and row.pk):
        raise Refusal(f"没有保存：{values['number']} 号岛已经有了。请换一个岛号。")
    if row is None:
        return Island.objects.create(station=station, **values)
    Island.objects.filter(pk=row.pk).update(**values)
    row.name = values["name"]
    return row


ISLANDS = Reference(
    app="t",
    name="islands",
    noun="加油岛",
    columns=(Column("岛号", "number", "count"), Column("名称", "name")),
    form=IslandForm,
    rows=lambda request: Island.objects.filter(station=request.station),
    save=save_island,
    initial=lambda row: {"number": row.number, "name": row.name},
    view_right="station.site.view",
    change_right="station.site.change",
    order=("number",),
)

pages = [
    path("fills/", fills, name="fills"),
    path("report/", report, name="report"),
    *urls(ISLANDS, "islands"),
]
urlpatterns = [*root, path("t/", include((pages, "t")))]


def href(name, **query):
    return reverse(f"t:{name}", query=query or None)
