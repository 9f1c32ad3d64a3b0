"""What is missing on this floor before a station can go live."""

from __future__ import annotations

from datetime import datetime

from inventory.models import FuelCost, Item, TankMovement
from station.models import Station, StrappingTable, Tank
from station.queries.go_live import Finding


def findings(*, station: Station, at: datetime) -> list[Finding]:
    """Tanks without a table or an opening, fuel without a cost, items without a price."""
    tanks = Tank.objects.filter(station=station, active=True).order_by("number")
    with_table = set(
        StrappingTable.objects.filter(tank__in=tanks, replaced_at=None).values_list(
            "tank_id", flat=True
        )
    )
    opened = set(
        TankMovement.objects.filter(tank__in=tanks, kind=TankMovement.Kind.OPENING).values_list(
            "tank_id", flat=True
        )
    )
    costed = set(FuelCost.objects.filter(station=station).values_list("grade_id", flat=True))
    found = []
    for tank in tanks:
        found.append(
            Finding(
                "油罐", f"{tank}罐容表", tank.pk in with_table, "没有在用的罐容表", "station:tanks"
            )
        )
        found.append(
            Finding(
                "油罐", f"{tank}初始存油", tank.pk in opened, "没有录入上线初值", "station:wizard"
            )
        )
        found.append(
            Finding(
                "油罐",
                f"{tank}成本",
                tank.grade_id in costed,
                "没有成本，毛利无法计算",
                "inventory:delivery-plan",
            )
        )
    free = Item.objects.filter(active=True, kind=Item.Kind.GOODS, price=0).count()
    found.append(
        Finding("便利店", "商品售价", free == 0, f"{free} 种商品售价为零", "inventory:items")
    )
    return found
