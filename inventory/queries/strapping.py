"""罐容表 lookup and temperature correction, as a gauger does them.

V(h) = V_i + (h − h_i)/(h_{i+1} − h_i)·(V_{i+1} − V_i); net = V(total) − V(water).
V20 = Vt − Vt·(t − 20)·β with the grade's β (汽油 0.0012, 柴油 0.0008 per ℃), rounded to 0.01 L.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from station.errors import Refusal
from station.models import StrappingPoint, Tank
from station.money import NO_LITRES, Litres, round_litres

DECILITRE = Decimal("0.1")
CENTILITRE = Decimal("0.01")


class NoStrappingTable(Refusal):
    """The tank has no table in use."""


class HeightOutsideTable(Refusal):
    """The height cannot be in this tank."""


@dataclass(frozen=True)
class Volumes:
    """Litres of a gauged tank: oil and water together, water, and oil alone."""

    total: Litres
    water: Litres
    net: Litres


Points = Sequence[tuple[int, Litres]]


def interpolate(points: Points, height_mm: int) -> Litres:
    """Litres at a height between two marks, rounded to 0.1 L. Refuses a height outside the table."""
    heights = [height for height, _ in points]
    if not points or not heights[0] <= height_mm <= heights[-1]:
        top = heights[-1] if heights else 0
        raise HeightOutsideTable(
            f"高度 {height_mm} mm 不在罐容表范围内（最高 {top} mm），请重新量取"
        )
    after = bisect_right(heights, height_mm)
    low, low_litres = points[after - 1]
    if height_mm == low:
        return low_litres
    high, high_litres = points[after]
    step = Decimal(height_mm - low) / Decimal(high - low)
    litres = low_litres + step * (high_litres - low_litres)
    return round_litres(litres.quantize(DECILITRE, ROUND_HALF_UP))


def points_of(tank: Tank) -> list[tuple[int, Litres]]:
    """The marks of the table in use, rising. Refuses a tank without one."""
    points = list(
        StrappingPoint.objects.filter(table__tank=tank, table__replaced_at=None)
        .order_by("height_mm")
        .values_list("height_mm", "litres")
    )
    if not points:
        raise NoStrappingTable(f"{tank} 没有在用的罐容表，请先在“油罐设置”中录入")
    return points


def net_of(*, tank: Tank, total_height_mm: int, water_height_mm: int) -> Volumes:
    """Volumes of a tank from its two heights. Refuses heights outside the table, or water above oil."""
    if water_height_mm > total_height_mm:
        raise HeightOutsideTable(
            f"水高 {water_height_mm} mm 高于油水总高 {total_height_mm} mm，请核对两个读数"
        )
    points = points_of(tank)
    total = interpolate(points, total_height_mm)
    water = interpolate(points, water_height_mm) if water_height_mm else NO_LITRES
    return Volumes(total=total, water=water, net=total - water)


def v20(net: Litres, temp_c: Decimal, expansion: Decimal) -> Litres:
    """Standard volume at 20 ℃ by the fixed coefficient, rounded to 0.01 L."""
    corrected = net - net * (temp_c - 20) * expansion
    return round_litres(corrected.quantize(CENTILITRE, ROUND_HALF_UP))
