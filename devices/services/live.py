"""What the wire says now, written for the wall: a few statements a second, whatever the nozzles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from devices.models import LineState, NozzleState, PollerState, SignRow
from station.money import Litres, Yuan

_WRITE = """
INSERT INTO devices_nozzlestate
    (nozzle_id, state, since, heard_at, litres, amount, unit_price,
     totalizer, totalizer_at, meter_epoch, lifted_at, version)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (nozzle_id) DO UPDATE SET
    state = EXCLUDED.state,
    since = CASE WHEN devices_nozzlestate.state = EXCLUDED.state
            THEN devices_nozzlestate.since ELSE EXCLUDED.since END,
    heard_at = COALESCE(EXCLUDED.heard_at, devices_nozzlestate.heard_at),
    litres = EXCLUDED.litres,
    amount = EXCLUDED.amount,
    unit_price = EXCLUDED.unit_price,
    totalizer = COALESCE(EXCLUDED.totalizer, devices_nozzlestate.totalizer),
    totalizer_at = COALESCE(EXCLUDED.totalizer_at, devices_nozzlestate.totalizer_at),
    meter_epoch = EXCLUDED.meter_epoch,
    lifted_at = EXCLUDED.lifted_at,
    version = EXCLUDED.version
"""


@dataclass(frozen=True, slots=True)
class NozzleNow:
    """One nozzle as the line sees it."""

    nozzle: int
    state: str
    litres: Litres
    amount: Yuan
    unit_price: Yuan | None
    totalizer: Litres | None
    totalizer_at: datetime | None
    epoch: int
    lifted_at: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class LineNow:
    """Health of one line."""

    line: int
    is_open: bool
    heard_at: datetime | None
    polls: int
    answers: int
    bad_frames: int
    error: str


@transaction.atomic
def write_nozzles(rows: Sequence[NozzleNow], *, at: datetime) -> None:
    """Write the nozzles that changed. `version` is the time in milliseconds, so it only rises."""
    version = int(at.timestamp() * 1000)
    values = [
        (
            row.nozzle,
            row.state,
            at,
            row.heard_at,
            row.litres,
            row.amount,
            row.unit_price,
            row.totalizer,
            row.totalizer_at,
            row.epoch,
            row.lifted_at,
            version,
        )
        for row in sorted(rows, key=lambda row: row.nozzle)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, values)


@transaction.atomic
def write_lines(rows: Sequence[LineNow], *, heard: Sequence[int], at: datetime) -> None:
    """Write each line's health; `heard` are the nozzles whose heads answered just now."""
    LineState.objects.bulk_create(
        [
            LineState(
                line_id=row.line,
                is_open=row.is_open,
                heard_at=row.heard_at,
                polls=row.polls,
                answers=row.answers,
                bad_frames=row.bad_frames,
                error=row.error[:200],
                written_at=at,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=[
            "is_open",
            "heard_at",
            "polls",
            "answers",
            "bad_frames",
            "error",
            "written_at",
        ],
    )
    NozzleState.objects.filter(nozzle__in=heard).update(heard_at=at)


def write_poller(rows: Iterable[PollerState]) -> None:
    """Write what waits in the spool, one row for each station of the site."""
    PollerState.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["station"],
        update_fields=["written_at", "waiting", "oldest_at", "refused", "trouble"],
    )


def write_signs(rows: Sequence[tuple[int, int, Yuan | None, datetime]]) -> None:
    """Write what the rows of price signs show: line, row, price (None: dark) and when it was read."""
    for line, row, price, at in rows:
        SignRow.objects.filter(sign__line=line, row=row).update(shown=price, heard_at=at)


def silence(*, at: datetime, nozzles: Sequence[int]) -> None:
    """Nobody speaks for these any more: a line was taken out of service."""
    NozzleState.objects.filter(nozzle__in=nozzles).exclude(state=NozzleState.State.OFFLINE).update(
        state=NozzleState.State.OFFLINE,
        since=at,
        litres=Decimal(0),
        amount=Decimal(0),
        version=int(at.timestamp() * 1000),
    )
