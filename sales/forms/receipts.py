"""Which receipts to show, and which copy a page offered."""

from __future__ import annotations

from django import forms

from sales.models import Receipt
from station.forms.controls import DayField

ALL = ("", "全部")
MOST = 32_767  # a small integer


class CopyForm(forms.Form):
    """The copy a button stood for; pressed twice it is one paper."""

    copy = forms.IntegerField(min_value=1, max_value=MOST, widget=forms.HiddenInput)


class ReceiptFilter(forms.Form):
    """What of the queue to show."""

    status = forms.ChoiceField(label="状态", required=False, choices=[ALL, *Receipt.Status.choices])
    kind = forms.ChoiceField(label="类别", required=False, choices=[ALL, *Receipt.Kind.choices])
    since = DayField(label="自", required=False)
    text = forms.CharField(label="单号", required=False, max_length=40)
