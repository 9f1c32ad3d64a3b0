"""Forms of events: what it is, who comes, who is there."""

from __future__ import annotations

from typing import Any

from django import forms

from members.forms.points import PointsApprovedForm
from station.forms.controls import MomentField
from station.forms.layout import laid

OFF = {"autocomplete": "off"}
NUMERIC = {**OFF, "inputmode": "numeric"}


class EventForm(PointsApprovedForm):
    """An event with its seats."""

    helper = laid(
        "name",
        "place",
        "starts_at",
        "ends_at",
        "capacity",
        "points",
        "words",
        "approver",
        "approver_secret",
    )
    name = forms.CharField(
        label="名称", max_length=40, help_text="如「夏季车主讲堂」，会员看得到。"
    )
    place = forms.CharField(label="地点", max_length=60, required=False)
    starts_at = MomentField(label="开始")
    ends_at = MomentField(label="结束")
    capacity = forms.IntegerField(
        label="名额",
        min_value=1,
        max_value=10_000,
        widget=forms.TextInput(attrs=NUMERIC),
        help_text="满了自动候补；有人取消，候补的第一位补上并收到消息。",
    )
    points = forms.IntegerField(
        label="到场送积分",
        min_value=0,
        max_value=100_000,
        initial=0,
        widget=forms.TextInput(attrs=NUMERIC),
    )
    words = forms.CharField(
        label="说明", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


FIELDS = ("name", "place", "words", "starts_at", "ends_at", "capacity", "points")


def event_initial(event: Any) -> dict[str, Any]:
    """An event as its form starts with it."""
    return {name: getattr(event, name) for name in FIELDS}


class GuestForm(forms.Form):
    """A member who signs up at the counter."""

    number = forms.CharField(label="会员号", max_length=20)


class CheckInForm(forms.Form):
    """The code on a member's phone."""

    code = forms.CharField(label="签到码", max_length=20)
