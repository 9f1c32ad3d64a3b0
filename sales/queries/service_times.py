"""服务时长: from the lifted nozzle to the paid sale, as median and p90 per hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection

from station.models import Station

# A fill paid the next morning is a forgotten one and says nothing about the queue.
LONGEST_SECONDS = 4 * 3600
_TIMES = """
WITH served AS (
    SELECT EXTRACT(HOUR FROM f.lifted_at AT TIME ZONE %(zone)s)::int AS hour,
           EXTRACT(EPOCH FROM COALESCE(f.started_at, f.lifted_at) - f.lifted_at)::int AS waiting,
           EXTRACT(EPOCH FROM f.occurred_at - COALESCE(f.started_at, f.lifted_at))::int AS fuelling,
           EXTRACT(EPOCH FROM GREATEST(c.claimed_at - f.occurred_at, '0'))::int AS paying,
           EXTRACT(EPOCH FROM GREATEST(c.claimed_at, f.occurred_at) - f.lifted_at)::int AS whole
    FROM devices_fill f
    JOIN sales_fillclaim c ON c.fill_id = f.id AND c.released_at IS NULL AND c.kind = 'SALE'
    JOIN station_businessday d ON d.id = f.day_id
    WHERE f.station_id = %(station)s AND f.lifted_at IS NOT NULL AND {within}
      AND c.claimed_at - f.lifted_at BETWEEN '0' AND make_interval(secs => %(longest)s)
)
SELECT hour, COUNT(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY whole),
       percentile_disc(0.9) WITHIN GROUP (ORDER BY whole),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY waiting),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY fuelling),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY paying)
FROM served GROUP BY GROUPING SETS ((hour), ()) ORDER BY hour NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Seconds of one hour of the day (None: of all hours): medians, and p90 of the whole."""

    hour: int | None
    count: int
    median: int
    p90: int
    waiting: int  # lifted to flowing
    fuelling: int  # flowing to hung
    paying: int  # hung to paid


def service_times(
    *, station: Station, since: date, until: date
) -> tuple[list[ServiceTime], ServiceTime | None]:
    """Service times of the business days `since` to `until`, by hour, and over all. One statement."""
    return _times(
        station, "d.date BETWEEN %(since)s AND %(until)s", {"since": since, "until": until}
    )


def service_time_since(*, station: Station, since: datetime) -> ServiceTime | None:
    """Service times of the fills paid since an instant; None when there were none."""
    bounds = {"since": since, "day": since.date()}
    within = "c.claimed_at >= %(since)s AND d.date >= %(day)s::date - 1"
    return _times(station, within, bounds)[1]


def _times(
    station: Station, within: str, bounds: dict[str, date]
) -> tuple[list[ServiceTime], ServiceTime | None]:
    values: dict[str, str | int | date] = {
        "station": station.pk,
        "zone": settings.TIME_ZONE,
        "longest": LONGEST_SECONDS,
        **bounds,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TIMES.format(within=within), values)
        rows = [ServiceTime(*row) for row in cursor.fetchall() if row[1]]
    hours = [row for row in rows if row.hour is not None]
    return hours, next((row for row in rows if row.hour is None), None)
