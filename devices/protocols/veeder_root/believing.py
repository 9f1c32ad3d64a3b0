"""Which readings can be true, and an inventory as plain values for whoever asks a console by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from devices.protocols.veeder_root.messages import Format, InventoryRead, Said, Tank, Units
from devices.protocols.veeder_root.units import metric

TALLEST = Decimal(6000)  # mm; no tank below a forecourt is as high
COLDEST, HOTTEST = Decimal(-60), Decimal(100)  # °C
SLACK = Decimal("1.02")  # a strapping table may end a little above the nameplate
# What a figure may have moved by since the last answer without being doubted: litres, mm, °C.
_MOVES = {
    "volume": Decimal(50), "tc_volume": Decimal(50), "ullage": Decimal(50), "height": Decimal(10),
    "water": Decimal(2), "water_volume": Decimal(20), "temperature": Decimal(1),
}  # fmt: skip
_WORDS = {
    "volume": "油量", "tc_volume": "标准油量", "ullage": "空容", "height": "油高",
    "water": "水高", "water_volume": "水量", "temperature": "油温",
}  # fmt: skip


def why_impossible(tank: Tank, capacity: Decimal | None = None) -> str:
    """What of a metric reading cannot be, in words; "" where all can. `capacity` in litres."""
    for name, word in _WORDS.items():
        value: Decimal | None = getattr(tank, name)
        if value is None:
            if name in ("volume", "height", "water"):
                return f"没有{word}"
            continue
        if not value.is_finite():
            return f"{word}不是数"
        if name == "temperature":
            if not COLDEST <= value <= HOTTEST:
                return f"{word} {value} ℃"
            continue
        if value < 0:
            return f"{word}为负（{value}）"
        if name in ("height", "water") and value > TALLEST:
            return f"{word} {value} mm"
        if name not in ("height", "water") and capacity and value > capacity * SLACK:
            return f"{word} {value} 升，超过罐容 {capacity:.0f} 升"
    return ""


def alike(said: Said, last: Said, units: Units) -> bool:
    """Whether two answers say the same; of an inventory, within what a few seconds may move."""
    if isinstance(said, InventoryRead) and isinstance(last, InventoryRead):
        return len(said.tanks) == len(last.tanks) and all(
            _near(metric(one, units), metric(other, units))
            for one, other in zip(said.tanks, last.tanks, strict=True)
        )
    return replace(said, stamp=last.stamp) == last


def _near(one: Tank, other: Tank) -> bool:
    if (one.tank, one.product, one.status) != (other.tank, other.product, other.status):
        return False
    for name, most in _MOVES.items():
        here, there = getattr(one, name), getattr(other, name)
        if str(here) == str(there):  # no figure, or none that is a number
            continue
        if here is None or there is None or not (here.is_finite() and there.is_finite()):
            return False
        if abs(here - there) > most:
            return False
    return True


def inventory_as_values(
    inventory: InventoryRead, units: Units = Units.METRIC, labels: dict[int, str] | None = None
) -> dict[str, Any]:
    """An inventory that fits into JSON: every figure with its unit in its name, as text.

    `tanks` has one entry a tank: tank, product, volume_l, tc_volume_l, ullage_l, height_mm,
    water_mm, water_volume_l, temperature_c, delivering, invalid_height, and impossible with what
    cannot be true of it ("" where all can). A figure that the console does not send is None.
    """
    return {
        "console_time": inventory.stamp,
        "format": str(Format(inventory.format)),
        "units": Units(units).name,
        "tanks": [_as_values(metric(one, units), labels or {}) for one in inventory.tanks],
    }


def _as_values(tank: Tank, labels: dict[int, str]) -> dict[str, Any]:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else str(value)

    return {
        "tank": tank.tank,
        "product": labels.get(tank.tank, tank.product.strip()),
        "volume_l": text(tank.volume),
        "tc_volume_l": text(tank.tc_volume),
        "ullage_l": text(tank.ullage),
        "height_mm": text(tank.height),
        "water_mm": text(tank.water),
        "water_volume_l": text(tank.water_volume),
        "temperature_c": text(tank.temperature),
        "delivering": tank.delivering,
        "invalid_height": tank.invalid,
        "impossible": why_impossible(tank),
    }
