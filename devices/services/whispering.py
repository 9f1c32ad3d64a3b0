"""A payment code on its way to the till: said once, kept a minute in memory, never written down."""

from __future__ import annotations

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

SECONDS = 60


def whisper(key: str, code: str) -> None:
    """Keep the code of one scan for its till. Without the cache it is lost and scanned again."""
    try:
        cache.set(_name(key), code, SECONDS)
    except (RedisError, OSError) as error:
        log.warning("scan_lost", key=key, error=str(error)[:100])


def take(key: str) -> str:
    """The code of one scan, once; "" when it is gone."""
    code = cache.get(_name(key), "")
    cache.delete(_name(key))
    return str(code)


def _name(key: str) -> str:
    return f"devices.scan:{key}"
