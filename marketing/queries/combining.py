"""The best legal combination of offers, and why each other coupon was not used. Pure.

Up to `MOST` offers that would take something off are tried in every combination. The largest
saving wins; at a tie fewer coupons, then those that expire first, then the lowest ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import combinations

from marketing.queries.benefits import Litres, Standing, Taken, missing
from marketing.queries.rules import QuoteLine, Rule, Stage
from station.money import ZERO, Yuan

MOST = 8
Applied = tuple[tuple[Rule, Taken], ...]


@dataclass(frozen=True)
class Told:
    """What became of a coupon: what it takes off, or why it does not."""

    coupon: int
    name: str
    amount: Yuan
    why: str = ""
    tenders: frozenset[str] = frozenset()  # the ways of paying that it is limited to
    paid_by: str = ""  # the same in words


@dataclass(frozen=True)
class ToldLock:
    """What became of a locked price: on how many litres it is, how many stay, or why it is not."""

    lock: int
    name: str
    amount: Yuan
    litres: Decimal
    left: Decimal
    until: datetime | None
    why: str = ""


@dataclass(frozen=True)
class Best:
    """The chosen rules with what each takes off, and a word on every coupon and locked price.

    `litres` are those that each rule on the price worked on, by its key and the line's position.
    """

    applied: Applied
    told: tuple[Told, ...]
    locks: tuple[ToldLock, ...] = ()
    litres: Mapping[str, Litres] = field(default_factory=dict)


def unfit(
    lines: Sequence[QuoteLine], rule: Rule, *, member: int | None, tier: int, at: datetime
) -> str:
    """Why a rule cannot apply to a basket at all, in words; empty when it can."""
    if rule.refused:
        return rule.refused
    if rule.members_only and member is None:
        return "限会员"
    if rule.tier_rank > tier:
        return f"限{rule.tier_name or '更高等级'}及以上会员"
    if rule.lock is None and rule.litres_left is not None and rule.litres_left <= 0:
        return "今天的优惠升数已用完"
    return rule.when.missing(at) or missing(lines, rule)


def legal(rules: Sequence[Rule]) -> bool:
    """Whether these offers may be given together."""
    return not any(clash(one, other) for one, other in combinations(rules, 2))


def clash(one: Rule, other: Rule) -> str:
    """Why two offers do not go together, in words; empty when they do."""
    if one.alone or other.alone:
        alone = one if one.alone else other
        return f"「{alone.name}」不与其他优惠同享"
    if one.stage != other.stage:
        return ""
    if one.exclusive or other.exclusive:
        exclusive = one if one.exclusive else other
        return f"「{exclusive.name}」不与同类优惠同享"
    if one.group and one.group == other.group:
        return "同组的优惠一单只用一个"
    return ""


def applied(lines: Sequence[QuoteLine], rules: Sequence[Rule]) -> Applied:
    """What each of these rules takes off, one after the other in their fixed order."""
    standing = Standing.of(lines)
    return tuple((rule, standing.take(rule)) for rule in sorted(rules, key=lambda one: one.order))


def saving(parts: Applied) -> Yuan:
    """Everything that is taken off."""
    return sum((sum(taken.values(), ZERO) for _, taken in parts), ZERO)


def best(
    lines: Sequence[QuoteLine],
    rules: Sequence[Rule],
    *,
    member: int | None,
    tier: int,
    at: datetime,
) -> Best:
    """The best legal combination for a basket, the same whatever order the rules come in."""
    why = {one.key: unfit(lines, one, member=member, tier=tier, at=at) for one in rules}
    fitting = [one for one in rules if not why[one.key]]
    kept = _worth_trying(lines, fitting)
    chosen: Applied = ()
    for parts in _combinations(lines, kept):
        if _rank(parts) < _rank(chosen):
            chosen = parts
    standing = _before_order(lines, chosen)
    ordered = sorted(rules, key=lambda one: one.key)
    told = tuple(
        _told(one, _lacks(standing, one, why[one.key]), chosen, one in kept)
        for one in ordered
        if one.coupon is not None
    )
    locks = tuple(
        _told_lock(one, why[one.key], chosen, one in kept, standing.litres.get(one.key, {}))
        for one in ordered
        if one.lock is not None
    )
    return Best(chosen, told, locks, standing.litres)


def _before_order(lines: Sequence[QuoteLine], chosen: Applied) -> Standing:
    """The basket as thresholds of the order find it: after what the chosen take off single lines."""
    standing = Standing.of(lines)
    for rule, _ in chosen:
        if rule.stage <= Stage.LINE:
            standing.take(rule)
    return standing


def _lacks(standing: Standing, rule: Rule, why: str) -> str:
    """What is missing for a rule of the order, measured as it will be; other reasons as they are."""
    lacking = missing(standing.lines, rule)
    if rule.stage <= Stage.LINE or why != lacking:
        return why
    return missing(standing.lines, rule, standing)


def _combinations(lines: Sequence[QuoteLine], rules: Sequence[Rule]) -> Iterator[Applied]:
    for count in range(1, len(rules) + 1):
        for some in combinations(rules, count):
            if legal(some):
                parts = applied(lines, some)
                # One that takes nothing off would be spent for nothing.
                if all(taken for _, taken in parts):
                    yield parts


def _worth_trying(lines: Sequence[QuoteLine], rules: Sequence[Rule]) -> list[Rule]:
    """The rules that take something off by themselves, the strongest first; at most `MOST`.

    What takes nothing off an untouched basket takes nothing off a touched one.
    """
    alone = {one.key: saving(applied(lines, [one])) for one in rules}
    worth = [one for one in rules if alone[one.key] > 0]
    worth.sort(key=lambda one: (-alone[one.key], -one.priority, _expiry(one), one.key))
    return worth[:MOST]


def _expiry(rule: Rule) -> float:
    until = rule.when.until
    return until.timestamp() if until is not None else float("inf")


def _rank(parts: Applied) -> tuple[object, ...]:
    """Smaller is better: more saved, fewer coupons and locks, earlier expiry, lower ids."""
    coupons = sorted((_expiry(rule), rule.coupon) for rule, _ in parts if rule.coupon is not None)
    locks = sum(rule.lock is not None for rule, _ in parts)
    keys = sorted(rule.key for rule, _ in parts)
    return (-saving(parts), len(coupons), locks, coupons, len(keys), keys)


def _told(rule: Rule, why: str, chosen: Applied, tried: bool) -> Told:
    assert rule.coupon is not None
    amount = _taken_by(rule, chosen)
    why = "" if amount else why or _beaten(rule, chosen, tried)
    return Told(rule.coupon, rule.name, amount, why, rule.tenders, rule.paid_by)


def _told_lock(
    rule: Rule, why: str, chosen: Applied, tried: bool, worked: Mapping[int, Decimal]
) -> ToldLock:
    assert rule.lock is not None
    assert rule.litres_left is not None
    amount = _taken_by(rule, chosen)
    litres = sum(worked.values(), Decimal(0))
    return ToldLock(
        lock=rule.lock,
        name=rule.name,
        amount=amount,
        litres=litres,
        left=rule.litres_left - litres,
        until=rule.when.until,
        why="" if amount else why or _beaten(rule, chosen, tried),
    )


def _taken_by(rule: Rule, chosen: Applied) -> Yuan:
    """What a rule takes off; a chosen one always takes something."""
    return next((sum(taken.values(), ZERO) for one, taken in chosen if one.key == rule.key), ZERO)


def _beaten(rule: Rule, chosen: Applied, tried: bool) -> str:
    for one, _ in chosen:
        if words := clash(rule, one):
            return f"{words}，已用更省的「{one.name}」" if one.name != rule.name else words
    if not chosen or not tried:
        return "这一单用不上，或已有更省的优惠"
    return f"已用更省的「{chosen[0][0].name}」"
