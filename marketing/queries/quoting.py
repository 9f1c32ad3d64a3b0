"""What we offer on a basket: a frozen value that writes nothing.

A line comes back with its list amount, each discount with its reason in Chinese, and its net,
never below zero. Without promotions in force an offer is the list price, said honestly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from station.money import ZERO, Yuan


@dataclass(frozen=True)
class QuoteLine:
    """One line of a basket as promotions see it. `kind` is FUEL, GOODS or SERVICE."""

    position: int
    kind: str
    product: str
    category: str
    quantity: Decimal
    unit_price: Yuan
    list_amount: Yuan


@dataclass(frozen=True)
class Discount:
    """One reduction and why, shown to the customer one by one."""

    amount: Yuan
    reason: str


@dataclass(frozen=True)
class OfferLine:
    """One line of an offer: `net` = `list_amount` − its discounts."""

    position: int
    list_amount: Yuan
    discounts: tuple[Discount, ...] = ()

    def __post_init__(self) -> None:
        if self.net < 0:
            raise ValueError(f"第 {self.position} 行优惠超过了挂牌额")

    @property
    def discount(self) -> Yuan:
        """Everything taken off the line."""
        return sum((one.amount for one in self.discounts), ZERO)

    @property
    def net(self) -> Yuan:
        """What the line costs after its discounts."""
        return self.list_amount - self.discount

    @property
    def reason(self) -> str:
        """The reasons in one breath, for the line of the sale."""
        return "，".join(one.reason for one in self.discounts)


@dataclass(frozen=True)
class Offer:
    """A quote frozen at an instant, for a member or for anybody."""

    lines: tuple[OfferLine, ...]
    member: int | None
    at: datetime

    @property
    def net(self) -> Yuan:
        """What the basket costs."""
        return sum((line.net for line in self.lines), ZERO)


def quote(*, lines: Sequence[QuoteLine], member: int | None, at: datetime) -> Offer:
    """Price a basket for a member (None: anybody) at an instant. Pure; no promotion is in force."""
    return Offer(
        lines=tuple(OfferLine(line.position, line.list_amount) for line in lines),
        member=member,
        at=at,
    )
