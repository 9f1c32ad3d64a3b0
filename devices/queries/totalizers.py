"""泵码: the last totalizer known right at an instant, and the run between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from devices.models import MeterChange
from station.models import Nozzle, Station
from station.money import Litres

# Within an epoch a totalizer only rises, so of all that is known by T the highest is the last.
_READINGS = """
SELECT n.id, r.epoch, r.litres, r.at
FROM station_nozzle n
JOIN LATERAL (
    SELECT epoch, litres, at FROM (
        (SELECT f.meter_epoch AS epoch, f.totalizer_after AS litres, f.occurred_at AS at
         FROM devices_fill f WHERE f.nozzle_id = n.id AND f.occurred_at <= %(at)s
         ORDER BY f.meter_epoch DESC, f.totalizer_after DESC LIMIT 1)
        UNION ALL
        (SELECT t.meter_epoch, t.litres, t.occurred_at
         FROM devices_totalizerreading t WHERE t.nozzle_id = n.id AND t.occurred_at <= %(at)s
         ORDER BY t.occurred_at DESC LIMIT 1)
        UNION ALL
        (SELECT c.epoch, c.first_litres, c.occurred_at
         FROM devices_meterchange c WHERE c.nozzle_id = n.id AND c.occurred_at <= %(at)s
         ORDER BY c.epoch DESC LIMIT 1)
        UNION ALL
        (SELECT s.meter_epoch, s.totalizer, s.totalizer_at
         FROM devices_nozzlestate s
         WHERE s.nozzle_id = n.id AND s.totalizer IS NOT NULL AND s.totalizer_at <= %(at)s)
    ) known
    ORDER BY epoch DESC, litres DESC, at LIMIT 1
) r ON TRUE
WHERE {where}
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One totalizer: litres in a meter epoch, since when it has stood there."""

    nozzle_id: int
    epoch: int
    litres: Litres
    at: datetime


def reading_at(*, nozzle: Nozzle, at: datetime) -> Reading | None:
    """The last totalizer of a nozzle known right at `at`; None before the first was heard."""
    return _readings("n.id = %(id)s", at=at, key=nozzle.pk).get(nozzle.pk)


def latest(*, station: Station) -> dict[int, Reading]:
    """The newest totalizer of every nozzle, by nozzle id. One statement."""
    return _readings("n.station_id = %(id)s", at=None, key=station.pk)


def _readings(where: str, *, at: datetime | None, key: int) -> dict[int, Reading]:
    when = at or "infinity"
    with connection.cursor() as cursor:
        cursor.execute(_READINGS.format(where=where), {"at": when, "id": key})
        return {row[0]: Reading(*row) for row in cursor.fetchall()}


def meter_adjustment(changes: Sequence[MeterChange]) -> Litres:
    """What must be added to closing − opening where the meter was changed or rolled over."""
    return sum((change.last_litres - change.first_litres for change in changes), Decimal("0.000"))


def run_between(opening: Reading, closing: Reading, changes: Sequence[MeterChange]) -> Litres:
    """走字: the litres a nozzle delivered between two readings, through its meter changes."""
    return closing.litres - opening.litres + meter_adjustment(changes)
