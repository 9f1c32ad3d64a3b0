"""A swipe or a scan becomes one row, with one meaning that the station's rules decide.

A reader may hang on a line or type like a keyboard, and some do both at once. What two ways bring
within a moment is one read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from devices.models import Reader, ReadRule, Swipe
from devices.queries.swipes import Decision, decide
from station.models import Station, Till, User

CHANNEL = "devices_read"
MOMENT = timedelta(seconds=3)  # within which two ways bring the same read


@dataclass(frozen=True)
class Typed:
    """A read that was typed; `again` where it is known already and nothing is to be done."""

    swipe: Swipe
    again: bool


@dataclass(frozen=True)
class _Place:
    """Where a read came from: a reader on a line, or whoever sat at the page; and the till."""

    till: Till | None
    reader: Reader | None = None
    typed_by: User | None = None


@transaction.atomic
def record_read(
    *, reader: Reader, key: str, medium: str, text: str, secret: bool, at: datetime
) -> Swipe | None:
    """Store one read of a line once; None where it is stored already. Never refuses.

    `text` comes masked where it is secret: a payment code is never stored, and such a read is one
    whatever the rules say. A card that was never issued or is void is UNKNOWN, one reported lost is
    LOST.
    """
    station = reader.line.station
    if Swipe.objects.filter(key=key).exists():
        return None
    decision = decide(station=station, text=text, medium=medium, secret=secret)
    where = _Place(reader.till, reader=reader)
    if _same(station, decision, where, at) is not None:
        return None
    return _store(station, decision, where, key=key, at=at)


@transaction.atomic
def record_typed(
    *, station: Station, till: Till | None, actor: User, key: str, text: str, at: datetime
) -> Typed:
    """Store one read that a reader typed into a page, once. Never refuses.

    The same function decides as for a line. A payment code is masked before it is stored; the page
    has the code itself. A card that is typed again within a moment still lies there.
    """
    known = Swipe.objects.filter(key=key).first()
    decision = decide(station=station, text=text)
    where = _Place(till, typed_by=actor)
    known = known or _same(station, decision, where, at)
    if known is not None:
        return Typed(known, again=True)
    made = _store(station, decision, where, key=key, at=at)
    return Typed(made or Swipe.objects.get(key=key), again=made is None)


def _same(station: Station, decision: Decision, where: _Place, at: datetime) -> Swipe | None:
    """The read that this one is too: it came the other way, or the card lies on a typing reader.

    Each is the echo of one other, so that two bottles scanned quickly stay two.
    """
    with connection.cursor() as cursor:  # the two ways wait for each other
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('one read'), hashtext(%s))",
            [f"{station.pk}:{decision.text}"],
        )
    near = Swipe.objects.filter(
        station=station,
        text=decision.text,
        till=where.till,
        occurred_at__gt=at - MOMENT,
        occurred_at__lt=at + MOMENT,
    ).order_by("pk")
    for one in near.filter(reader__isnull=where.reader is not None, echoed_at=None):
        if Swipe.objects.filter(pk=one.pk, echoed_at=None).update(echoed_at=at):
            return one
    if where.typed_by is not None and decision.medium == ReadRule.Medium.CARD:
        return near.filter(typed_by=where.typed_by).last()
    return None


def _store(
    station: Station, decision: Decision, where: _Place, *, key: str, at: datetime
) -> Swipe | None:
    try:
        with transaction.atomic():
            swipe = Swipe.objects.create(
                station=station,
                reader=where.reader,
                typed_by=where.typed_by,
                till=where.till,
                key=key,
                medium=decision.medium,
                text=decision.text,
                meaning=decision.meaning,
                outcome=decision.outcome,
                card=decision.card,
                occurred_at=at,
            )
    except IntegrityError:  # told at the same moment by another process
        if not Swipe.objects.filter(key=key).exists():
            raise
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(swipe.pk)])
    return swipe
