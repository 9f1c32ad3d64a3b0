"""自校到期: one alert of a station that names the nozzles whose own test is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime

from devices.queries.meter_tests import overdue
from station.models import Alert, Nozzle, Station
from station.services import alerts

PREFIX = "self_tests:"
NAMED = 20  # of many nozzles the first


def remind_all(*, at: datetime) -> None:
    """Tell each station of its nozzles whose own test is due. Twice is the same as once."""
    for station in Station.objects.filter(active=True):
        settle(station=station, at=at, fresh=True)


@transaction.atomic
def settle(*, station: Station, at: datetime, fresh: bool = False) -> None:
    """Let the alert say what is due now, and end it where nothing is.

    With `fresh` it is raised too: again after somebody handled it only when another nozzle has
    become due since.
    """
    due = overdue(station=station, today=localtime(at).date())
    key, text = _key(due), _text(due)
    known = Alert.objects.filter(station=station, key__startswith=PREFIX)
    live = known.filter(status__in=alerts.LIVE)
    told = known.filter(key=key).exclude(status=Alert.Status.CLEARED)
    if due and fresh and not told.exists():
        for old in live.values_list("key", flat=True):
            alerts.clear_alert(station=station, key=old, at=at)
        alerts.raise_alert(
            station=station,
            key=key,
            kind="devices.meter",
            level=Alert.Level.WARNING,
            text=text,
            at=at,
            url=f"{reverse('devices:tests')}?due=OWN",
        )
        return
    for old, said in live.values_list("key", "text"):
        if not due:
            alerts.clear_alert(station=station, key=old, at=at)
        elif said != text:
            live.filter(key=old).update(text=text)


def _key(due: Sequence[tuple[Nozzle, date | None]]) -> str:
    """Another one where a nozzle has become due."""
    days = [day for _, day in due if day is not None]
    return f"{PREFIX}{max(days, default='')}:{len(due) - len(days)}"


def _text(due: Sequence[tuple[Nozzle, date | None]]) -> str:
    numbers = "、".join(str(one.number) for one, _ in due[:NAMED])
    more = f"等 {len(due)} 把枪" if len(due) > NAMED else " 号枪"
    first = min((day for _, day in due if day is not None), default=None)
    since = f"，最早 {first} 到期" if first else ""
    return f"{numbers}{more}的自校已到期{since}：请用标准量器自校后登记"
