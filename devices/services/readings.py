"""Totalizers kept at an instant that matters: a handover, a price change."""

from __future__ import annotations

from collections.abc import Iterable

from devices.models import TotalizerReading
from devices.queries.totalizers import Reading


def keep(
    readings: Iterable[Reading], *, kind: TotalizerReading.Kind, document: str
) -> list[TotalizerReading]:
    """Write readings under a document; one that is there already is left alone. Never refuses."""
    return TotalizerReading.objects.bulk_create(
        [
            TotalizerReading(
                nozzle_id=reading.nozzle_id,
                meter_epoch=reading.epoch,
                litres=reading.litres,
                occurred_at=reading.at,
                kind=kind,
                document=document,
            )
            for reading in readings
        ],
        ignore_conflicts=True,
    )
