"""Cards of a member, and the member frozen: what is done when a card is gone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from devices.models import Card
from members.forms.cards import CardForm
from members.models import Member
from members.queries.plastic import cards_of
from members.services import cards, freezing
from members.views.page import found, page
from station.access import StaffRequest, may
from station.errors import Refusal


@require_http_methods(["GET", "POST"])
@may("members.cards")
def card_new(request: StaffRequest, number: str) -> HttpResponse:
    return _issue(request, found(request, number), None)


@require_http_methods(["GET", "POST"])
@may("members.cards")
def card_replace(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    one = found(request, number)
    return _issue(request, one, get_object_or_404(cards_of(one), pk=pk))


@require_POST
@may("members.cards")
def card_move(request: StaffRequest, number: str, pk: int, to: str) -> HttpResponse:
    one = found(request, number)
    card = get_object_or_404(cards_of(one), pk=pk)
    if to not in Card.Status.values:
        return page(request, one, refusal="没有改动：没有这种卡状态，请刷新页面。")
    try:
        cards.move(member=one, card=card, to=Card.Status(to), at=now(), actor=request.user)
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    messages.success(request, f"卡 {card.number} 已{Card.Status(to).label}。")
    return redirect("members:member", number)


@require_POST
@may("members.freeze")
def freeze(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    try:
        freezing.freeze(
            member=one, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    messages.success(request, f"会员 {number} 已冻结：不积分，也不能用积分、储值和券。")
    return redirect("members:member", number)


@require_POST
@may("members.freeze")
def unfreeze(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    try:
        freezing.unfreeze(
            member=one, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    messages.success(request, f"会员 {number} 已解冻。")
    return redirect("members:member", number)


def _issue(request: StaffRequest, one: Member, old: Card | None) -> HttpResponse:
    form = CardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = cards.issue(
                member=one,
                station=request.station,
                replaces=old,
                at=now(),
                actor=request.user,
                **form.cleaned_data,
            )
            done = f"已补卡 {made.number}，旧卡即刻作废。" if old else f"已发卡 {made.number}。"
            messages.success(request, done)
            return redirect("members:member", one.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:member", args=[one.number])
    content = {"form": form, "member": one, "old": old, "back_href": back}
    return render(request, "members/card.html", content, status=422 if form.errors else 200)
