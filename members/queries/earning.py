"""What a basket earns: lines, tier and time in, points with their reasons out. Pure.

Order: eligible lines; one base rule per line; the tier's factor; campaigns' factors, stacked as the
programme says; fixed points; caps; one floor per sale, whose rest is not carried on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.utils.timezone import localtime

from members.models import EarnRule, PointsProgram
from station.money import ZERO, Yuan

Kind = EarnRule.Kind
ONE, NONE = Decimal(1), Decimal(0)
WEEK = "一二三四五六日"
SCOPES = ("kinds", "grades", "categories", "items", "stations", "tiers")


@dataclass(frozen=True)
class BasketLine:
    """A sold line: what it cost after and before discounts, and what of it points paid, in yuan."""

    position: int
    kind: str
    product: str
    category: str
    quantity: Decimal
    net: Yuan
    list_amount: Yuan
    by_points: Yuan = ZERO
    name: str = ""


@dataclass(frozen=True)
class Basket:
    """What is sold to whom, where and when. `tier` is the code that he held then."""

    lines: tuple[BasketLine, ...]
    at: datetime
    station: str
    tier: str = ""
    tier_name: str = ""


@dataclass(frozen=True)
class Used:
    """What a member earned already: in the day and in the month, altogether and by rule."""

    day: int = 0
    month: int = 0
    rule_day: Mapping[str, Decimal] = field(default_factory=dict)
    rule_month: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class LinePoints:
    """What one line earned, and why, in one sentence."""

    position: int
    points: int
    words: str


@dataclass(frozen=True)
class Earned:
    """What a basket earned. `by_rule` is before the floor; `capped` is what caps took away."""

    points: int
    lines: tuple[LinePoints, ...]
    by_rule: Mapping[str, Decimal]
    rules: tuple[EarnRule, ...]
    words: tuple[str, ...] = ()

    def breakdown(self, basket: Basket) -> dict[str, Any]:
        """For the ledger: rule versions, points by line and rule, and the sentences."""
        return {
            "tier": basket.tier,
            "rules": [
                {"code": one.code, "version": one.version, "points": _plain(self.by_rule[one.code])}
                for one in self.rules
            ],
            "lines": [
                {"position": one.position, "points": one.points, "words": one.words}
                for one in self.lines
            ],
            "words": list(self.words),
        }


@dataclass
class _Line:
    """A line while it is worked on: what each rule gives it, and how its sentence grows."""

    line: BasketLine
    amount: Yuan
    gives: dict[str, Decimal] = field(default_factory=dict)
    words: str = ""

    @property
    def points(self) -> Decimal:
        return sum(self.gives.values(), NONE)


def earned(
    basket: Basket, *, program: PointsProgram, rules: Sequence[EarnRule], used: Used | None = None
) -> Earned:
    """The points of a basket under the rules that are in force. No rule, no points."""
    asked = sorted(rules, key=lambda one: (-one.priority, one.code))
    lines = [_Line(one, _amount(one, program)) for one in basket.lines]
    eligible = _eligible(lines, asked, basket)
    _base(eligible, asked, basket)
    _tier(eligible, asked, basket)
    _campaigns(eligible, asked, basket, PointsProgram.Stacking(program.stacking))
    _bonuses(eligible, asked, basket)
    words = _caps(eligible, asked, program, used or Used())
    return _rounded(lines, asked, words)


def _amount(line: BasketLine, program: PointsProgram) -> Yuan:
    """What counts for points; the part that points paid never does."""
    whole = line.net if program.basis == PointsProgram.Basis.NET else line.list_amount
    return max(
        whole - (line.by_points if program.basis == PointsProgram.Basis.LIST else ZERO), ZERO
    )


def _eligible(lines: list[_Line], rules: Sequence[EarnRule], basket: Basket) -> list[_Line]:
    left = []
    for one in lines:
        shut = next(
            (r for r in rules if r.kind == Kind.EXCLUDE and covers(r, one.line, basket)), None
        )
        if shut is not None:
            one.words = f"{_named(one.line)}：{shut.name}"
        elif one.amount <= 0:
            one.words = (
                f"{_named(one.line)}：用积分抵扣的部分不积分"
                if one.line.by_points
                else f"{_named(one.line)}：实付 0 元，不积分"
            )
        else:
            left.append(one)
    return left


def covers(rule: EarnRule, line: BasketLine, basket: Basket) -> bool:
    """Whether a rule's scope holds this line, at this place and time, for this tier."""
    scope: Mapping[str, Any] = rule.scope or {}
    said = {
        "kinds": line.kind,
        "grades": line.product if line.kind == "FUEL" else "",
        "categories": line.category,
        "items": line.product if line.kind != "FUEL" else "",
        "stations": basket.station,
        "tiers": basket.tier,
    }
    if any(scope.get(name) and said[name] not in scope[name] for name in SCOPES):
        return False
    return at_time(scope, basket.at)


