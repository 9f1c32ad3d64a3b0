"""Offers as values: what one takes off, from which lines, when, and with what it goes together. Pure.

A promotion in force and a coupon in the hand are the same `Rule`. Rules are loaded by
`marketing.queries.loading` and passed in, so that a quote reads nothing and the same input is the
same output wherever it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import IntEnum, StrEnum

from django.utils.timezone import localtime

from station.money import ZERO, Yuan

WEEK = "一二三四五六日"
ANYTHING: frozenset[str] = frozenset()


class Stage(IntEnum):
    """The order in which offers apply: a later one works on what an earlier one left."""

    PRICE = 1
    LINE = 2
    ORDER = 3
    PAYMENT = 4


class Work(StrEnum):
    """What a rule does."""

    PER_LITRE = "PER_LITRE"
    TIER_PRICE = "TIER_PRICE"
    LOCK = "LOCK"
    PERCENT = "PERCENT"
    SECOND_HALF = "SECOND_HALF"
    UNITS = "UNITS"
    UNITS_AT = "UNITS_AT"
    THRESHOLD = "THRESHOLD"
    AMOUNT = "AMOUNT"


STAGES = {
    Work.PER_LITRE: Stage.PRICE,
    Work.TIER_PRICE: Stage.PRICE,
    Work.LOCK: Stage.PRICE,
    Work.PERCENT: Stage.LINE,
    Work.SECOND_HALF: Stage.LINE,
    Work.UNITS: Stage.LINE,
    Work.UNITS_AT: Stage.LINE,
    Work.THRESHOLD: Stage.ORDER,
    Work.AMOUNT: Stage.PAYMENT,
}


@dataclass(frozen=True)
class QuoteLine:
    """One line of a basket as offers see it. `kind` is FUEL, GOODS or SERVICE."""

    position: int
    kind: str
    product: str
    category: str
    quantity: Decimal
    unit_price: Yuan
    list_amount: Yuan


@dataclass(frozen=True)
class Scope:
    """Which lines an offer is for: kinds, and products or categories; empty is everything."""

    kinds: frozenset[str] = ANYTHING
    products: frozenset[str] = ANYTHING
    categories: frozenset[str] = ANYTHING

    def covers(self, line: QuoteLine) -> bool:
        """Whether the offer may touch the line."""
        if self.kinds and line.kind not in self.kinds:
            return False
        named = self.products or self.categories
        return not named or line.product in self.products or line.category in self.categories


@dataclass(frozen=True)
class When:
    """From when until when (the end is exclusive), on which days, in which hours of the station.

    Hours may go over midnight: 22:00–06:00 belongs to the day on which it began.
    """

    since: datetime | None = None
    until: datetime | None = None
    weekdays: frozenset[int] = frozenset()  # 1 is Monday
    month_days: frozenset[int] = frozenset()
    dates: frozenset[date] = frozenset()
    from_time: time | None = None
    to_time: time | None = None

    def missing(self, at: datetime) -> str:
        """Why an offer does not hold at an instant, in words; empty when it does."""
        if self.since is not None and at < self.since:
            return f"{localtime(self.since):%m月%d日 %H:%M} 起可用"
        if self.until is not None and at >= self.until:
            return "已过有效期"
        local = localtime(at)
        clock, day = local.time(), local.date()
        if self.from_time is not None and self.to_time is not None:
            over = self.from_time >= self.to_time
            inside = (
                clock >= self.from_time or clock < self.to_time
                if over
                else self.from_time <= clock < self.to_time
            )
            if not inside:
                return f"仅 {self.from_time:%H:%M}–{self.to_time:%H:%M} 可用"
            if over and clock < self.to_time:
                day = date.fromordinal(day.toordinal() - 1)
        return self._wrong_day(day)

    def _wrong_day(self, day: date) -> str:
        chosen = self.weekdays or self.month_days or self.dates
        if (
            not chosen
            or day.isoweekday() in self.weekdays
            or day.day in self.month_days
            or day in self.dates
        ):
            return ""
        return f"仅{self.days} 可用"

    @property
    def days(self) -> str:
        """The days in words; empty for every day."""
        parts = []
        if self.weekdays:
            parts.append("周" + "、".join(WEEK[one - 1] for one in sorted(self.weekdays)))
        if self.month_days:
            parts.append("每月 " + "、".join(str(one) for one in sorted(self.month_days)) + " 日")
        if self.dates:
            parts.append("、".join(f"{one:%m月%d日}" for one in sorted(self.dates)))
        return "或".join(parts)


@dataclass(frozen=True)
class Rule:
    """One offer. `key` names its row (P a promotion, C a coupon, T what a tier gives, L a lock).

    `coupon` and `lock` are the id of the coupon or of the locked price, None for others. `tenders`
    are the ways of paying that a coupon is limited to, and `paid_by` says so in words.

    `value` is yuan (per litre, off, or the price to pay), `percent` a share taken off. `threshold`
    is what the lines in scope must come to, `needs_fuel` what fuel in the same basket must come to
    (zero: any fuel). `alone` goes with no other offer, `exclusive` with none of its stage, a
    `group` once per stage.
    """

    key: str
    name: str
    work: Work
    campaign: str = ""
    value: Yuan = ZERO
    percent: Decimal = Decimal(0)
    threshold: Yuan = ZERO
    needs_fuel: Yuan | None = None
    units: int = 1
    cap_litres: Decimal | None = None
    litres_left: Decimal | None = None
    scope: Scope = field(default_factory=Scope)
    when: When = field(default_factory=When)
    members_only: bool = False
    tier_rank: int = 0
    tier_name: str = ""
    group: str = ""
    exclusive: bool = False
    alone: bool = False
    priority: int = 0
    coupon: int | None = None
    lock: int | None = None
    tenders: frozenset[str] = ANYTHING
    paid_by: str = ""
    refused: str = ""  # why it may not be used whatever is in the basket, in words

    @property
    def stage(self) -> Stage:
        """When it applies."""
        return STAGES[self.work]

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """In which order rules apply, whatever order they came in.

        Locks come first of their stage: what is off a litre otherwise is for the litres they leave.
        """
        return (self.stage, self.work != Work.LOCK, -self.priority, self.key)
