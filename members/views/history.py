"""What a member bought, filtered, with its totals."""

from __future__ import annotations

from django.db.models import Q, Sum
from django.http import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET

from members.forms.history import PurchaseFilter
from members.models import Purchase
from members.queries.history import KINDS, purchases_of
from members.views.page import found
from station.access import StaffRequest, may, may_do
from station.queries.columns import Column, Empty, Value
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

WORDS = dict(KINDS)


@require_GET
@may("members.view")
def purchases(request: StaffRequest, number: str) -> HttpResponseBase:
    one = found(request, number)
    filters = filters_of(request, PurchaseFilter, stations=request.stations)
    opens = may_do(request.role, "sales.view")
    sale = (lambda row: reverse("sales:sale", args=[row.document])) if opens else None
    return list_response(
        request,
        ListPage(
            title=f"会员 {one.number} 的消费",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("油站", "station.name", minor=True),
                Column("单号", "document", "code", href=sale),
                Column("类型", lambda row: WORDS.get(row.kind, row.kind)),
                Column("商品", "product"),
                Column("类别", "category", minor=True),
                Column("数量", "quantity", "litres"),
                Column("油量(L)", _litres, "litres", sum="litres"),
                Column("实收", "net", "yuan", sum="net"),
                Column("积分", "points", "count", sum="points"),
                Column("付款", lambda row: "、".join(row.tenders), minor=True),
            ),
            rows=purchases_of(one, **filters.cleaned_data),
            order=("-occurred_at",),
            filters=filters,
            sums={
                "litres": Sum("quantity", filter=Q(kind="FUEL")),
                "net": Sum("net"),
                "points": Sum("points"),
            },
            empty=Empty("还没有消费记录", "收款时选上会员，就会出现在这里。"),
            note="退款是负数的行；并入的会员的消费也在这里。",
        ),
        template="members/purchases.html",
        context={"member": one},
    )


def _litres(row: Purchase) -> Value:
    return row.quantity if row.kind == "FUEL" else None
