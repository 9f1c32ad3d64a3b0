"""Service times against their target: an alert while the last hour is slower."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from sales.queries.service_times import service_time_since
from station.models import Alert, Station
from station.queries import settings
from station.services import alerts

TARGET = "sales.service_time_target"
WINDOW = timedelta(hours=1)
# Three cars are no queue.
FEWEST = 5


def watch(*, station: Station, at: datetime) -> bool:
    """Raise or clear the alert on slow service; tells whether it stands. Never refuses."""
    target = settings.whole(TARGET, station)
    last = service_time_since(station=station, since=at - WINDOW)
    if last is None or last.count < FEWEST or last.median <= target:
        alerts.clear_alert(station=station, key=TARGET, at=at)
        return False
    alerts.raise_alert(
        station=station,
        key=TARGET,
        kind="sales.service_time",
        level=Alert.Level.WARNING,
        text=(
            f"近一小时从提枪到付清的中位时长 {last.median} 秒，超过目标 {target} 秒"
            f"（等授权 {last.waiting}，加油 {last.fuelling}，收款 {last.paying}，共 {last.count} 车）"
        ),
        at=at,
        url=reverse("sales:service_times"),
    )
    return True


def watch_all(*, at: datetime) -> None:
    """Watch every station in use."""
    for station in Station.objects.filter(active=True):
        watch(station=station, at=at)
