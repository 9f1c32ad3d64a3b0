"""积分商城 on a member's phone: what there is, what is missing, redeeming, and his orders."""

from __future__ import annotations

import re
import uuid
from typing import Any

import segno
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from members.models import Redemption, Reward, RewardCategory
from members.queries import phone
from members.queries.merged import ids_of
from members.queries.phone_orders import endable, orders_page, told_of
from members.queries.points import wallet_of
from members.queries.rewards import (
    MOST,
    Search,
    on_show,
    orders,
    rewards,
    shelf,
    shown_to,
    terms_of,
)
from members.services import presence, redemption_endings, redemptions
from members.services.redemptions import Wish
from members.views.guard import MemberRequest, key_asked, member_only, member_page, part
from station.errors import Refusal
from station.models import Station

TAPPED = re.compile(r"[0-9a-f]{32}")  # what a page gives its button, so that two taps are one order


@require_GET
@member_only
def mall(request: MemberRequest) -> HttpResponse:
    places, here = _stations(request)
    balance = wallet_of(member_id=request.member.pk, at=request.at).balance
    search = Search(
        text=request.GET.get("q", "").replace("\0", "")[:30],
        category=key_asked(request, "category") or None,
        affordable=request.GET.get("mine") == "1",
        dearest_first=request.GET.get("sort") == "down",
    )
    found = (
        shelf(
            station=here, at=request.at, member_id=request.member.pk, balance=balance, search=search
        )
        if here
        else []
    )
    content = {
        "places": places,
        "here": here,
        "balance": balance,
        "search": search,
        "categories": RewardCategory.objects.order_by("position", "pk"),
        "rows": found,
        "cut": MOST if len(found) == MOST else 0,
    }
    return member_page(request, "members/phone/mall.html", content)


@require_GET
@member_only
def reward(request: MemberRequest, pk: int) -> HttpResponse:
    return _reward_page(request, _reward(request, pk))


@require_POST
@member_only
def redeem(request: MemberRequest, pk: int) -> HttpResponse:
    found = _reward(request, pk)
    key = request.POST.get("key", "")
    if TAPPED.fullmatch(key) is None:
        return _reward_page(request, found, "没有兑换：页面太旧。请重新打开这个礼品再兑换。")
    _, here = _stations(request)
    try:
        if here is None:
            raise redemptions.NotRedeemable("没有兑换：没有在营业的油站。")
        seen = presence.by_own_phone(session=request.session_of_member)
        wish = Wish(
            key=f"app:{request.member.pk}:{key}",
            member=request.member,
            reward=found,
            station=here,
            channel=Redemption.Channel.APP,
        )
        order = redemptions.redeem(wish=wish, presence=seen, at=request.at, actor=None)
    except Refusal as refusal:
        return _reward_page(request, found, str(refusal))
    return redirect("phone:order", order.pk)


def _reward(request: MemberRequest, pk: int) -> Reward:
    return get_object_or_404(on_show(rewards(), request.at), pk=pk)


def _reward_page(request: MemberRequest, found: Reward, refusal: str = "") -> HttpResponse:
    places, here = _stations(request)
    balance = wallet_of(member_id=request.member.pk, at=request.at).balance
    content = {
        "places": places,
        "here": here,
        "balance": balance,
        "offered": shown_to(
            found, station=here, at=request.at, member_id=request.member.pk, balance=balance
        )
        if here
        else None,
        "terms": terms_of(found),
        "left": balance - found.cost_points,
        "key": uuid.uuid4().hex,
        "refusal": refusal,
    }
    return member_page(request, "members/phone/reward.html", content, 422 if refusal else 200)


def _stations(request: MemberRequest) -> tuple[list[Station], Station | None]:
    """The stations to choose from (none where there is one), and the one that is chosen."""
    asked = request.POST.get("station") or request.GET.get("station", "")
    home = request.member.home_station_id
    rows = list(Station.objects.filter(active=True).order_by("code"))
    chosen = sorted(rows, key=lambda one: (one.code != asked, one.pk != home))
    return (rows if len(rows) > 1 else []), (chosen[0] if chosen else None)


@require_GET
@member_only
def own_orders(request: MemberRequest) -> HttpResponse:
    rows, older = orders_page(member=request.member, before=key_asked(request, "before"))
    content = {"rows": rows, "older": older}
    return member_page(request, "members/phone/orders.html", content)


@require_GET
@member_only
def order(request: MemberRequest, pk: int) -> HttpResponse:
    return _order_page(request, _order(request, pk))


@require_POST
@member_only
def order_cancel(request: MemberRequest, pk: int) -> HttpResponse:
    found = _order(request, pk)
    if why := endable(found):
        return _order_page(request, found, f"没有取消：{why}")
    try:
        redemption_endings.cancel(
            order=found, reason="会员本人在手机上取消", at=request.at, actor=None
        )
    except Refusal as refusal:
        return _order_page(request, _order(request, pk), str(refusal))
    return redirect("phone:order", pk)


def _order(request: MemberRequest, pk: int) -> Redemption:
    return get_object_or_404(orders().filter(member__in=ids_of(request.member)), pk=pk)


def _order_page(request: MemberRequest, found: Redemption, refusal: str = "") -> HttpResponse:
    told = told_of(found)
    content: dict[str, Any] = {
        "order": found,
        "told": told,
        "picture": segno.make(found.code, error="m").svg_data_uri(scale=6, border=2)
        if told.shows_code
        else "",
        "may_cancel": not endable(found),
        "refusal": refusal,
        "mark": phone.mark(found.state, told),
    }
    if request.headers.get("HX-Request") and request.method == "GET":
        return part(request, "members/phone/_order.html", content)
    return member_page(request, "members/phone/order.html", content, 422 if refusal else 200)
