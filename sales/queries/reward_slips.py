"""兑换单 on receipt paper, and the reward orders as the till shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Max

from devices.models import Printer
from members.models import Redemption
from members.queries.points_expiry import last_day
from members.queries.rewards import Offered, orders
from sales.models import Receipt
from sales.queries.receipts import Paper, Row, stamp

NEXT = {
    "GOODS": "凭本单领取礼品",
    "SERVICE": "到店出示核销码，由员工核销一次",
    "COUPON": "券发放后在会员账户里",
    "TOP_UP": "充值到账后在会员账户里",
    "PARTNER": "等合作方办理，结果另行告知",
}


def order_for_paper(*, document: str) -> Redemption | None:
    """The order of a number with what its slip shows. One statement."""
    return orders().filter(number=document).first()


def printer_of_order(order: Redemption) -> Printer | None:
    """The printer of the till at which it was taken."""
    return Printer.objects.filter(till=order.till_id, active=True).order_by("pk").first()


def paper_of_order(*, order: Redemption, copy: int = 1) -> Paper:
    """The slip: what was taken for how many points, until when it is good, and the code to scan."""
    return Paper(tuple(_rows(order, copy)), code=order.code or order.number)


def _rows(order: Redemption, copy: int) -> Iterator[Row]:
    yield Row(order.station.name, big=True, centre=True)
    yield Row("积分兑换单", centre=True)
    if copy > 1:
        yield Row(f"＊＊ 补打 第 {copy - 1} 次 ＊＊", centre=True)
    yield Row(rule=True)
    yield Row(f"单号 {order.number}")
    yield Row(f"时间 {stamp(order.requested_at)}")
    yield Row(f"会员 {order.member.number}")
    if order.till is not None:
        by = order.requested_by.name if order.requested_by else ""
        yield Row(order.till.name, f"经办 {by}" if by else "")
    yield Row(rule=True)
    yield Row(order.reward.name, f"{order.points} 分")
    if order.surcharge:
        yield Row("另加", f"{order.surcharge} 元")
    if order.points_txn is not None:
        yield Row("兑换后可用积分", f"{order.points_txn.balance_after} 分")
    yield Row("状态", order.get_state_display())
    if order.code:
        yield Row("核销码", f"{order.code[:4]} {order.code[4:]}")
    if order.state == Redemption.State.RESERVED:
        yield Row(NEXT.get(order.kind, ""), centre=True)
        if order.kind in {"GOODS", "SERVICE"}:
            yield Row("最后一天", f"{last_day(order.expires_at)}")
    yield Row(rule=True)
    yield Row("兑换商品不找零、不兑现", centre=True)


def copies(numbers: Sequence[str]) -> Mapping[str, int]:
    """The last copy of each order's slip. One statement."""
    rows = Receipt.objects.filter(document__in=numbers, kind=Receipt.Kind.REWARD)
    return dict(rows.values_list("document").annotate(Max("copy")).order_by("document"))


def offered(one: Offered) -> dict[str, Any]:
    """A reward as the till shows it to a member."""
    reward, paid = one.reward, one.reward.surcharge_item
    return {
        "id": reward.pk,
        "name": reward.name,
        "kind": reward.kind,
        "kind_words": reward.get_kind_display(),
        "category": reward.category.name,
        "points": reward.cost_points,
        "surcharge": str(paid.price) if paid else "",
        "stock": None if one.stock is None else f"{one.stock.normalize():f}",
        "available": one.available,
        "told": one.told,
    }


def standing(order: Redemption, last_copy: int = 0) -> dict[str, Any]:
    """An order as the till shows it after it was taken, or while it waits to be picked up."""
    paid = order.reward.surcharge_item
    return {
        "id": order.pk,
        "number": order.number,
        "name": order.reward.name,
        "kind": order.kind,
        "points": order.points,
        "state": order.state,
        "state_words": order.get_state_display(),
        "code": order.code,
        "until": str(last_day(order.expires_at)),
        "surcharge": str(order.surcharge) if order.surcharge else "",
        "surcharge_item": paid.pk if paid and order.surcharge else None,
        "copy": max(last_copy, 1) + 1,
    }
