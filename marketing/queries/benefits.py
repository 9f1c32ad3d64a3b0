"""What one rule takes off which line of a basket on which others have worked already. Pure.

The pump's litres and price are never touched: every benefit is an amount of money on a line, and
no line goes below zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marketing.queries.rules import QuoteLine, Rule, Stage, Work
from station.money import ZERO, Yuan, round_yuan, share_yuan

Taken = dict[int, Yuan]  # by position
Litres = dict[int, Decimal]  # by position
NO_LITRES = Decimal(0)
DOWN_TO = (Work.TIER_PRICE, Work.LOCK)  # whose value is what a litre then costs


@dataclass
class Standing:
    """A basket under offers: what each line still costs, and which stage has touched which line.

    `before_order` is what the lines cost before the first discount on the whole order: thresholds
    are measured against it, so that the order in which discounts are given changes none of them.
    `locked` are the litres of a line that have a locked price, and `litres` those of each line that
    a rule on the price worked on, by the rule's key.
    """

    lines: Sequence[QuoteLine]
    net: Taken
    before_order: Taken
    touched: set[tuple[Stage, int]] = field(default_factory=set)
    locked: dict[int, Decimal] = field(default_factory=dict)
    litres: dict[str, Litres] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[QuoteLine]) -> Standing:
        """A basket that nothing was taken off yet."""
        ordered = sorted(lines, key=lambda one: one.position)
        listed = {one.position: one.list_amount for one in ordered}
        return cls(ordered, dict(listed), dict(listed))

    def free(self, rule: Rule) -> list[QuoteLine]:
        """The lines in the rule's scope that no other rule of its stage has touched."""
        return [
            line
            for line in self.lines
            if rule.scope.covers(line) and (rule.stage, line.position) not in self.touched
        ]

    def take(self, rule: Rule) -> Taken:
        """Apply a rule: what it takes off each line. Rules come in the order of `Rule.order`."""
        taken = {position: off for position, off in _worked(self, rule).items() if off > 0}
        for position, off in taken.items():
            self.net[position] -= off
            if rule.stage <= Stage.LINE:
                # A lock prices litres, not the line: what it leaves is free for another price.
                if rule.work != Work.LOCK:
                    self.touched.add((rule.stage, position))
                self.before_order[position] -= off
        return taken


def missing(lines: Sequence[QuoteLine], rule: Rule, standing: Standing | None = None) -> str:
    """What a basket lacks for a rule, in words; empty when it lacks nothing."""
    inside = [line for line in lines if rule.scope.covers(line)]
    if not inside:
        return "单上没有适用的商品"
    if rule.work == Work.LOCK and all(line.unit_price <= rule.value for line in inside):
        return f"油枪价不高于锁价 {rule.value:.2f} 元，锁定的升数不动"
    if rule.needs_fuel is not None:
        fuel = sum((line.list_amount for line in lines if line.kind == "FUEL"), ZERO)
        if not fuel:
            return "须同单加油"
        if fuel < rule.needs_fuel:
            return f"同单加油满 {rule.needs_fuel} 元可用，还差 {rule.needs_fuel - fuel} 元"
    base = _base(inside, rule, standing)
    if base < rule.threshold:
        return f"满 {rule.threshold} 元可用，还差 {rule.threshold - base} 元"
    return ""


def _base(inside: Sequence[QuoteLine], rule: Rule, standing: Standing | None) -> Yuan:
    """What the threshold is measured against: list prices, or what is due before order discounts."""
    if standing is None or rule.stage <= Stage.LINE:
        return sum((line.list_amount for line in inside), ZERO)
    return sum((standing.before_order[line.position] for line in inside), ZERO)


def _worked(standing: Standing, rule: Rule) -> Taken:
    if missing(standing.lines, rule, standing):
        return {}
    return _WORKS[rule.work](standing, rule)


def _per_litre(standing: Standing, rule: Rule) -> Taken:
    left = rule.litres_left
    taken: Taken = {}
    worked: Litres = {}
    for line in standing.free(rule):
        if line.kind != "FUEL":
            continue
        litres = line.quantity - standing.locked.get(line.position, NO_LITRES)
        if rule.cap_litres is not None:
            litres = min(litres, rule.cap_litres)
        if left is not None:
            litres = min(litres, left)
        cut = rule.value
        if rule.work in DOWN_TO:
            cut = max(line.unit_price - rule.value, ZERO)
        off = min(round_yuan(cut * litres), standing.net[line.position])
        if off > 0:
            taken[line.position] = off
            worked[line.position] = litres
            left = None if left is None else left - litres
    standing.litres[rule.key] = worked
    if rule.work == Work.LOCK:
        for position, litres in worked.items():
            standing.locked[position] = standing.locked.get(position, NO_LITRES) + litres
    return taken


def _percent(standing: Standing, rule: Rule) -> Taken:
    return {
        line.position: min(
            round_yuan(standing.net[line.position] * rule.percent), standing.net[line.position]
        )
        for line in standing.free(rule)
    }


def _second_half(standing: Standing, rule: Rule) -> Taken:
    """Of the units in scope, dearest first, every second one has the percentage off."""
    taken: Taken = {}
    seen = 0
    for line in _dearest_first(standing.free(rule)):
        units = int(line.quantity)
        seconds = (seen + units) // 2 - seen // 2
        seen += units
        off = round_yuan(line.unit_price * seconds * rule.percent)
        taken[line.position] = min(off, standing.net[line.position])
    return taken


def _units(standing: Standing, rule: Rule) -> Taken:
    """So many units in scope, dearest first, free, cheaper by a percentage, or at a price."""
    left = rule.units
    taken: Taken = {}
    for line in _dearest_first(standing.free(rule)):
        units = min(left, int(line.quantity))
        if rule.work == Work.UNITS_AT:
            off = max(line.unit_price - rule.value, ZERO) * units
        else:
            off = round_yuan(line.unit_price * units * rule.percent)
        if off > 0:
            taken[line.position] = min(off, standing.net[line.position])
            left -= units
    return taken


def _dearest_first(lines: Sequence[QuoteLine]) -> list[QuoteLine]:
    return sorted(lines, key=lambda one: (-one.unit_price, one.position))


def _off_the_whole(standing: Standing, rule: Rule) -> Taken:
    inside = [line for line in standing.lines if rule.scope.covers(line)]
    nets = [standing.net[line.position] for line in inside]
    off = min(rule.value, sum(nets, ZERO))
    shares = share_yuan(off, nets)
    return {line.position: share for line, share in zip(inside, shares, strict=True)}


_WORKS: dict[Work, Callable[[Standing, Rule], Taken]] = {
    Work.PER_LITRE: _per_litre,
    Work.TIER_PRICE: _per_litre,
    Work.LOCK: _per_litre,
    Work.PERCENT: _percent,
    Work.SECOND_HALF: _second_half,
    Work.UNITS: _units,
    Work.UNITS_AT: _units,
    Work.THRESHOLD: _off_the_whole,
    Work.AMOUNT: _off_the_whole,
}
