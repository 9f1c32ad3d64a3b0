"""What is done again and again, each at its own interval."""

from __future__ import annotations

from dataclasses import dataclass

from devices.protocols.base import Seconds


@dataclass(slots=True)
class Due:
    """When something is to be done next."""

    every: Seconds
    at: Seconds = 0.0

    def now(self, moment: Seconds) -> bool:
        if moment < self.at:
            return False
        self.at = moment + self.every
        return True
