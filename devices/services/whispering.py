"""A payment code on its way to the till: said once, kept sealed for a minute, never written down."""

from __future__ import annotations

import base64
import hashlib

import structlog
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

SECONDS = 60


def whisper(key: str, code: str) -> None:
    """Keep the code of one scan for its till. Without the cache it is lost and scanned again."""
    try:
        # Sealed, because the cache keeps a file of its own.
        cache.set(_name(key), _box().encrypt(code.encode()).decode(), SECONDS)
    except (RedisError, OSError) as error:
        log.warning("scan_lost", key=key, error=str(error)[:100])


def take(key: str) -> str:
    """The code of one scan, once; "" when it is gone."""
    sealed = cache.get(_name(key), "")
    # Of two who ask at once only the one whose deletion succeeds is given it.
    if not sealed or not cache.delete(_name(key)):
        return ""
    try:
        return _box().decrypt(str(sealed).encode()).decode()
    except InvalidToken:
        return ""


def _name(key: str) -> str:
    return f"devices.scan:{key}"


def _box() -> Fernet:
    secret = hashlib.sha256(b"payment codes" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(secret))
