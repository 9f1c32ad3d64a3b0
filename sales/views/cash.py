"""现金保管 and 存行; a cashier's own counts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from sales.forms.sessions import DepositForm, key_of
from sales.queries import cash as queries
from sales.queries import crew as crews
from sales.queries.cash import Holding
from sales.queries.fairness import fairness
from sales.services import cash
from station.access import StaffRequest, may
from station.errors import Refusal
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


@require_GET
@may("sales.custody")
def custody(request: StaffRequest) -> HttpResponse:
    return render(
        request, "sales/custody.html", {"custody": queries.custody(station=request.station)}
    )


@require_http_methods(["GET", "POST"])
@may("sales.custody")
def deposit(request: StaffRequest) -> HttpResponse:
    key = request.POST.get("key", "")
    client_key = key and f"deposit:{key}"
    if queries.deposits(station=request.station).filter(client_key=client_key).exists():
        return redirect("sales:custody")  # a second click: its cash is no choice any more
    holdings = queries.custody(station=request.station).holdings
    form = DepositForm(request.POST or None, holdings=holdings)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        chosen = _chosen(holdings, said["chosen"])
        try:
            made = cash.deposit(
                station=request.station,
                sessions=[one.session for one in chosen if one.session is not None],
                drops=[one.drop for one in chosen if one.drop is not None],
                amount=said["amount"],
                bank=said["bank"],
                slip_no=said["slip_no"],
                at=timezone.now(),
                actor=request.user,
                client_key=client_key,
            )
            messages.success(request, f"{made.number} 已登记存行 {made.amount} 元。")
            return redirect("sales:custody")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "key": key or uuid4().hex, "back_href": reverse("sales:custody")}
    return render(request, "sales/deposit.html", context, status=422 if form.errors else 200)


def _chosen(holdings: Sequence[Holding], keys: Sequence[str]) -> list[Holding]:
    return [one for one in holdings if key_of(one) in keys]


@require_GET
@may("sales.custody")
def deposits(request: StaffRequest) -> HttpResponseBase:
    return list_response(
        request,
        ListPage(
            title="存行记录",
            columns=(
                Column("单号", "number", "code"),
                Column("时间", "occurred_at", "moment"),
                Column("金额", "amount", "yuan"),
                Column("银行", "bank"),
                Column("缴款单号", "slip_no", "code"),
                Column("经手人", "actor.name"),
            ),
            rows=queries.deposits(station=request.station),
            order=("-occurred_at",),
            primary=Action("登记存行", reverse("sales:deposit"), "building-bank"),
            empty=Empty(
                "还没有存行记录",
                "登记第一笔存行后会出现在这里。",
                "登记存行",
                reverse("sales:deposit"),
            ),
        ),
    )


@require_GET
@may("sales.own_figures")
def my_over_short(request: StaffRequest) -> HttpResponse:
    told = fairness(station=request.station, cashier=request.user, at=timezone.now())
    return render(request, "sales/over_short.html", {"told": told, "mine": True})


@require_GET
@may("sales.fairness")
def over_short_of(request: StaffRequest, user_id: int) -> HttpResponse:
    people = crews.people(station=request.station, right="sales.session")
    cashier = next((one for one in people if one.pk == user_id), None)
    if cashier is None:
        raise Http404
    told = fairness(station=request.station, cashier=cashier, at=timezone.now())
    return render(request, "sales/over_short.html", {"told": told, "mine": False, "people": people})
