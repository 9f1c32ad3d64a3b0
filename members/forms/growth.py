"""Forms of targets and of churn."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from members.models import MemberTarget
from station.forms.controls import DayField
from station.forms.layout import laid

BETWEEN = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31))]


class TargetForm(forms.Form):
    """A goal for a period."""

    helper = laid("measure", "since", "until", "goal")
    measure = forms.ChoiceField(label="指标", choices=MemberTarget.Measure.choices)
    since = DayField(label="从", validators=BETWEEN)
    until = DayField(label="到", validators=BETWEEN)
    goal = forms.IntegerField(
        label="目标",
        min_value=1,
        max_value=100_000_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text="人数；消费率填百分数。",
    )


class ChurnForm(forms.Form):
    """Which month is shown by tier and by year of joining."""

    month = forms.ChoiceField(label="月份", required=False)

    def __init__(self, *args: Any, months: list[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(f"{one:%Y-%m}", f"{one:%Y} 年 {one.month} 月") for one in reversed(months)]
        self.fields["month"].choices = choices  # type: ignore[attr-defined]
        self.fields["month"].initial = choices[0][0]
