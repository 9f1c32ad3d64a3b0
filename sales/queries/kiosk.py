"""自助充值单, asked; and what a kiosk prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.utils.timezone import localtime

from devices.models import Printer
from members.queries.value import rule_of
from sales.models import KioskOrder
from sales.queries.receipts import Paper, Row, stamp
from station.models import Station
from station.queries import settings

State = KioskOrder.State


def orders() -> QuerySet[KioskOrder]:
    """Orders with what pages, paper and till show."""
    return KioskOrder.objects.select_related(
        "station", "kiosk__printer", "member__key", "member__home_station", "plan", "top_up"
    )


def order_of(*, text: str, station: Station) -> KioskOrder | None:
    """The order of a number as it was typed or scanned. One statement, none for other numbers."""
    sought = text.strip().upper()[:40]
    if not sought.startswith("ZC"):
        return None
    return orders().filter(number=sought, station=station).first()


def why_not(order: KioskOrder, *, at: datetime) -> str:
    """Why an order cannot be paid any more; empty where it can."""
    if order.state == State.PAID:
        top = order.top_up
        return f"{order.number} 已经充值（{top.number if top else ''}），没有再收。"
    if order.state == State.CANCELLED:
        return f"{order.number} 已取消：顾客另下了一单或自己取消了。请收新的单。"
    if order.expires_at <= at:
        return (
            f"{order.number} 已过期（{localtime(order.expires_at):%H:%M} 前有效）。请顾客重新下单。"
        )
    return ""


def state_of(order: KioskOrder, *, at: datetime) -> str:
    """The state in a word: an open order that ran out is 已过期."""
    if order.state == State.OPEN and order.expires_at <= at:
        return "已过期"
    return str(order.get_state_display())


def printer_of_order(order: KioskOrder) -> Printer | None:
    """The printer beside the kiosk."""
    printer = order.kiosk.printer
    return printer if printer is not None and printer.active else None


def paper_of_order(*, order: KioskOrder) -> Paper:
    """The slip that the customer takes to the till: no money was taken yet."""
    return Paper(tuple(_rows(order)), code=order.number)


def _rows(order: KioskOrder) -> Iterator[Row]:
    yield Row(order.station.name, big=True, centre=True)
    yield Row("自助充值单（未付款）", centre=True)
    yield Row(rule=True)
    yield Row(f"单号 {order.number}")
    yield Row(f"时间 {stamp(order.ordered_at)}")
    yield Row(f"会员 {order.member.number}")
    yield Row(f"终端 {order.kiosk.name}")
    yield Row(rule=True)
    yield Row(f"档位 {order.plan.name}")
    if order.bonus:
        yield Row("赠送", f"{order.bonus}")
    yield Row("应付", f"¥{order.amount}", big=True)
    yield Row(rule=True)
    yield Row(f"请在 {localtime(order.expires_at):%H:%M} 前到收银台付款，出示本单。")
    days = settings.whole("members.value_refund_days", order.station)
    yield Row(rule_of(amount=order.amount, bonus=order.bonus, days=days))
