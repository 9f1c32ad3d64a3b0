"""常态: what a tank's daily rate usually is, learned from its own last sixty days.

median ± k·MAD, MAD the median of the distances from the median: a few bad days do not move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from station.money import round_to

LEARNED_FROM = 60  # days up to the end of the range
CENT = Decimal("0.01")
FEWEST = 14  # days with a rate, below which nothing is said


@dataclass(frozen=True)
class Band:
    """Bounds in ‰ of the litres sold."""

    middle: Decimal
    low: Decimal
    high: Decimal
    days: int

    def holds(self, rate: Decimal) -> bool:
        return self.low <= rate <= self.high


def band_of(rates: Sequence[Decimal | None], k: Decimal) -> Band | None:
    """The band of daily rates in ‰; None below fourteen days."""
    known = [rate for rate in rates if rate is not None]
    if len(known) < FEWEST:
        return None
    middle = median(known)
    spread = k * median([abs(rate - middle) for rate in known])
    return Band(
        round_to(middle, CENT),
        round_to(middle - spread, CENT),
        round_to(middle + spread, CENT),
        len(known),
    )
