"""Forms of 损耗定额 and of the pages that read it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from inventory.models import LossAllowance
from inventory.services.allowances import Figure
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Grade

LONGEST = 366


class AllowanceForm(forms.Form):
    """定额 of a stage, with where it is taken from."""

    helper = laid()
    kind = forms.ChoiceField(label="油品种类", choices=Grade.Kind.choices)
    stage = forms.ChoiceField(
        label="环节",
        choices=LossAllowance.Stage.choices,
        help_text="运输途中的定额归承运方，不在这里",
    )
    region = forms.ChoiceField(
        label="地区类别",
        required=False,
        choices=[("", "不分地区"), *LossAllowance.Region.choices],
    )
    season = forms.ChoiceField(
        label="季节", required=False, choices=[("", "不分季节"), *LossAllowance.Season.choices]
    )
    percent = forms.DecimalField(
        label="定额(%)",
        min_value=Decimal(0),
        max_value=Decimal(5),
        max_digits=6,
        decimal_places=4,
        help_text="按百分数填：0.29% 填 0.29（即 2.9‰）",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    source = forms.CharField(
        label="依据", max_length=200, help_text="哪个标准、文件或站内规定，什么文号"
    )
    valid_from = DayField(label="自何日起")

    def figure(self) -> Figure:
        """What was typed."""
        return Figure(**self.cleaned_data)


class RangeForm(forms.Form):
    """A range of days."""

    since = DayField(label="从")
    until = DayField(label="到")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "截止日期不能早于开始日期")
        elif since and until and (until - since).days >= LONGEST:
            self.add_error("until", f"最多看 {LONGEST} 天，请缩短期间")
        return cleaned
