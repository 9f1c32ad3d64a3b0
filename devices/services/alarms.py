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
from station.queries.crew import on_duty
from station.services import alerts, audit, messages

LIVE = (Alarm.Status.OPEN, Alarm.Status.SEEN)
SERIOUS = frozenset(
    {
        Alarm.Kind.BACKWARDS,
        Alarm.Kind.LINE,
        Alarm.Kind.POLLER,
        Alarm.Kind.GAP,
        Alarm.Kind.PRICE,
        Alarm.Kind.SCALE,
        Alarm.Kind.IDENTITY,
        Alarm.Kind.MASTER,
        Alarm.Kind.CLOCK,
        Alarm.Kind.WATER,
        Alarm.Kind.OVERFILL,
        Alarm.Kind.LOSS,
        Alarm.Kind.LEAK,
        Alarm.Kind.IDLE_FALL,
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
    url: str = "",
    tell: bool = True,
) -> Alarm:
    """Raise the alarm of a machine about a subject, or count it once more while it lives.

    The first time it is put on the list of alerts too, and whoever is on duty gets a message; both
    lead to `url`, where something can be done about it, else to the alarm. Without `tell` it is an
    alarm alone, since another one has told of the same. Never refuses.
    """
    live = Alarm.objects.filter(
        station=station, kind=kind, subject=subject[:60], status__in=LIVE
    ).order_by("pk")
    told = {"text": text[:300], "last_at": at}
    while not live.update(count=F("count") + 1, **told):
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
        except IntegrityError as error:
            if "one_live_alarm_per_kind_and_subject" not in str(error):
                raise
            continue  # another writer raised it in this instant, and may have cleared it since
        if tell:
            _alert(alarm, at, url or reverse("devices:alarm", args=[alarm.pk]))
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


def hush(*, station: Station, kind: Alarm.Kind | str, subject: str, at: datetime) -> None:
    """Take the alert of an alarm off the list, because somebody has decided; the alarm itself stays."""
    alerts.clear_alert(station=station, key=_key(kind, subject), at=at)


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


def _alert(alarm: Alarm, at: datetime, url: str) -> None:
    serious = alarm.kind in SERIOUS
    alerts.raise_alert(
        station=alarm.station,
        key=_key(alarm.kind, alarm.subject),
        kind="devices.alarm",
        level=Alert.Level.CRITICAL if serious else Alert.Level.WARNING,
        text=alarm.text,
        at=at,
        url=url,
    )
    for person in on_duty(alarm.station):
        messages.tell(
            recipient=person,
            key=f"alarm:{alarm.pk}",
            subject=f"设备告警：{alarm.get_kind_display()}",
            text=alarm.text,
            at=at,
            url=url,
            station=alarm.station,
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
