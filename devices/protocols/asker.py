"""A reader that must be asked."""

from __future__ import annotations

from typing import Protocol

from devices.protocols.base import Listener, Request, Seconds


class Asker(Listener, Protocol):
    """A reader that says nothing unless it is asked. The line lets it speak before it listens."""

    def next(self, now: Seconds) -> Request | None:
        """What is to be said now; None while an answer is awaited or nothing is due."""
