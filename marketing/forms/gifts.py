"""Forms of following gifts up."""

from __future__ import annotations

from django import forms

from members.models import Gift, GiftCall, Occasion
from station.forms.controls import DayField
from station.forms.layout import laid


class GiftFilter(forms.Form):
    """Which gifts."""

    occasion = forms.ChoiceField(
        label="礼遇", required=False, choices=[("", "全部"), *Occasion.choices]
    )
    state = forms.ChoiceField(
        label="发放", required=False, choices=[("", "全部"), *Gift.State.choices]
    )
    used = forms.ChoiceField(
        label="券", required=False, choices=[("", "全部"), ("0", "没用"), ("1", "已用")]
    )
    called = forms.ChoiceField(
        label="回访", required=False, choices=[("", "全部"), ("0", "没打过"), ("1", "打过")]
    )
    text = forms.CharField(label="会员号", required=False, max_length=20)
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)


class CallForm(forms.Form):
    """What came of a call."""

    helper = laid("outcome", "words")
    outcome = forms.ChoiceField(label="结果", choices=GiftCall.Outcome.choices)
    words = forms.CharField(
        label="说明",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
