"""A swipe or a scan becomes one row, with one meaning that the station's rules decide."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import connection

from devices.models import Card, Reader, ReadRule, Swipe
from station.models import Station

CHANNEL = "devices_read"


def record_read(
    *, reader: Reader, key: str, medium: str, text: str, secret: bool, at: datetime
) -> Swipe | None:
    """Store one read once; None where it is stored already. Never refuses.

    `text` comes masked where it is secret: a payment code is never stored.
    """
    station = reader.line.station
    if Swipe.objects.filter(key=key).exists():
        return None
    meaning = ReadRule.Meaning.PAYMENT_CODE if secret else meaning_of(station, medium, text)
    card = _card(text) if medium == ReadRule.Medium.CARD else None
    if card is not None:
        meaning = ReadRule.Meaning(card.meaning)
    swipe = Swipe.objects.create(
        station=station,
        reader=reader,
        key=key,
        medium=medium,
        text=text,
        meaning=meaning,
        outcome=_outcome(medium, meaning, card),
        card=card,
        occurred_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(swipe.pk)])
    return swipe


def meaning_of(station: Station, medium: str, text: str) -> ReadRule.Meaning:
    """The first active rule by order whose pattern matches the whole text."""
    rules = ReadRule.objects.filter(station=station, medium=medium, active=True)
    for rule in rules.order_by("position"):
        try:
            if re.fullmatch(rule.pattern, text):
                return ReadRule.Meaning(rule.meaning)
        except re.error:
            continue  # a pattern that cannot be read matches nothing
    return ReadRule.Meaning.UNKNOWN


def _card(number: str) -> Card | None:
    live = Card.objects.filter(number=number, status__in=[Card.Status.ACTIVE, Card.Status.LOST])
    return live.first()


def _outcome(medium: str, meaning: ReadRule.Meaning, card: Card | None) -> Swipe.Outcome:
    if medium == ReadRule.Medium.CARD:
        if card is None:
            return Swipe.Outcome.UNKNOWN
        return Swipe.Outcome.LOST if card.status == Card.Status.LOST else Swipe.Outcome.KNOWN
    known = meaning != ReadRule.Meaning.UNKNOWN
    return Swipe.Outcome.KNOWN if known else Swipe.Outcome.UNKNOWN
