"""What lies in the spool and not yet in the database, told to the health page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from devices.models import PollerState
from devices.spool import Spool


def spool_state(spool: Spool, stations: Iterable[int], at: datetime) -> list[PollerState]:
    """One row for each station of the site. The spool is the site's: all say the same."""
    waiting, oldest = spool.depth()
    troubled = spool.troubled()
    return [
        PollerState(
            station_id=station,
            written_at=at,
            waiting=waiting,
            oldest_at=oldest,
            refused=len(troubled),
            trouble=troubled[0][1][:200] if troubled else "",
        )
        for station in stations
    ]
