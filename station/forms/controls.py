"""Form fields whose inputs are the browser's own: dates as a browser wants them, numbers by keypad."""

from __future__ import annotations

from typing import Any

from django import forms


class DayField(forms.DateField):
    """A date with the browser's calendar."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(**options)


class MomentField(forms.DateTimeField):
    """A local date and time to the minute, with the browser's calendar."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        options.setdefault("widget", widget)
        super().__init__(**options)


class _Typed(forms.DecimalField):
    places: int

    def __init__(self, **options: Any) -> None:
        # type=number would let the mouse wheel change an amount of money.
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        options.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(max_digits=12, decimal_places=self.places, **options)


class YuanInput(_Typed):
    """An amount in yuan, two places."""

    places = 2


class LitresInput(_Typed):
    """A volume in litres, three places."""

    places = 3
