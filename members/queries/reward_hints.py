"""再加 X 元可换 Y: how little more a member would have to buy for the next reward. Pure but for its start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from members.models import EarnRule
from members.queries.earn_rules import capped, rules_at, used_of
from members.queries.earning import Basket, BasketLine, Used, earned
from members.queries.points import account_of, wallet_at
from members.queries.pools import payable_of
from members.queries.rewards import next_beyond
from members.queries.tier_benefits import held_at
from station.models import Station
from station.queries import settings

LIMIT = "members.reward_hint_yuan"


@dataclass(frozen=True, slots=True)
class Hint:
    """So many yuan more, and the basket reaches a reward of so many points."""

    yuan: int
    reward: str
    points: int

    @property
    def words(self) -> str:
        return f"再加 {self.yuan} 元可换「{self.reward}」（{self.points} 分）"


def hint_for(
    *, member_id: int, lines: Sequence[BasketLine], station: Station, day: date, at: datetime
) -> Hint | None:
    """What the till says to a member with a basket; None where the gap is above the station's figure.

    The points that the basket itself will earn are counted. Eleven statements at most, three more in a pool.
    """
    rules = rules_at(at)
    if not rules or not lines:
        return None
    account = account_of(member_id=member_id)
    own = wallet_at(account=account, at=at).balance if account else 0
    balance = payable_of(member_id=member_id, own=own, at=at)
    held = held_at(member_id=member_id, at=at)
    basket = Basket(tuple(lines), at, station.code, held.code, held.name, held.benefits.multiplier)
    used = used_of(account_id=account.pk, day=day) if account and _capped(rules) else None
    have = balance + gain(basket, rules, used)
    offered = next_beyond(station=station, at=at, balance=have, member_id=member_id)
    if offered is None:
        return None
    wanted = offered.reward.cost_points - balance
    yuan = least_yuan(basket, rules, used, wanted, settings.whole(LIMIT, station))
    return Hint(yuan, offered.reward.name, offered.reward.cost_points) if yuan else None


def _capped(rules: Sequence[EarnRule]) -> bool:
    return capped(rules[0].program, rules)


def gain(basket: Basket, rules: Sequence[EarnRule], used: Used | None) -> int:
    """What a basket would earn."""
    return earned(basket, program=rules[0].program, rules=rules, used=used).points


def least_yuan(
    basket: Basket, rules: Sequence[EarnRule], used: Used | None, wanted: int, limit: int
) -> int:
    """The fewest whole yuan more on the basket that earn so many points; 0 where the limit is too few."""
    low, high = 1, limit
    if high < low or gain(grown(basket, high), rules, used) < wanted:
        return 0
    while low < high:
        middle = (low + high) // 2
        if gain(grown(basket, middle), rules, used) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def grown(basket: Basket, yuan: int) -> Basket:
    """The basket with so many yuan more of what is easiest to buy more of: fuel, else its last line."""
    fuel = next((one for one in basket.lines if one.kind == "FUEL"), basket.lines[-1])
    net = fuel.net + yuan
    more = replace(
        fuel,
        net=net,
        list_amount=fuel.list_amount + yuan,
        quantity=fuel.quantity * net / fuel.net if fuel.net else fuel.quantity + Decimal(1),
    )
    return replace(basket, lines=tuple(more if one is fuel else one for one in basket.lines))
