"""自助终端 while a member stands there: what he has, the mall, and an order to top up."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import segno
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localdate
from django.views.decorators.http import require_POST

from members.models import Redemption, Reward, TopUpPlan
from members.queries.kiosk import balance_of, has_proof
from members.queries.points import wallet_of
from members.queries.points_expiry import last_day
from members.queries.rewards import open_orders, shelf
from members.queries.value import account_of_member, plans_in_force, rule_of
from members.services import kiosk as visits
from members.services.presence import NotPresent
from sales.forms.kiosk import CodeForm, KeyForm, PinForm
from sales.models import KioskOrder
from sales.queries.kiosk import orders, state_of
from sales.queries.reward_slips import NEXT
from sales.queries.tickets import read_id
from sales.services import kiosk as services
from sales.views.kiosk_guard import KioskRequest, screen, with_member
from station.errors import Refusal
from station.queries import settings

NAMED = "NAMED"  # the account a member has


def home_screen(request: KioskRequest, *, words: str = "", good: str = "") -> HttpResponse:
    """What the member has, and what he can do."""
    visit = request.visit
    waiting = orders().filter(member=visit.member, state=KioskOrder.State.OPEN)
    content = {
        "balance": balance_of(member=visit.member, at=request.at),
        "waiting": open_orders(member_id=visit.member_id, station=request.kiosk.station),
        "to_pay": waiting.filter(expires_at__gt=request.at).first(),
        # Who only swiped a card that he found learns no code: a code fetches the goods.
        "proven": has_proof(_fresh(request), at=request.at),
        "words": words,
        "good": good,
    }
    return screen(request, "home", content, 422 if words else 200)


@require_POST
@with_member
def home(request: KioskRequest) -> HttpResponse:
    return home_screen(request)


@require_POST
@with_member
def stay(request: KioskRequest) -> HttpResponse:
    """The screen was touched, with nothing to be asked for."""
    return HttpResponse(status=204)


# ------------------------------------------------------------------------------ the mall


def _offers(request: KioskRequest) -> tuple[int, list[Any]]:
    """The balance, and the rewards: what can be had first, then what is missing least."""
    member = request.visit.member_id
    balance = wallet_of(member_id=member, at=request.at).balance
    found = shelf(station=request.kiosk.station, at=request.at, member_id=member, balance=balance)
    return balance, sorted(found, key=lambda one: (not one.available, one.missing))


@require_POST
@with_member
def mall(request: KioskRequest) -> HttpResponse:
    balance, offers = _offers(request)
    return screen(request, "mall", {"balance": balance, "offers": offers})


def reward_screen(
    request: KioskRequest, *, words: str = "", ticket: str = "", by: str = ""
) -> HttpResponse:
    """One reward: taken by who showed himself to be there, else he is asked to."""
    balance, offers = _offers(request)
    wanted = _id(request, "reward")
    chosen = next((one for one in offers if one.reward.pk == wanted), None)
    if chosen is None:
        content = {"balance": balance, "offers": offers, "words": words or "这件礼品已下架。"}
        return screen(request, "mall", content, 422)
    account = account_of_member(request.visit.member_id)
    content = {
        "one": chosen,
        "balance": balance,
        "left": balance - chosen.reward.cost_points,
        "proven": has_proof(_fresh(request), at=request.at),
        "has_pin": bool(account and account.pin_hash),
        "ticket": ticket,
        "by": by,
        "key": uuid4().hex,
        "words": words,
    }
    return screen(request, "reward", content, 422 if words else 200)


def _fresh(request: KioskRequest) -> Any:
    request.visit.refresh_from_db(fields=["proof", "proof_ref", "proof_at", "ended_at"])
    return request.visit


def _id(request: KioskRequest, name: str) -> int:
    try:
        return read_id(request.POST.get(name, ""))
    except (ValueError, OverflowError):
        return 0


@require_POST
@with_member
def reward(request: KioskRequest) -> HttpResponse:
    by = request.POST.get("by", "")
    return reward_screen(request, by=by if by == "pin" else "")


@require_POST
@with_member
def prove_send(request: KioskRequest) -> HttpResponse:
    """A code to the member's own phone, whose number nobody has to type."""
    try:
        return reward_screen(request, ticket=visits.send_proof(visit=request.visit, at=request.at))
    except Refusal as refusal:
        return reward_screen(request, words=str(refusal))


