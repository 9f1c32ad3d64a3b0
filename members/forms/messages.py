"""Which messages are looked for."""

from __future__ import annotations

from django import forms

from members.models import MemberNotice, NoticeText
from station.forms.controls import DayField


class MessageFilter(forms.Form):
    """By kind, member, state of the text, and days."""

    kind = forms.ChoiceField(
        label="类别", required=False, choices=[("", "全部"), *MemberNotice.Kind.choices]
    )
    queued = forms.ChoiceField(
        label="短信", required=False, choices=[("", "全部"), *NoticeText.State.choices]
    )
    text = forms.CharField(label="会员号", required=False, max_length=20)
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)
