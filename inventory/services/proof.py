"""The nightly proof of the shop's ledger: an alert where a balance is not the sum of its moves."""

from __future__ import annotations

from datetime import datetime

from inventory.queries.proof import unequal
from station.models import Alert, Station
from station.services import alerts

KEY = "stock:unequal"


def prove(*, at: datetime) -> int:
    """Raise or clear the alert of each station; returns how many balances are wrong."""
    wrong = unequal()
    for station in Station.objects.filter(active=True):
        mine = [one for one in wrong if one.station_id == station.pk]
        if not mine:
            alerts.clear_alert(station=station, key=KEY, at=at)
            continue
        first = mine[0]
        alerts.raise_alert(
            station=station,
            key=KEY,
            kind="商品库存账",
            level=Alert.Level.CRITICAL,
            text=f"{len(mine)} 个商品结存与流水不符，如 {first.place} {first.item} 结存"
            f" {first.balance.normalize():f}、流水合计 {first.moved.normalize():f}：请先停止调整，联系维护人员",
            url="/inventory/stock/",
            at=at,
        )
    return len(wrong)
