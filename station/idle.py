"""A screen left alone locks itself: what the session remembers of it.

The browser counts from the last touch or key and tells it with its polls (`X-Idle-Seconds`), since
a page that refreshes itself is nobody at work. The server holds the lock.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

SEEN, LOCKED = "seen", "locked"
LONGEST = 10  # digits of seconds; more is no browser of ours
STEP = 60  # a session is written at most once a minute for being alive


def is_locked(request: HttpRequest) -> bool:
    """Whether the session is locked, by hand or because nobody was there for too long."""
    session = request.session
    if session.get(LOCKED):
        return True
    now = int(time.time())
    seen = session.get(SEEN)
    limit = settings.IDLE_LOCK_MINUTES * 60
    if seen is not None and limit and now - seen > limit:
        lock(session)
        return True
    alive = _last_alive(request, now)
    if seen is None or alive > seen + STEP:
        session[SEEN] = alive if alive else now
    return False


def lock(session: SessionBase) -> None:
    """Nothing goes through any more until the person says who he is."""
    session[LOCKED] = True


def wake(session: SessionBase) -> None:
    """Somebody is there, and known."""
    session.pop(LOCKED, None)
    session[SEEN] = int(time.time())


def _last_alive(request: HttpRequest, now: int) -> int:
    """When somebody was last seen at work; 0 where this request tells nothing of it."""
    told = request.headers.get("X-Idle-Seconds", "")
    if told.isascii() and told.isdigit() and len(told) < LONGEST:
        return now - int(told)
    opened = (
        "text/html" in request.headers.get("Accept", "") and "HX-Request" not in request.headers
    )
    return now if opened or request.method == "POST" else 0
