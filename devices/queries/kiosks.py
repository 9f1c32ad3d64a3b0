"""Kiosks, asked: which one a token is, and what its reader read."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from devices.models import Kiosk, KioskPairing, ReadRule, Swipe
from station.models import Station

JUST_READ = timedelta(seconds=20)  # an older read was of who stood there before


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return salted_hmac("devices.kiosk", token, algorithm="sha256").hexdigest()


def kiosk_of(*, token: str) -> Kiosk | None:
    """The kiosk that a token opens; None for none, or one that was revoked. One statement."""
    if not token:
        return None
    rows = Kiosk.objects.filter(token_hash=token_digest(token), revoked_at=None)
    rows = rows.filter(station__active=True)
    return rows.select_related("station", "printer", "reader").first()


def pairing_of(*, token: str, at: datetime) -> KioskPairing | None:
    """What a screen that asked to be a kiosk waits for; None where nothing, or too long ago."""
    rows = KioskPairing.objects.filter(token_hash=token_digest(token), expires_at__gt=at)
    return rows.first() if token else None


def kiosks_of(station: Station) -> QuerySet[Kiosk]:
    """The kiosks of a station with what the list shows."""
    rows = Kiosk.objects.filter(station=station)
    return rows.select_related("printer", "reader__line", "paired_by")


def last_swipe(*, kiosk: Kiosk) -> int:
    """The newest read of the kiosk's reader: what comes later is of who stands there now."""
    if kiosk.reader_id is None:
        return 0
    rows = Swipe.objects.filter(reader=kiosk.reader_id).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def read_at(*, kiosk: Kiosk, after: int, at: datetime) -> Swipe | None:
    """The newest member's card or phone code that was read just now. One statement."""
    if kiosk.reader_id is None:
        return None
    known = (ReadRule.Meaning.MEMBER_CARD, ReadRule.Meaning.MEMBER_CODE)
    rows = Swipe.objects.filter(
        reader=kiosk.reader_id, pk__gt=after, meaning__in=known, occurred_at__gt=at - JUST_READ
    )
    return rows.select_related("card").order_by("-pk").first()
