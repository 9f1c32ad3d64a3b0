"""自助充值单 at the till, and their list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.queries.finding import member_by_id
from members.queries.value import account_of_member, rule_of
from members.services.value_keeping import ValueRefused
from sales.forms.kiosk import TakeOrderForm
from sales.forms.till import checked
from sales.models import KioskOrder
from sales.queries import kiosk as asked
from sales.services import kiosk
from sales.views.answers import answers_json, body_of, session_of, shown
from station.access import StaffRequest, may
from station.queries import settings
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import list_response

TONES: dict[str, Tone] = {"待付款": "wait", "已充值": "good", "已取消": "off", "已过期": "off"}


def told(order: KioskOrder, *, at: datetime) -> dict[str, Any]:
    """An order as the till's panel shows it. Refuses one that cannot be paid any more."""
    why = asked.why_not(order, at=at)
    if why:
        raise ValueRefused(f"没有找到可收的充值单：{why}")
    member = order.member.merged_into or order.member
    hit, account = member_by_id(member.pk), account_of_member(member.pk)
    days = settings.whole("members.value_refund_days", order.station)
    return {
        "member": shown(hit) if hit else None,
        "account": account
        and {
            "number": account.number,
            "kind": account.get_kind_display(),
            "balance": str(account.balance),
            "principal": str(account.principal),
            "bonus": str(account.bonus),
        },
        "plans": [],
        "order": {
            "number": order.number,
            "plan": order.plan.name,
            "amount": str(order.amount),
            "rule": rule_of(amount=order.amount, bonus=order.bonus, days=days),
        },
    }


@require_POST
@may("sales.settle")
@answers_json
def take(request: StaffRequest) -> dict[str, Any]:
    typed = checked(TakeOrderForm(body_of(request)))
    top = kiosk.take(session=session_of(request), actor=request.user, at=now(), **typed)
    top.account.refresh_from_db(fields=["principal", "bonus"])
    return {
        "number": top.number,
        "amount": str(top.principal),
        "bonus": str(top.bonus),
        "balance": str(top.account.balance),
    }


@require_GET
@may("sales.view")
def orders(request: StaffRequest) -> HttpResponseBase:
    at = now()
    return list_response(
        request,
        ListPage(
            title="自助充值单",
            columns=(
                Column("单号", "number", "code"),
                Column("下单时间", "ordered_at", "moment"),
                Column("终端", "kiosk.name", minor=True),
                Column("会员", "member.number", "code"),
                Column("档位", "plan.name"),
                Column("金额", "amount", "yuan"),
                Column("赠金", "bonus", "yuan"),
                Column(
                    "状态",
                    lambda row: asked.state_of(row, at=at),
                    "state",
                    tone=lambda row: TONES[asked.state_of(row, at=at)],
                ),
                Column("充值单", _paid, "code", href=_href),
            ),
            rows=asked.orders().filter(station=request.station),
            order=("-ordered_at",),
            empty=Empty(
                "还没有自助充值单",
                "会员在自助终端上选好档位就会出现在这里；收银台扫单号，或在“储值充值”里输单号收款。",
            ),
        ),
    )


def _paid(row: KioskOrder) -> str:
    return row.top_up.number if row.top_up else ""


def _href(row: KioskOrder) -> str:
    return reverse("sales:top_up", args=[row.top_up.number]) if row.top_up else ""
