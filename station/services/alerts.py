"""预警: raised once, counted when it happens again, seen, and handled with a word."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from station.errors import Refusal
from station.models import Alert, Station, User
from station.services import audit

LIVE = (Alert.Status.OPEN, Alert.Status.SEEN)


class AlertNotLive(Refusal):
    """Somebody handled it, or what it was about has passed."""


class WordMissing(Refusal):
    """An alert is handled with a word on what was done."""


@transaction.atomic
def raise_alert(
    *, station: Station, key: str, kind: str, level: str, text: str, at: datetime, url: str = ""
) -> None:
    """Raise an alert about a subject, or count it once more while it lives.

    `key` names the subject (such as ``tank:3:low``), `kind` the sort for filters, `level` one of
    `Alert.Level`. Raising again renews text, level and link. Never refuses.
    """
    told = {"level": level, "text": text[:300], "url": url}
    live = Alert.objects.filter(station=station, key=key, status__in=LIVE)
    if live.update(count=F("count") + 1, **told):
        return
    try:
        with transaction.atomic():
            Alert.objects.create(station=station, key=key, kind=kind, raised_at=at, **told)
    except IntegrityError:  # another worker raised it in this instant
        live.update(count=F("count") + 1, **told)


def clear_alert(*, station: Station, key: str, at: datetime) -> bool:
    """What the alert was about has passed by itself; tells whether there was one. Never refuses."""
    return bool(
        Alert.objects.filter(station=station, key=key, status__in=LIVE).update(
            status=Alert.Status.CLEARED, cleared_at=at
        )
    )


@transaction.atomic
def see(*, alert: Alert, at: datetime, actor: User) -> None:
    """Somebody has it in hand. Refuses with AlertNotLive; twice by anybody is the same as once."""
    moved = Alert.objects.filter(pk=alert.pk, status=Alert.Status.OPEN).update(
        status=Alert.Status.SEEN
    )
    if moved:
        _note(alert, "station.alert.seen", at, actor, "")
    elif not Alert.objects.filter(pk=alert.pk, status=Alert.Status.SEEN).exists():
        raise AlertNotLive("这条预警已经处理或已自行恢复，不需要再接手。")


@transaction.atomic
def handle(*, alert: Alert, word: str, at: datetime, actor: User) -> None:
    """Close an alert with a word on what was done. Refuses with WordMissing or AlertNotLive."""
    if not word.strip():
        raise WordMissing("请写明怎么处理的，例如「已通知维修」，再点处理。")
    moved = Alert.objects.filter(pk=alert.pk, status__in=LIVE).update(
        status=Alert.Status.HANDLED, handled_at=at, handled_by=actor, word=word.strip()[:200]
    )
    if not moved:
        raise AlertNotLive("这条预警已经由别人处理，或已自行恢复，请刷新页面。")
    _note(alert, "station.alert.handled", at, actor, word.strip())


def _note(alert: Alert, action: str, at: datetime, actor: User, reason: str) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=alert.station,
        document=f"alert:{alert.pk}",
        reason=reason,
        after={"text": alert.text},
    )
