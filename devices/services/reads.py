"""A swipe or a scan becomes one row, with one meaning that the station's rules decide."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from devices.models import Card, Reader, ReadRule, Swipe
from devices.queries.swipes import meaning_of
from station.models import Station

CHANNEL = "devices_read"


@transaction.atomic
def record_read(
    *, reader: Reader, key: str, medium: str, text: str, secret: bool, at: datetime
) -> Swipe | None:
    """Store one read once; None where it is stored already. Never refuses.

    `text` comes masked where it is secret: a payment code is never stored, and such a read is one
    whatever the rules say. A card that was never issued is UNKNOWN, one reported lost is LOST.
    """
    station = reader.line.station
    if Swipe.objects.filter(key=key).exists():
        return None
    card = _card(station, text) if medium == ReadRule.Medium.CARD else None
    if secret:
        meaning = str(ReadRule.Meaning.PAYMENT_CODE)
    elif card is not None:  # what was written down at its issue outranks a pattern
        meaning = card.meaning
    else:
        meaning = meaning_of(station=station.pk, medium=medium, text=text)
    try:
        with transaction.atomic():
            swipe = Swipe.objects.create(
                station=station,
                reader=reader,
                key=key,
                medium=medium,
                text=text[:120],
                meaning=meaning,
                outcome=_outcome(medium, meaning, card),
                card=card,
                occurred_at=at,
            )
    except IntegrityError:  # told at the same moment by another process
        if not Swipe.objects.filter(key=key).exists():
            raise
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(swipe.pk)])
    return swipe


def _card(station: Station, number: str) -> Card | None:
    """A card of this station, or of a member, whom every station knows."""
    return Card.objects.filter(
        Q(station=station) | Q(meaning=ReadRule.Meaning.MEMBER_CARD),
        number=number,
        status__in=[Card.Status.ACTIVE, Card.Status.LOST],
    ).first()


def _outcome(medium: str, meaning: str, card: Card | None) -> Swipe.Outcome:
    if medium == ReadRule.Medium.CARD:
        if card is None:
            return Swipe.Outcome.UNKNOWN
        return Swipe.Outcome.LOST if card.status == Card.Status.LOST else Swipe.Outcome.KNOWN
    known = meaning != ReadRule.Meaning.UNKNOWN
    return Swipe.Outcome.KNOWN if known else Swipe.Outcome.UNKNOWN
