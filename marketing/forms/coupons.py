"""Batches of coupons, who gets them, and looking one up."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms

from marketing.models import CouponTemplate, Status
from station.forms.controls import DayField, MomentField
from station.forms.layout import laid
from station.models import Station


class BatchForm(forms.Form):
    """A batch: how many, and how many for one."""

    helper = laid(
        "template", "quota", "per_member", "per_member_day", "per_device", "open", "claim_until",
        "new_within_days", "for_rewards",
    )  # fmt: skip
    template = forms.ModelChoiceField(label="券", queryset=CouponTemplate.objects.none())
    quota = forms.IntegerField(label="数量", min_value=1, max_value=1_000_000)
    per_member = forms.IntegerField(label="每人最多几张", min_value=1, max_value=99, initial=1)
    per_member_day = forms.IntegerField(
        label="每人每天最多几张", min_value=1, max_value=99, required=False
    )
    per_device = forms.IntegerField(
        label="每台设备最多几张", min_value=1, max_value=99, required=False
    )
    open = forms.BooleanField(label="公开领取：给一个领券码，印在海报上", required=False)
    claim_until = MomentField(label="领取截止", required=False)
    new_within_days = forms.IntegerField(
        label="只给入会几天内的新会员",
        min_value=1,
        max_value=3650,
        required=False,
        help_text="空着：所有会员",
    )
    for_rewards = forms.BooleanField(
        label="留给积分商城和会员礼遇：只由系统发放",
        required=False,
        help_text="礼品或礼遇方案里填这张券的编号，券自动到账。",
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].queryset = CouponTemplate.objects.filter(  # type: ignore[attr-defined]
            station=station, status=Status.APPROVED
        ).order_by("name")

    def values(self) -> dict[str, Any]:
        """The batch without its template."""
        return {name: value for name, value in self.cleaned_data.items() if name != "template"}


class GiveForm(forms.Form):
    """Members who get one each: numbers, phones or plates, one a line or with commas."""

    MOST = 500

    helper = laid("members")
    members = forms.CharField(
        label="会员",
        max_length=12_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        help_text="会员号、手机或车牌，一行一个或用逗号隔开，一次最多 500 人",
    )

    def clean_members(self) -> list[str]:
        told = [one for one in re.split(r"[,，、;；\s]+", self.cleaned_data["members"]) if one]
        if len(told) > self.MOST:
            raise forms.ValidationError(f"一次最多 {self.MOST} 人，这里有 {len(told)} 人")
        return list(dict.fromkeys(told))


class PrintForm(forms.Form):
    """How many coupons for whoever bears their code."""

    count = forms.IntegerField(label="张数", min_value=1, max_value=1000)


class ClaimForm(forms.Form):
    """A member claims by an open code."""

    helper = laid("open_code", "member")
    open_code = forms.CharField(
        label="领券码", max_length=24, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    member = forms.CharField(
        label="会员号、手机或车牌",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class OwnClaimForm(forms.Form):
    """A member claims on his own phone."""

    helper = laid("open_code")
    open_code = forms.CharField(
        label="领券码",
        max_length=24,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
        help_text="海报或短信上的 14 位码，大小写都行。",
    )


class CouponFilter(forms.Form):
    """Coupons by code or by member."""

    text = forms.CharField(label="券码或会员", max_length=30, required=False)


class RangeFilter(forms.Form):
    """Business days, both included."""

    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def range(self, today: date) -> tuple[date, date]:
        """The days asked for; the month so far where they are none."""
        cleaned = getattr(self, "cleaned_data", {})
        since, until = cleaned.get("since") or today.replace(day=1), cleaned.get("until") or today
        return (since, until) if since <= until else (until, since)