def at_time(scope: Mapping[str, Any], at: datetime) -> bool:
    """Whether hour, weekday and day of the month fit; hours may go over midnight."""
    local = localtime(at)
    if scope.get("weekdays") and local.isoweekday() not in scope["weekdays"]:
        return False
    if scope.get("month_days") and local.day not in scope["month_days"]:
        return False
    if scope.get("hours"):
        since, until = scope["hours"]
        if since == until:
            return True
        inside = since <= local.hour < until
        return inside if since < until else not until <= local.hour < since
    return True


def _scoped(rule: EarnRule, lines: Sequence[_Line], basket: Basket) -> list[_Line]:
    """The lines that a rule holds, none where they cost less than it asks for."""
    mine = [one for one in lines if covers(rule, one.line, basket)]
    return mine if sum((one.amount for one in mine), ZERO) >= rule.min_spend else []


def _of(kind: str, rules: Sequence[EarnRule]) -> list[EarnRule]:
    return [one for one in rules if one.kind == kind]


def _base(lines: Sequence[_Line], rules: Sequence[EarnRule], basket: Basket) -> None:
    for rule in _of(Kind.BASE, rules):
        free = [one for one in _scoped(rule, lines, basket) if not one.gives]
        measures = [_measure(rule, one) for one in free]
        whole = sum(measures, NONE)
        if not whole:
            continue
        units = whole / rule.per
        counted = units.to_integral_value(ROUND_FLOOR) if rule.whole else units
        if rule.measure == EarnRule.Measure.VISIT:
            counted = ONE
        for one, measure in zip(free, measures, strict=True):
            if measure:
                one.gives[rule.code] = rule.points * counted * measure / whole
                one.words = f"{_named(one.line)}{_how_much(rule, one, measure)} × {_rate(rule)}"


def _measure(rule: EarnRule, one: _Line) -> Decimal:
    if rule.measure == EarnRule.Measure.LITRE:
        return one.line.quantity if one.line.kind == "FUEL" else NONE
    return one.amount


def _how_much(rule: EarnRule, one: _Line, measure: Decimal) -> str:
    if rule.measure == EarnRule.Measure.LITRE:
        return f" {measure:.2f} 升"
    return f" {one.amount} 元"


def _rate(rule: EarnRule) -> str:
    if rule.measure == EarnRule.Measure.VISIT:
        return f"每次 {rule.points} 分"
    unit = EarnRule.Measure(rule.measure).label
    return f"每{'满' if rule.whole else ''} {rule.per} {unit} {rule.points} 分"


def _multiplied(one: _Line, rule: EarnRule, extra: Decimal) -> None:
    one.gives[rule.code] = one.gives.get(rule.code, NONE) + extra


def _tier(lines: Sequence[_Line], rules: Sequence[EarnRule], basket: Basket) -> None:
    for one in lines:
        if not one.gives:
            continue
        rule = next((r for r in _of(Kind.TIER, rules) if one in _scoped(r, lines, basket)), None)
        if rule is not None:
            _multiplied(one, rule, one.points * (rule.factor - 1))
            one.words += f" × {rule.name}"


def _campaigns(
    lines: Sequence[_Line],
    rules: Sequence[EarnRule],
    basket: Basket,
    stacking: PointsProgram.Stacking,
) -> None:
    stack = STACKS[stacking]
    asked = [(rule, _scoped(rule, lines, basket)) for rule in _of(Kind.MULTIPLIER, rules)]
    for one in lines:
        if not one.gives:
            continue
        mine = [rule for rule, held in asked if one in held]
        if not mine:
            continue
        before = one.points
        for rule, extra in stack(mine):
            _multiplied(one, rule, before * extra)
            one.words += f" × {rule.name}"
        if len(mine) > 1:
            one.words += f"（{stacking.label}）"


Stack = Callable[[list[EarnRule]], list[tuple[EarnRule, Decimal]]]


