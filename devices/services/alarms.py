"""告警: raised once by a machine, counted while it lasts, seen, cleared by the machine or handled."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from devices.models import Alarm, Line
from station.errors import Refusal
from station.models import Alert, Nozzle, Station, User
from station.queries.calendar import open_day
from station.services import alerts, audit

LIVE = (Alarm.Status.OPEN, Alarm.Status.SEEN)
SERIOUS = frozenset(
    {
        Alarm.Kind.BACKWARDS,
        Alarm.Kind.LINE,
        Alarm.Kind.POLLER,
        Alarm.Kind.GAP,
        Alarm.Kind.PRICE,
        Alarm.Kind.SCALE,
    }
)


class AlarmOver(Refusal):
    """Somebody handled it, or the machine has recovered."""


class WordMissing(Refusal):
    """An alarm is handled with a word on what was done."""


@transaction.atomic
def raise_alarm(
    *,
    station: Station,
    kind: Alarm.Kind | str,
    subject: str,
    text: str,
    at: datetime,
    nozzle: Nozzle | None = None,
    line: Line | None = None,
) -> Alarm:
    """Raise the alarm of a machine about a subject, or count it once more while it lives.

    The first time it is put on the list of alerts too. Never refuses.
    """
    live = Alarm.objects.filter(
        station=station, kind=kind, subject=subject[:60], status__in=LIVE
    ).order_by("pk")
    told = {"text": text[:300], "last_at": at}
    if not live.update(count=F("count") + 1, **told):
        try:
            with transaction.atomic():
                alarm = Alarm.objects.create(
                    station=station,
                    kind=kind,
                    subject=subject[:60],
                    nozzle=nozzle,
                    line=line,
                    day=open_day(station),
                    raised_at=at,
                    **told,
                )
        except IntegrityError:  # another writer raised it in this instant
            live.update(count=F("count") + 1, **told)
        else:
            _alert(alarm, at)
            return alarm
    return live[0]


@transaction.atomic
def clear_alarm(*, station: Station, kind: Alarm.Kind | str, subject: str, at: datetime) -> bool:
    """The machine has recovered; tells whether there was an alarm. Never refuses."""
    cleared = Alarm.objects.filter(
        station=station, kind=kind, subject=subject[:60], status__in=LIVE
    ).update(status=Alarm.Status.CLEARED, cleared_at=at)
    if cleared:
        alerts.clear_alert(station=station, key=_key(kind, subject), at=at)
    return bool(cleared)


@transaction.atomic
def see(*, alarm: Alarm, actor: User, at: datetime) -> None:
    """Somebody has it in hand; twice is the same as once. Refuses one that is over."""
    moved = Alarm.objects.filter(pk=alarm.pk, status=Alarm.Status.OPEN).update(
        status=Alarm.Status.SEEN
    )
    if moved:
        _note(alarm, "devices.alarm.seen", actor=actor, at=at)
    elif not Alarm.objects.filter(pk=alarm.pk, status=Alarm.Status.SEEN).exists():
        raise AlarmOver("这条告警已经处理或已恢复，不需要再接手")


@transaction.atomic
def handle(*, alarm: Alarm, word: str, actor: User, at: datetime) -> None:
    """Close an alarm with a word on what was done. Refuses without a word, or when it is over."""
    word = word.strip()[:200]
    if not word:
        raise WordMissing("告警未关闭：请写明怎么处理的，例如「已更换通讯线」")
    moved = Alarm.objects.filter(pk=alarm.pk, status__in=LIVE).update(
        status=Alarm.Status.HANDLED, handled_at=at, handled_by=actor, word=word
    )
    if not moved:
        raise AlarmOver("这条告警已经由别人处理，或设备已恢复，请刷新页面")
    alerts.clear_alert(station=alarm.station, key=_key(alarm.kind, alarm.subject), at=at)
    _note(alarm, "devices.alarm.handled", actor=actor, at=at, reason=word)


def _alert(alarm: Alarm, at: datetime) -> None:
    serious = alarm.kind in SERIOUS
    alerts.raise_alert(
        station=alarm.station,
        key=_key(alarm.kind, alarm.subject),
        kind="devices.alarm",
        level=Alert.Level.CRITICAL if serious else Alert.Level.WARNING,
        text=alarm.text,
        at=at,
        url=reverse("devices:alarm", args=[alarm.pk]),
    )


def _key(kind: str, subject: str) -> str:
    return f"alarm:{kind}:{subject[:60]}"


def _note(alarm: Alarm, action: str, *, actor: User, at: datetime, reason: str = "") -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=alarm.station,
        document=f"告警 {alarm.pk}",
        reason=reason,
        after={"text": alarm.text},
    )
