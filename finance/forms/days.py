"""Forms of the day close."""

from __future__ import annotations

from django import forms

from finance.queries.ranges import Grain
from station.forms.controls import DayField


class AcceptForm(forms.Form):
    """The owner accepts one difference in words."""

    kind = forms.CharField(max_length=30, widget=forms.HiddenInput)
    subject = forms.CharField(max_length=60, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="认可理由",
        max_length=200,
        required=False,
        widget=forms.TextInput(
            attrs={"placeholder": "原因，和后续如何处理", "autocomplete": "off"}
        ),
    )


class CloseForm(forms.Form):
    """The last word of the day."""

    remarks = forms.CharField(
        label="备注",
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="会印在加油站日报上，可以不填",
    )


class DaysForm(forms.Form):
    """Which business days are listed."""

    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)


class RangeForm(forms.Form):
    """Which dates, and how they are cut."""

    since = DayField(label="从")
    until = DayField(label="到")
    grain = forms.ChoiceField(label="按", choices=[(one.value, one.label) for one in Grain])

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "截止日期不能早于开始日期")
        return cleaned


class DayForm(forms.Form):
    """One business day."""

    day = DayField(label="营业日", required=False)
