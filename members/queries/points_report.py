"""Issued − used − expired − reversed = outstanding, by the station that issued, for any range of days.

Everything is asked of lots and what was taken of them, so that a point belongs to the station that
gave it wherever it is spent, and the sums meet to the point.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from members.models import PointsTxn
from station.models import Station

Kind = PointsTxn.Kind
# What came into being with a lot, and what was taken of it or put back, by the row that did it.
SQL = """
SELECT kind, given, COALESCE(SUM(qty) FILTER (WHERE date < %(since)s), 0),
 COALESCE(SUM(qty) FILTER (WHERE date >= %(since)s), 0)
FROM (
  SELECT t.kind, TRUE AS given, t.date, l.station_id, l.issued AS qty
  FROM members_pointslot l JOIN members_pointstxn t ON t.id = l.txn_id
  UNION ALL
  SELECT t.kind, FALSE, t.date, l.station_id, o.qty
  FROM members_pointsalloc o JOIN members_pointstxn t ON t.id = o.txn_id
  JOIN members_pointslot l ON l.id = o.lot_id
) moved
WHERE date <= %(until)s AND (%(station)s IS NULL OR station_id = %(station)s)
GROUP BY kind, given
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
