"""What we offer on a basket: a frozen value that writes nothing.

A line comes back with its list amount, each discount with its reason in Chinese, and its net,
never below zero. Without rules an offer is the list price, said honestly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketing.queries.benefits import Litres
from marketing.queries.combining import Best, Told, ToldLock, best
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
class Locked:
    """Litres of a line at a locked price."""

    lock: int
    position: int
    litres: Decimal


@dataclass(frozen=True)
class Limit:
    """A coupon that is used, limited to some ways of paying: `words` say which."""

    name: str
    tenders: frozenset[str]
    words: str


@dataclass(frozen=True)
class Offer:
    """A quote frozen at an instant, for a member or for anybody.

    `coupons` are those used, `told` says of every coupon what it takes off or why it does not, and
    `locks` the same of every locked price. `litres` are how many a rule with a daily cap worked on,
    by the rule's key; `locked` those that a locked price took, by its lock and the line.
    `limits` are the ways of paying that a coupon used is limited to.
    """

    lines: tuple[OfferLine, ...]
    member: int | None
    at: datetime
    coupons: tuple[int, ...] = ()
    told: tuple[Told, ...] = ()
    litres: tuple[tuple[str, Decimal], ...] = ()
    locks: tuple[ToldLock, ...] = ()
    locked: tuple[Locked, ...] = ()
    limits: tuple[Limit, ...] = ()

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
        left = rule.litres_left or Decimal(0)
        for position, off in sorted(taken.items()):
            reason = rule.name
            if rule.lock is not None:
                litres = chosen.litres[rule.key][position]
                left -= litres
                reason = lock_words(rule.value, litres, left)
            discounts.setdefault(position, []).append(
                Discount(off, reason, rule.key, rule.campaign, rule.coupon)
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
        litres=_capped(chosen),
        locks=chosen.locks,
        locked=tuple(
            Locked(rule.lock, position, litres)
            for rule, _ in chosen.applied
            if rule.lock is not None
            for position, litres in sorted(chosen.litres[rule.key].items())
        ),
        limits=tuple(
            Limit(rule.name, rule.tenders, rule.paid_by)
            for rule, _ in chosen.applied
            if rule.tenders
        ),
    )


def _capped(chosen: Best) -> tuple[tuple[str, Decimal], ...]:
    """How many litres the rules with a daily cap worked on."""
    nothing: Litres = {}
    return tuple(
        (rule.key, sum(chosen.litres.get(rule.key, nothing).values(), Decimal(0)))
        for rule, _ in chosen.applied
        if rule.litres_left is not None and rule.lock is None
    )


def lock_words(price: Yuan, litres: Decimal, left: Decimal) -> str:
    """What a locked price takes off a line, as the customer reads it."""
    return f"锁价 ¥{price:.2f} × {litres:.2f} 升（余 {left:.2f} 升）"
