"""What we offer on a basket: a frozen value that writes nothing.

A line comes back with its list amount, each discount with its reason in Chinese, and its net,
never below zero. Without rules an offer is the list price, said honestly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketing.queries.benefits import litres_of
from marketing.queries.combining import Told, best
from marketing.queries.rules import QuoteLine, Rule
from station.money import ZERO, Yuan


@dataclass(frozen=True)
class Discount:
    """One reduction and why, shown to the customer one by one; `key` is the rule it comes from."""

    amount: Yuan
    reason: str
    key: str = ""
    campaign: str = ""
    coupon: int | None = None


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
    """A quote frozen at an instant, for a member or for anybody.

    `coupons` are those used, `told` says of every coupon what it takes off or why it does not,
    `litres` how many a rule with a daily cap worked on, by the rule's key.
    """

    lines: tuple[OfferLine, ...]
    member: int | None
    at: datetime
    coupons: tuple[int, ...] = ()
    told: tuple[Told, ...] = ()
    litres: tuple[tuple[str, Decimal], ...] = ()

    @property
    def net(self) -> Yuan:
        """What the basket costs."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def discount(self) -> Yuan:
        """What the offer takes off the basket."""
        return sum((line.discount for line in self.lines), ZERO)


def quote(
    *,
    lines: Sequence[QuoteLine],
    member: int | None,
    at: datetime,
    rules: Sequence[Rule] = (),
    tier: int = 0,
) -> Offer:
    """Price a basket for a member (None: anybody) of a tier's rank at an instant. Pure.

    `rules` are the promotions in force and the coupons in the hand; their order and that of the
    lines do not matter. The best legal combination is applied.
    """
    chosen = best(lines, rules, member=member, tier=tier, at=at)
    discounts: dict[int, list[Discount]] = {}
    for rule, taken in chosen.applied:
        for position, off in sorted(taken.items()):
            discounts.setdefault(position, []).append(
                Discount(off, rule.name, rule.key, rule.campaign, rule.coupon)
            )
    return Offer(
        lines=tuple(
            OfferLine(line.position, line.list_amount, tuple(discounts.get(line.position, ())))
            for line in lines
        ),
        member=member,
        at=at,
        coupons=tuple(rule.coupon for rule, _ in chosen.applied if rule.coupon is not None),
        told=chosen.told,
        litres=tuple(
            (rule.key, litres_of(lines, rule, taken))
            for rule, taken in chosen.applied
            if rule.litres_left is not None
        ),
    )
