"""A range of business days."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from station.forms.controls import DayField


class PeriodForm(forms.Form):
    """From one business day to another, both included."""

    since = DayField(label="营业日起")
    until = DayField(label="营业日止")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].initial = self.fields["until"].initial = today
        self.today = today

    def span(self) -> tuple[date, date]:
        """The range, the earlier day first; today where nothing valid was typed."""
        days = (
            self.cleaned_data.get("since") or self.today,
            self.cleaned_data.get("until") or self.today,
        )
        return min(days), max(days)
