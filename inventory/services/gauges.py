"""What gauges say against what people have noted: a delivery without its 卸油单 is a question."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime

from inventory.queries.gauges import to_match
from station.models import Alert, Station
from station.services import alerts


@transaction.atomic
def ask_about_deliveries(*, station: Station, at: datetime) -> None:
    """Ask once about each delivery that no 卸油单 explains; the question goes when one does."""
    seen: list[Any] = list(to_match(station=station, at=at))  # each with its `number`
    keys = [_key(row.pk) for row in seen]
    known = set(Alert.objects.filter(station=station, key__in=keys).values_list("key", flat=True))
    for row in seen:
        if row.number is not None:
            if _key(row.pk) in known:
                alerts.clear_alert(station=station, key=_key(row.pk), at=at)
        elif _key(row.pk) not in known:
            litres = row.end_volume - row.start_volume
            alerts.raise_alert(
                station=station,
                key=_key(row.pk),
                kind="卸油无单",
                level=Alert.Level.WARNING,
                text=f"液位仪在 {localtime(row.ended_at):%m-%d %H:%M} 测到{row.tank}（{row.tank.grade}）"
                f"进油 {litres:.0f} 升，没有对应的卸油单：请补录，或说明来源",
                at=at,
                url=reverse("inventory:gauge-deliveries"),
            )


def _key(pk: int) -> str:
    return f"gauge_delivery:{pk}"
