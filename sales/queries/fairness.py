"""我的长短款: one cashier's counts beside the median of the station; seen by him and the manager."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sales.models import SessionTender
from station.models import Station, TillSession, User
from station.money import ZERO, Yuan, round_yuan

WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Sitting:
    """One accepted session: its surplus and its shortage, never netted."""

    session: TillSession
    over: Yuan
    short: Yuan
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Fairness:
    """30 days of one cashier. Per-session figures in yuan, not negative."""

    cashier: User
    sittings: tuple[Sitting, ...]
    over: Yuan
    short: Yuan
    exact: int
    over_each: Yuan
    short_each: Yuan
    median_over: Yuan
    median_short: Yuan
    colleagues: int

    @property
    def count(self) -> int:
        return len(self.sittings)

    @property
    def verdict(self) -> str:
        """Where he stands, in words."""
        if not self.count:
            return "这 30 天没有交接过收银班。"
        if self.colleagues < 2:
            return "本站这 30 天只有你一位收银员交接过，还没有可比的中位数。"
        if self.short_each > self.median_short:
            return "每班短款高于全站中位数，点款前可先核对找零和大额钞票。"
        if self.short_each < self.median_short:
            return "每班短款低于全站中位数，做得好。"
        return "每班短款与全站中位数持平。"


def fairness(*, station: Station, cashier: User, at: datetime) -> Fairness:
    """One cashier's accepted sessions of the last 30 days beside the median. One statement."""
    by_cashier: dict[int, dict[int, list[SessionTender]]] = defaultdict(lambda: defaultdict(list))
    rows = SessionTender.objects.filter(
        session__station=station, session__closed_at__gte=at - WINDOW, session__closed_at__lte=at
    ).select_related("session__till", "session__shift__day", "session__cashier", "tender")
    for row in rows.order_by("-session__closed_at", "tender__position"):
        by_cashier[row.session.cashier_id][row.session_id].append(row)
    mine = [_sitting(group) for group in by_cashier.get(cashier.pk, {}).values()]
    each = [_each([_sitting(group) for group in groups.values()]) for groups in by_cashier.values()]
    over_each, short_each = _each(mine)
    return Fairness(
        cashier=cashier,
        sittings=tuple(mine),
        over=sum((one.over for one in mine), ZERO),
        short=sum((one.short for one in mine), ZERO),
        exact=sum(1 for one in mine if not one.over and not one.short),
        over_each=over_each,
        short_each=short_each,
        median_over=round_yuan(median(over for over, _ in each)) if each else ZERO,
        median_short=round_yuan(median(short for _, short in each)) if each else ZERO,
        colleagues=len(each),
    )


def _sitting(rows: list[SessionTender]) -> Sitting:
    parts = [row.difference for row in rows]
    return Sitting(
        session=rows[0].session,
        over=sum((part for part in parts if part > 0), ZERO),
        short=sum((part for part in parts if part < 0), ZERO),
        reasons=tuple(row.reason for row in rows if row.reason),
    )


def _each(sittings: list[Sitting]) -> tuple[Yuan, Yuan]:
    """Surplus and shortage per session, both not negative."""
    if not sittings:
        return ZERO, ZERO
    count = len(sittings)
    over = sum((one.over for one in sittings), ZERO)
    short = -sum((one.short for one in sittings), ZERO)
    return round_yuan(over / count), round_yuan(short / count)
