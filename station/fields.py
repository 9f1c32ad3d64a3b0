"""The model fields of money and volume; no other DecimalField is used in the project."""

from __future__ import annotations

from typing import Any

from django.db import models


class _FixedDecimalField(models.DecimalField):  # type: ignore[type-arg]
    """A DecimalField whose width belongs to the class, so that migrations and call sites agree."""

    digits = 12
    places = 2

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = self.digits
        kwargs["decimal_places"] = self.places
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class YuanField(_FixedDecimalField):
    """Money in yuan, numeric(12,2)."""


class LitresField(_FixedDecimalField):
    """Volume in litres (or kWh, pieces) with three places, numeric(12,3)."""

    places = 3


class TotalizerField(_FixedDecimalField):
    """A dispenser's running total in litres, numeric(14,3): wider than any single volume."""

    digits = 14
    places = 3


class UnitPriceField(_FixedDecimalField):
    """Yuan per litre (kWh, piece), numeric(8,2)."""

    digits = 8


class UnitCostField(_FixedDecimalField):
    """Cost in yuan per unit before VAT, numeric(14,6): moving averages need the places."""

    digits = 14
    places = 6


class RateField(_FixedDecimalField):
    """A share such as a tax rate (0.13), numeric(7,5)."""

    digits = 7
    places = 5


class MeasureField(_FixedDecimalField):
    """A physical reading: mm, ℃, kg/m³, numeric(9,2)."""

    digits = 9
