"""Which tanks nothing is sold of, because of the water in them; durable, and obeyed by the lines.

The gauge's thread puts a hold on and takes it off; the wiring of every pump line carries it to its
nozzles, so that it is obeyed without the database and after a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from devices.line.wiring import LineWiring
from devices.spool import Body, Spool

CONFIG = "holds"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why, and since when."""

    text: str
    since: datetime


class Holds:
    """The tanks that are held. `changed` is called, under `lock`, when one is put on or taken off."""

    def __init__(self, spool: Spool, changed: Callable[[], None] = lambda: None) -> None:
        self.lock = threading.RLock()  # also held while lines are told of their wiring
        self._spool = spool
        self._changed = changed
        self._held = _read(spool.config(CONFIG) or {})
        self._waived: dict[int, datetime] = {}  # which hold of a tank a person has lifted

    def of(self, tank: int) -> Hold | None:
        """The hold of a tank, waived by a person or not."""
        return self._held.get(tank)

    def put(self, tank: int, text: str, at: datetime) -> None:
        with self.lock:
            self._held[tank] = Hold(text, at)
            self._keep()

    def lift(self, tank: int) -> None:
        """The machine says that it is over."""
        with self.lock:
            self._held.pop(tank, None)
            self._keep()

    def _keep(self) -> None:
        body = {str(pk): [one.text, one.since.isoformat()] for pk, one in self._held.items()}
        self._spool.put_config(CONFIG, body)
        self._changed()

    def waive(self, lines: Iterable[LineWiring]) -> None:
        """Take from fresh wiring which holds a person has lifted."""
        self._waived = {
            one.tank: datetime.fromisoformat(one.waived)
            for line in lines
            for one in line.tanks
            if one.waived
        }

    def put_on(self, line: LineWiring) -> LineWiring:
        """The line with every nozzle told whether its tank is held."""
        points = tuple(
            replace(
                point,
                nozzles=tuple(
                    replace(nozzle, held=self._why(nozzle.tank)) for nozzle in point.nozzles
                ),
            )
            for point in line.points
        )
        return replace(line, points=points)

    def _why(self, tank: int) -> str:
        held = self._held.get(tank)
        return "" if held is None or self._waived.get(tank) == held.since else held.text


def _read(body: Body) -> dict[int, Hold]:
    return {
        int(pk): Hold(text, datetime.fromisoformat(since)) for pk, (text, since) in body.items()
    }