def _best(rules: list[EarnRule]) -> list[tuple[EarnRule, Decimal]]:
    top = max(rules, key=lambda one: one.factor)
    return [(top, top.factor - 1)]


def _summed(rules: list[EarnRule]) -> list[tuple[EarnRule, Decimal]]:
    return [(one, one.factor - 1) for one in rules]


def _product(rules: list[EarnRule]) -> list[tuple[EarnRule, Decimal]]:
    so_far, told = ONE, []
    for one in rules:
        told.append((one, so_far * (one.factor - 1)))
        so_far *= one.factor
    return told


STACKS: dict[PointsProgram.Stacking, Stack] = {
    PointsProgram.Stacking.BEST: _best,
    PointsProgram.Stacking.SUM: _summed,
    PointsProgram.Stacking.MULTIPLY: _product,
}


def _bonuses(lines: Sequence[_Line], rules: Sequence[EarnRule], basket: Basket) -> None:
    for rule in _of(Kind.BONUS, rules):
        mine = _scoped(rule, lines, basket)
        if mine:
            first = mine[0]
            first.gives[rule.code] = Decimal(rule.points)
            first.words += (
                f" + {rule.name} {rule.points} 分"
                if first.words
                else f"{_named(first.line)} {first.amount} 元：{rule.name} {rule.points} 分"
            )


def _caps(
    lines: Sequence[_Line], rules: Sequence[EarnRule], program: PointsProgram, used: Used
) -> list[str]:
    """Cut what each rule gives, then the whole, to what is left of the caps; what was cut, in words."""
    words = []
    for rule in rules:
        given = sum((one.gives.get(rule.code, NONE) for one in lines), NONE)
        room, name = _room(
            rule, used.rule_day.get(rule.code, NONE), used.rule_month.get(rule.code, NONE)
        )
        if room is not None and given > room:
            _cut(lines, [rule.code], room, given)
            words.append(f"{rule.name}{name}，少计 {_plain(given - room)} 分")
    whole = sum((one.points for one in lines), NONE)
    room, name = _room(program, Decimal(used.day), Decimal(used.month))
    if room is not None and whole > room:
        _cut(lines, [rule.code for rule in rules], room, whole)
        words.append(f"{name}，少计 {_plain(whole - room)} 分")
    return words


def _room(of: EarnRule | PointsProgram, day: Decimal, month: Decimal) -> tuple[Decimal | None, str]:
    """The tightest of three caps less what was used of it, and its name; None without caps."""
    rooms = [
        (max(Decimal(cap) - gone, NONE), f"{name}封顶 {cap} 分")
        for cap, gone, name in (
            (of.cap_sale, NONE, "单笔"),
            (of.cap_day, day, "每日"),
            (of.cap_month, month, "每月"),
        )
        if cap is not None
    ]
    return min(rooms, key=lambda one: one[0]) if rooms else (None, "")


def _cut(lines: Sequence[_Line], codes: Sequence[str], room: Decimal, given: Decimal) -> None:
    for one in lines:
        for code in codes:
            if code in one.gives:
                one.gives[code] = one.gives[code] * room / given


def _rounded(lines: Sequence[_Line], rules: Sequence[EarnRule], words: list[str]) -> Earned:
    """One floor over the sale; a line has what the running sum passed while it was added."""
    told, so_far, given = [], NONE, 0
    for one in lines:
        so_far += one.points
        # Shares of a division may fall a hair short of the whole number that they add up to.
        upto = int((so_far + Decimal("1e-12")).to_integral_value(ROUND_FLOOR))
        own, given = upto - given, upto
        sentence = one.words or f"{_named(one.line)}：没有适用的积分规则"
        told.append(
            LinePoints(one.line.position, own, f"{sentence} = {own} 分" if one.gives else sentence)
        )
    by_rule: dict[str, Decimal] = {}
    for one in lines:
        for code, points in one.gives.items():
            by_rule[code] = by_rule.get(code, NONE) + points
    return Earned(
        points=given,
        lines=tuple(told),
        by_rule=by_rule,
        rules=tuple(rule for rule in rules if rule.code in by_rule),
        words=tuple(words),
    )


def _named(line: BasketLine) -> str:
    return line.name or {"FUEL": f"{line.product} 加油"}.get(line.kind, line.product)


def _plain(points: Decimal) -> str:
    return f"{round(points, 2).normalize():f}"
