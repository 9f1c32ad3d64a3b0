"""How good the member file is: what is missing, wrong and old."""

from __future__ import annotations

from datetime import datetime, timedelta

from station.models import Station
from station.queries import settings

DAYS_A_MONTH = 30.44


def stale_before(*, station: Station, at: datetime) -> datetime:
    """A profile that nobody confirmed since then is old. One statement."""
    months = settings.whole("members.confirm_months", station)
    return at - timedelta(days=round(min(months, 1200) * DAYS_A_MONTH))
