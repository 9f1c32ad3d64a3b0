"""Issued − used − expired − reversed = outstanding, by the station that issued, for any range of days.

Everything is asked of lots and what was taken of them, so that a point belongs to the station that
gave it wherever it is spent, and the sums meet to the point.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from members.models import PointsTxn
from station.models import Station

Kind = PointsTxn.Kind
# What came into being with a lot, and what was taken of it or put back, by the row that did it.
MOVED = """(
  SELECT t.kind, TRUE AS given, t.date, l.station_id, l.issued AS qty
  FROM members_pointslot l JOIN members_pointstxn t ON t.id = l.txn_id
  UNION ALL
  SELECT t.kind, FALSE, t.date, l.station_id, o.qty
  FROM members_pointsalloc o JOIN members_pointstxn t ON t.id = o.txn_id
  JOIN members_pointslot l ON l.id = o.lot_id
) moved
WHERE date <= %(until)s AND (%(station)s IS NULL OR station_id = %(station)s)"""
SQL = f"""
SELECT kind, given, COALESCE(SUM(qty) FILTER (WHERE date < %(since)s), 0),
 COALESCE(SUM(qty) FILTER (WHERE date >= %(since)s), 0)
FROM {MOVED} GROUP BY kind, given
"""
BY_DATE = f"""
SELECT date, kind, SUM(qty) FROM {MOVED} AND date >= %(since)s AND kind = ANY(%(kinds)s)
GROUP BY date, kind
"""
DEBT = """
SELECT COALESCE(SUM(debt_delta), 0) FROM members_pointstxn
WHERE debt_delta <> 0 AND date <= %(until)s AND (%(station)s IS NULL OR station_id = %(station)s)
"""


@dataclass(frozen=True)
class PointsReport:
    """Points of a range of days. `used` is net of what was given back, `moved` net between accounts.

    `exchanged` is what came from partners less what went to them.
    """

    opening: int
    issued: int
    adjusted: int
    used: int
    expired: int
    reversed: int
    moved: int
    exchanged: int
    debt: int

    @property
    def outstanding(self) -> int:
        """What is out at the end of the range."""
        return (
            self.opening
            + self.issued
            + self.adjusted
            - self.used
            - self.expired
            - self.reversed
            + self.moved
            + self.exchanged
        )

    @property
    def rate(self) -> Decimal | None:
        """积分兑换率: used of what was issued; None where nothing was."""
        given = self.issued + self.adjusted
        return Decimal(self.used) / given if given > 0 else None


MOST_DAYS = 62  # so many days are shown one by one, more of them by month
LONGEST = timedelta(days=3_660)


@dataclass
class Flow:
    """What came and went in one day or month: given, used net of what was given back, expired."""

    label: str
    issued: int = 0
    used: int = 0
    expired: int = 0


def points_flow(*, since: date, until: date, station: Station | None = None) -> list[Flow]:
    """What came and went from one date to another, both included, without gaps. One statement.

    By day, or by month where there are more than two months of them; ten years at most, the last.
    """
    since = max(since, until - LONGEST) if until - date.min > LONGEST else since
    shape = "%m-%d" if (until - since).days < MOST_DAYS else "%Y-%m"
    days = [since + timedelta(days=step) for step in range((until - since).days + 1)]
    found = {label: Flow(label) for label in dict.fromkeys(f"{day:{shape}}" for day in days)}
    told = {"since": since, "until": until, "station": station.pk if station else None}
    kinds = [str(one) for one in (Kind.EARN, Kind.REDEEM, Kind.REDEEM_CANCEL, Kind.EXPIRE)]
    with connection.cursor() as cursor:
        cursor.execute(BY_DATE, {**told, "kinds": kinds})
        for day, kind, points in cursor.fetchall():
            one = found[f"{day:{shape}}"]
            if kind == Kind.EARN:
                one.issued += int(points)
            elif kind == Kind.EXPIRE:
                one.expired -= int(points)
            else:
                one.used -= int(points)
    return list(found.values())


def points_report(*, since: date, until: date, station: Station | None = None) -> PointsReport:
    """The report of a range of accounting dates, both included; of one station or of all."""
    told = {"since": since, "until": until, "station": station.pk if station else None}
    with connection.cursor() as cursor:
        cursor.execute(SQL, told)
        rows = cursor.fetchall()
        cursor.execute(DEBT, told)
        (debt,) = cursor.fetchone()
    within: dict[str, int] = {}
    opening = 0
    for kind, _given, before, inside in rows:
        opening += int(before)
        within[kind] = within.get(kind, 0) + int(inside)
    return PointsReport(
        opening=opening,
        issued=within.get(Kind.EARN, 0),
        adjusted=within.get(Kind.ADJUST, 0),
        used=-within.get(Kind.REDEEM, 0) - within.get(Kind.REDEEM_CANCEL, 0),
        expired=-within.get(Kind.EXPIRE, 0),
        reversed=-within.get(Kind.CLAWBACK, 0) - within.get(Kind.DEBT_OFFSET, 0),
        moved=within.get(Kind.TRANSFER_IN, 0) + within.get(Kind.TRANSFER_OUT, 0),
        exchanged=within.get(Kind.EXCHANGE_IN, 0) + within.get(Kind.EXCHANGE_OUT, 0),
        debt=int(debt),
    )
