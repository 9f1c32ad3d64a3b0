"""What the list of purchases is narrowed by."""

from __future__ import annotations

from typing import Any

from django import forms

from members.queries.history import KINDS
from station.forms.controls import DayField
from station.models import Station


class PurchaseFilter(forms.Form):
    """Days, kind, station and product."""

    since = DayField(label="起", required=False)
    until = DayField(label="止", required=False)
    kind = forms.ChoiceField(label="类型", required=False, choices=[("", "全部"), *KINDS])
    station = forms.ModelChoiceField(
        label="油站", required=False, queryset=Station.objects.none(), empty_label="全部"
    )
    product = forms.CharField(label="商品", required=False, max_length=20)

    def __init__(self, *args: Any, stations: list[Station], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Station.objects.filter(pk__in=[one.pk for one in stations]).order_by("code")
        self.fields["station"].queryset = rows  # type: ignore[attr-defined]
