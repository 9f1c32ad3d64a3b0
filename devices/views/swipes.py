"""Swipes, cards and read rules."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.cards import CardForm, RuleForm, SampleForm
from devices.forms.filters import SwipeFilter
from devices.models import Card
from devices.queries import swipes as asked
from devices.services import cards as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.crud import Reference
from station.views.listing import filters_of, list_response

OUTCOMES: dict[str, Tone] = {"KNOWN": "good", "UNKNOWN": "wait", "LOST": "bad"}
CARD_TONES: dict[str, Tone] = {"ACTIVE": "good", "LOST": "bad", "CANCELLED": "off"}


@require_GET
@may("devices.swipes")
def swipes(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, SwipeFilter)
    listing = ListPage(
        title="刷卡与扫码",
        columns=(
            Column("时间", "occurred_at", "moment"),
            Column("读卡器", "source"),
            Column("位置", asked.place_of),
            Column("介质", lambda row: row.get_medium_display()),
            Column("内容", "text", "code"),
            Column("含义", lambda row: row.get_meaning_display()),
            Column(
                "结果",
                lambda row: row.get_outcome_display(),
                "state",
                tone=lambda row: OUTCOMES[row.outcome],
            ),
            Column("提示", asked.said),
        ),
        rows=asked.swipes(station=request.station, **filters.cleaned_data),
        order=("-occurred_at",),
        filters=filters,
        empty=Empty("还没有刷卡或扫码", "读卡器和扫码枪读到的每一次都会出现在这里。", icon="id"),
    )
    return list_response(request, listing, template="devices/swipes.html")


@require_GET
@may("devices.swipes")
def cards(request: StaffRequest) -> HttpResponseBase:
    changing = may_do(request.role, "devices.cards.change")
    new = Action("发卡", reverse("devices:card_new")) if changing else None
    listing = ListPage(
        title="卡",
        columns=(
            Column("卡号", "number", "code"),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: CARD_TONES[row.status],
            ),
            Column("用途", lambda row: row.get_meaning_display()),
            Column("持卡人", lambda row: row.holder.name if row.holder else row.document),
            Column("发卡时间", "issued_at", "moment"),
        ),
        rows=asked.cards(station=request.station),
        order=("-issued_at",),
        opens=(lambda row: reverse("devices:card", args=[row.pk])) if changing else None,
        primary=new,
        empty=Empty(
            "还没有发过卡",
            "给员工发卡后，刷卡就能认出是谁。",
            icon="id",
        ).leading(new),
    )
    return list_response(request, listing, template="devices/cards.html")


@require_http_methods(["GET", "POST"])
@may("devices.cards.change")
def card_new(request: StaffRequest) -> HttpResponse:
    form = CardForm(station=request.station)
    if request.method == "POST":
        form = CardForm(request.POST, station=request.station)
        if form.is_valid():
            try:
                card = services.issue(
                    station=request.station,
                    number=form.cleaned_data["number"],
                    holder=form.cleaned_data["holder"],
                    actor=request.user,
                    at=now(),
                )
                messages.success(request, f"已发卡 {card.number}。")
                return redirect("devices:cards")
            except Refusal as refusal:
                form.add_error(None, str(refusal))
    content = {
        "form": form,
        "back_href": reverse("devices:cards"),
        "unknown": asked.unknown_cards(station=request.station),
    }
    return render(request, "devices/card_new.html", content, status=422 if form.errors else 200)


@require_GET
@may("devices.cards.change")
def card(request: StaffRequest, pk: int) -> HttpResponse:
    return _card_page(request, _card(request, pk))


@require_POST
@may("devices.cards.change")
def card_move(request: StaffRequest, pk: int, to: str) -> HttpResponse:
    found = _card(request, pk)
    try:
        services.move(card=found, to=Card.Status(to), actor=request.user, at=now())
    except (Refusal, ValueError) as refusal:
        words = str(refusal) if isinstance(refusal, Refusal) else "没有这种状态"
        return _card_page(request, found, refusal=words)
    messages.success(request, f"卡 {found.number} 已{services.MOVES[Card.Status(to)][1]}。")
    return redirect("devices:card", pk)


@require_http_methods(["GET", "POST"])
@may("devices.swipes")
def rule_test(request: StaffRequest) -> HttpResponse:
    """Try a text. By POST, since a payment code that is tried belongs into no address."""
    form = SampleForm(request.POST or None)
    meant = None
    if form.is_bound and form.is_valid():
        meant = asked.decide(
            station=request.station,
            medium=form.cleaned_data["medium"],
            text=form.cleaned_data["sample"],
        )
        if meant.secret:
            form = SampleForm(initial={"medium": meant.medium})
    content = {"form": form, "meant": meant}
    answer = render(request, "devices/rule_test.html", content, status=422 if form.errors else 200)
    answer["Cache-Control"] = "no-store"
    return answer


def _card(request: StaffRequest, pk: int) -> Card:
    return get_object_or_404(asked.cards(station=request.station), pk=pk)


def _card_page(request: StaffRequest, found: Card, *, refusal: str = "") -> HttpResponse:
    content = {
        "card": found,
        "tone": CARD_TONES[found.status],
        "refusal": refusal,
        "last": found.swipes.select_related("reader__line").order_by("-id")[:10],
    }
    return render(request, "devices/card.html", content, status=422 if refusal else 200)


RULES = Reference(
    app="devices",
    name="rules",
    noun="读取规则",
    columns=(
        Column("顺序", "position", "count"),
        Column("介质", lambda row: row.get_medium_display()),
        Column("格式", "pattern", "code"),
        Column("含义", lambda row: row.get_meaning_display()),
        Column("说明", "note"),
        Column("在用", "active"),
    ),
    form=RuleForm,
    rows=lambda request: asked.rules_of(station=request.station),
    save=services.save_rule,
    initial=lambda row: {
        name: getattr(row, name)
        for name in ("position", "medium", "pattern", "meaning", "note", "active")
    },
    view_right="devices.swipes",
    change_right="devices.cards.change",
    order=("position",),
    empty_text="规则决定一段卡号或条码是什么意思：员工卡、会员卡、商品、付款码。",
)
