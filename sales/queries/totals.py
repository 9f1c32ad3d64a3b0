"""What a ticket comes to: lines with discount, tax and cost, the rounding, and the change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from station.errors import Refusal
from station.money import ZERO, Yuan, round_to, round_yuan, split_yuan, tax_within


class WrongPayment(Refusal):
    """What was offered does not pay the ticket."""


@dataclass(frozen=True)
class PricedLine:
    """A line as it will be sold: `net` = `list_amount` − `discount`, tax within, cost before tax."""

    position: int
    kind: str
    name: str
    product: str
    category: str
    quantity: Decimal
    unit_price: Yuan
    list_amount: Yuan
    tax_rate: Decimal
    unit_cost: Decimal
    fill_id: int | None = None
    grade_id: int | None = None
    item_id: int | None = None
    nozzle_id: int | None = None
    attendant_id: int | None = None
    discount: Yuan = ZERO
    reason: str = ""
    by_points: Yuan = ZERO  # what of the discount points paid, and how many
    points: int = 0

    @property
    def net(self) -> Yuan:
        """What the line costs the customer."""
        return self.list_amount - self.discount

    @property
    def tax(self) -> Yuan:
        """VAT contained in the net."""
        return tax_within(self.net, self.tax_rate)

    @property
    def cost(self) -> Yuan:
        """Cost before VAT of what was sold."""
        return round_yuan(self.quantity * self.unit_cost)

    def less(self, amount: Yuan, reason: str) -> PricedLine:
        """The same line with something more taken off, and why."""
        if not amount:
            return self
        reasons = [one for one in (self.reason, reason) if one]
        return replace(self, discount=self.discount + amount, reason="，".join(reasons)[:60])


@dataclass(frozen=True)
class Paid:
    """How a ticket is paid: `due` = net + rounding = what was tendered − change."""

    due: Yuan
    rounding: Yuan
    change: Yuan


def spread_discount(lines: Sequence[PricedLine], amount: Yuan, reason: str) -> list[PricedLine]:
    """Take an amount off the whole ticket, shared over its lines by what they cost."""
    shares = split_yuan(amount, [line.net for line in lines])
    return [line.less(share, reason) for line, share in zip(lines, shares, strict=True)]


def settle_up(*, net: Yuan, cash: Yuan, other: Yuan, step: Decimal) -> Paid:
    """Due, 抹零 and change for a net amount and what is tendered in cash and otherwise.

    Only what is left for cash is rounded, half up to the station's step: cards pay to the fen.
    Refuses (WrongPayment) too little, and more than is owed by anything but cash.
    """
    left = net - other
    if left < 0:
        raise WrongPayment(
            f"没有收款：非现金收了 {other} 元，超过应收 {net} 元。请改小刷卡或登记的金额。"
        )
    owed = round_to(left, step) if cash else left
    if cash < owed:
        raise WrongPayment(
            f"没有收款：应收 {other + owed} 元，已录 {other + cash} 元，还差 {owed - cash} 元。"
        )
    if cash and not left:
        raise WrongPayment("没有收款：其他方式已付清，不用再收现金。请删去现金一行。")
    return Paid(due=other + owed, rounding=owed - left, change=cash - owed)
