"""One read becomes one event with one meaning, decided by the rules of the station's page."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction

from devices.models import Card, Reader, ReadRule, Swipe
from devices.queries.swipes import meaning_of

# A payer's code is good for a minute; so long it waits, sealed, for its till.
CODE_SECONDS = 60
CARDS = (ReadRule.Meaning.STAFF_CARD, ReadRule.Meaning.MEMBER_CARD)


@transaction.atomic
def record_swipe(
    *, reader: int, key: str, medium: str, text: str, secret: bool, at: datetime
) -> Swipe | None:
    """Store one read of a reader or scanner; None where `key` is stored already. Never refuses.

    `text` comes masked where it is `secret`; such a read is a payment code whatever the rules say.
    A card that was never issued is UNKNOWN, one reported lost is LOST.
    """
    where = Reader.objects.select_related("line").get(pk=reader)
    station_id = where.line.station_id
    if secret:
        meaning = str(ReadRule.Meaning.PAYMENT_CODE)
    else:
        meaning = meaning_of(station=station_id, medium=medium, text=text)
    card = None
    if medium == ReadRule.Medium.CARD:
        card = Card.objects.filter(
            station=station_id, number=text, status__in=[Card.Status.ACTIVE, Card.Status.LOST]
        ).first()
        # What the station wrote down when it issued the card outranks a pattern.
        meaning = card.meaning if card else meaning
    try:
        with transaction.atomic():
            return Swipe.objects.create(
                station_id=station_id,
                reader=where,
                key=key,
                medium=medium,
                text=text[:120],
                meaning=meaning,
                outcome=_outcome(medium, meaning, card),
                card=card,
                occurred_at=at,
            )
    except IntegrityError:  # told before: the key is taken
        if not Swipe.objects.filter(key=key).exists():
            raise
        return None


def whisper(*, key: str, code: str) -> None:
    """Keep a payment code for the till of its swipe: sealed, a minute, in no table and no log."""
    cache.set(_place(key), _box().encrypt(code.encode()).decode(), CODE_SECONDS)


def take_code(*, swipe: Swipe, at: datetime) -> str | None:
    """The payment code of a swipe, to the first who asks; None afterwards, or when a minute is over."""
    moved = Swipe.objects.filter(pk=swipe.pk, taken_at=None).update(taken_at=at)
    if not moved:
        return None
    sealed = cache.get(_place(swipe.key))
    cache.delete(_place(swipe.key))
    try:
        return _box().decrypt(sealed.encode()).decode() if sealed else None
    except InvalidToken:
        return None


def _outcome(medium: str, meaning: str, card: Card | None) -> Swipe.Outcome:
    if card is not None:
        lost = card.status == Card.Status.LOST
        return Swipe.Outcome.LOST if lost else Swipe.Outcome.KNOWN
    if medium == ReadRule.Medium.CARD or meaning == ReadRule.Meaning.UNKNOWN:
        return Swipe.Outcome.UNKNOWN
    return Swipe.Outcome.KNOWN


def _place(key: str) -> str:
    return f"swipe:{hashlib.sha256(key.encode()).hexdigest()}"


def _box() -> Fernet:
    secret = hashlib.sha256(b"payment codes" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(secret))