@require_POST
@with_member
def prove_code(request: KioskRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    try:
        if not form.is_valid():
            raise NotPresent("请输入六位验证码。")
        visits.prove_by_text(visit=request.visit, at=request.at, **form.cleaned_data)
    except Refusal as refusal:
        ticket = request.POST.get("ticket", "")[:400]
        return reward_screen(request, words=str(refusal), ticket=ticket)
    return reward_screen(request)


@require_POST
@with_member
def prove_pin(request: KioskRequest) -> HttpResponse:
    form = PinForm(request.POST)
    try:
        if not form.is_valid():
            raise NotPresent("请输入六位支付密码。")
        pin = form.cleaned_data["pin"]
        visits.prove_by_pin(visit=request.visit, pin=pin, at=request.at)
    except Refusal as refusal:
        return reward_screen(request, words=_of_points(str(refusal)), by="pin")
    return reward_screen(request)


def _of_points(words: str) -> str:
    """A wrong PIN is said of paying; here it is about being there."""
    return words.replace("没有收款", "没有核验")


@require_POST
@with_member
def redeem(request: KioskRequest) -> HttpResponse:
    form, wanted = KeyForm(request.POST), _id(request, "reward")
    found = Reward.objects.filter(pk=wanted).first()
    if found is None or not form.is_valid():
        return home_screen(request, words="没有兑换：没有这件礼品。请重新选择。")
    try:
        done = services.redeem(
            visit=request.visit, reward=found, key=form.cleaned_data["key"], at=request.at
        )
    except Refusal as refusal:
        return reward_screen(request, words=str(refusal))
    return screen(request, "done", _told(request, done))


def _told(request: KioskRequest, done: Redemption) -> dict[str, Any]:
    """The order as the last screen says it: number, code, what is left, what comes next."""
    done = Redemption.objects.select_related("reward", "points_txn").get(pk=done.pk)
    return {
        "order": done,
        "next": NEXT.get(done.kind, ""),
        "until": last_day(done.expires_at) if done.kind in ("GOODS", "SERVICE") else None,
        "picture": drawn(done.code or done.number),
        "prints": _prints(request),
        "left": wallet_of(member_id=request.visit.member_id, at=request.at).balance,
    }


def _prints(request: KioskRequest) -> bool:
    printer = request.kiosk.printer
    return printer is not None and printer.active


def drawn(text: str) -> SafeString:
    """A QR code as a picture in the page."""
    svg = segno.make(text, error="m").svg_inline(omitsize=True, border=3, dark="#000", light="#fff")
    return mark_safe(svg)


# ------------------------------------------------------------------------------ topping up


def _plans_screen(request: KioskRequest, words: str = "") -> HttpResponse:
    days = settings.whole("members.value_refund_days", request.kiosk.station)
    found = plans_in_force(on=localdate(request.at), kind=NAMED)
    content = {
        "plans": [(one, rule_of(amount=one.amount, bonus=one.bonus, days=days)) for one in found],
        "account": account_of_member(request.visit.member_id),
        "key": uuid4().hex,
        "words": words,
    }
    return screen(request, "plans", content, 422 if words else 200)


@require_POST
@with_member
def plans(request: KioskRequest) -> HttpResponse:
    return _plans_screen(request)


@require_POST
@with_member
def order(request: KioskRequest) -> HttpResponse:
    """An order for a plan; with a number, the one that waits to be paid."""
    form = KeyForm(request.POST)
    number = form.cleaned_data["number"] if form.is_valid() else ""
    if number:
        found = get_object_or_404(orders(), number=number, member=request.visit.member)
        return _order_screen(request, found)
    chosen = TopUpPlan.objects.filter(pk=_id(request, "plan")).first()
    if chosen is None:
        return _plans_screen(request, "没有下单：请选一个档位。")
    try:
        made = services.order_top_up(
            visit=request.visit,
            plan=chosen,
            key=form.cleaned_data.get("key", ""),
            at=request.at,
        )
    except Refusal as refusal:
        return _plans_screen(request, str(refusal).replace("没有充值", "没有下单"))
    return _order_screen(request, made)


def _order_screen(request: KioskRequest, found: KioskOrder) -> HttpResponse:
    whole = orders().get(pk=found.pk)
    content = {
        "order": whole,
        "state": state_of(whole, at=request.at),
        "is_open": whole.state == KioskOrder.State.OPEN and whole.expires_at > request.at,
        "picture": drawn(whole.number),
        "prints": _prints(request),
    }
    return screen(request, "order", content)


@require_POST
@with_member
def cancel(request: KioskRequest) -> HttpResponse:
    number = request.POST.get("number", "")[:40]
    services.cancel(visit=request.visit, number=number, at=request.at)
    return home_screen(request, good="充值单已取消。")
