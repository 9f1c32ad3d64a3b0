"""Forms of 归因."""

from __future__ import annotations

from typing import Any

from django import forms

from inventory.forms.reconciliation import tanks_of
from inventory.models import VarianceAttribution
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Station, Tank


class ProposeForm(forms.Form):
    """What it came from, and how one knows."""

    helper = laid()
    cause = forms.ChoiceField(label="归因", choices=VarianceAttribution.Cause.choices)
    evidence = forms.CharField(
        label="证据",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="查了什么、看到什么、谁在场；照片和单据在下面“附件”里上传",
    )


class DecideForm(forms.Form):
    """The other person's word; to send it back it must say why."""

    helper = laid()
    word = forms.CharField(label="审批意见", max_length=200, required=False)


class AttributionFilter(forms.Form):
    """Which attributions."""

    status = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "没有了结的"), *VarianceAttribution.Status.choices, ("ALL", "全部")],
    )
    cause = forms.ChoiceField(
        label="归因", required=False, choices=[("", "全部"), *VarianceAttribution.Cause.choices]
    )
    tank = forms.ModelChoiceField(
        label="油罐", queryset=Tank.objects.none(), required=False, empty_label="全部"
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tanks_of(self.fields["tank"], station)
