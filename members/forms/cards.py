"""A card as it is issued."""

from __future__ import annotations

from django import forms

from devices.models import Card
from station.forms.layout import laid


class CardForm(forms.Form):
    """Number and kind; a reader types the number into the field."""

    helper = laid("number", "medium")
    number = forms.CharField(
        label="卡号",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text="在读卡器上刷一下，或照卡面输入。",
    )
    medium = forms.ChoiceField(label="卡的种类", choices=Card.Medium.choices)
