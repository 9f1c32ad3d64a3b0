"""The sign of life of the background work."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

from station.queries.health import HEARTBEAT


def beat(*, at: datetime) -> None:
    """Note that a worker lived at `at`. In the cache: of no worth once it is older than a minute."""
    cache.set(HEARTBEAT, at.isoformat(), timeout=None)
