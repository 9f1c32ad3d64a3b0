"""Forms of 节假日历."""

from __future__ import annotations

from django import forms

from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import CalendarDay


class CalendarDayForm(forms.Form):
    """What a day is, and on whose word."""

    helper = laid("date", "kind", "name", "reason")
    date = DayField(label="日期")
    kind = forms.ChoiceField(label="类别", choices=CalendarDay.Kind.choices)
    name = forms.CharField(label="名称", max_length=30, required=False, help_text="如 国庆节")
    reason = forms.CharField(
        label="依据", max_length=200, help_text="文号或原因，写入审计日志", required=False
    )


class CalendarChangeForm(CalendarDayForm):
    """The same of a day that is there: its date stands."""

    helper = laid("kind", "name", "reason")
    date = None  # type: ignore[assignment]
