"""What the day's pages and papers say of tanks over their limits: 未归因, or by whom what was said.

It is asked when a page is opened or a paper is made, and is no part of the day's figures: a cause may
be told after the day was frozen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from finance.queries.figures import Figures
from finance.queries.parts import TankDay
from inventory.queries.attributions import Told, sentences, told_of
from station.models import BusinessDay, Station


def told_of_day(day: BusinessDay, figures: Figures) -> list[Told]:
    """The tanks of a day over both limits. Two statements."""
    return told_of_tanks(day.station, [(day.date, tank) for tank in figures.tanks])


def told_of_tanks(station: Station, tanks: Iterable[tuple[date, TankDay]]) -> list[Told]:
    """Tanks over both limits among those of any days. Two statements."""
    return told_of(
        station=station,
        tanks=[(on, tank.number, tank.grade, tank.variance, tank.sold) for on, tank in tanks],
    )


def remarks_of_day(day: BusinessDay, figures: Figures) -> tuple[str, ...]:
    """The same as sentences under the 加油站日报."""
    return sentences(told_of_day(day, figures))
