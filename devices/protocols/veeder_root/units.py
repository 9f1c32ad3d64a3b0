"""Litres, millimetres and degrees Celsius of what a console counts in. Every factor is exact."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, TypeVar

from devices.protocols.base import Malformed
from devices.protocols.veeder_root.messages import Delivery, Mass, Tank, Units

LITRES, MILLIMETRES, CELSIUS = Decimal("0.001"), Decimal("0.1"), Decimal("0.01")
KILOGRAMS = Decimal("0.001")
_WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True)
class _Measures:
    litres: Decimal  # of one unit of volume
    millimetres: Decimal  # of one unit of height
    fahrenheit: bool


_MEASURES = {
    Units.US: _Measures(Decimal("3.785411784"), Decimal("25.4"), True),
    Units.METRIC: _Measures(Decimal(1), Decimal(1), False),
    Units.IMPERIAL: _Measures(Decimal("4.54609"), Decimal("25.4"), True),
}
_VOLUMES = {
    "volume", "tc_volume", "ullage", "water_volume",
    "start_volume", "start_tc", "end_volume", "end_tc",
}  # fmt: skip
_HEIGHTS = {"height", "water", "start_water", "end_water", "start_height", "end_height"}
_TEMPERATURES = {"temperature", "start_temperature", "end_temperature"}

Row = TypeVar("Row", Tank, Delivery, Mass)


def metric(row: Row, units: Units) -> Row:
    """The row in litres (3 places), mm (1) and °C (2); what is no number stays none.

    Raises Malformed for mass and density in other than metric units: which ones they are in is not
    said.
    """
    if isinstance(row, Mass) and units is not Units.METRIC:
        raise Malformed("mass in units that are not metric")
    new: dict[str, Any] = {
        one.name: _figure(one.name, value, _MEASURES[units])
        for one in fields(row)
        if isinstance(value := getattr(row, one.name), Decimal)
    }
    return replace(row, **new)


def foreign(row: Row, units: Units) -> Row:
    """The way back, for the simulated console: not rounded but by the singles of the wire."""
    measures = _MEASURES[units]
    new: dict[str, Any] = {
        one.name: _back(one.name, value, measures)
        for one in fields(row)
        if isinstance(value := getattr(row, one.name), Decimal)
    }
    return replace(row, **new)


def _figure(name: str, value: Decimal, measures: _Measures) -> Decimal:
    if not value.is_finite():
        return value
    if name in _VOLUMES:
        return _rounded(_WIDE.multiply(value, measures.litres), LITRES)
    if name in _HEIGHTS:
        return _rounded(_WIDE.multiply(value, measures.millimetres), MILLIMETRES)
    if name in _TEMPERATURES:
        return _rounded((value - 32) * 5 / 9 if measures.fahrenheit else value, CELSIUS)
    return _rounded(value, KILOGRAMS)


def _back(name: str, value: Decimal, measures: _Measures) -> Decimal:
    if not value.is_finite():
        return value
    if name in _VOLUMES:
        return value / measures.litres
    if name in _HEIGHTS:
        return value / measures.millimetres
    if name in _TEMPERATURES and measures.fahrenheit:
        return value * 9 / 5 + 32
    return value


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP, _WIDE)
