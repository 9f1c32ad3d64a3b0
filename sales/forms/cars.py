"""A plate as the attendant reads it off the car."""

from __future__ import annotations

from django import forms


class PlateForm(forms.Form):
    """The plate that is right."""

    plate = forms.CharField(label="正确的车牌", max_length=12)
