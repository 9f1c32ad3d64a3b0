"""Forms of locked prices."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms

from marketing.services.locks import MOST, Wish
from station.forms.controls import LitresInput, MomentField, YuanInput
from station.forms.layout import laid
from station.models import Grade

LARGEST = Decimal(100_000)


class LockForm(forms.Form):
    """What is locked, for whom, until when and why."""

    members = forms.CharField(
        label="会员",
        max_length=6000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text=f"会员号、手机或车牌，一行一个或用逗号隔开，一次最多 {MOST} 人",
    )
    grade = forms.ModelChoiceField(
        label="油品", queryset=Grade.objects.none(), empty_label="请选择"
    )
    price = YuanInput(
        label="锁定单价(元/升)",
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        help_text="油枪价高于它时按它算，差额作优惠；油枪价更低时不动用",
    )
    litres = LitresInput(label="每人多少升", min_value=Decimal("0.001"), max_value=LARGEST)
    valid_until = MomentField(label="到期", help_text="到这一刻为止，不含")
    campaign = forms.CharField(
        label="费用归属", max_length=30, required=False, help_text="空着就算在“锁价”下"
    )
    reason = forms.CharField(label="原因", max_length=200)
    helper = laid(
        "members",
        Fieldset("锁定什么", "grade", "price", "litres", "valid_until"),
        "campaign",
        "reason",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["grade"].queryset = Grade.objects.filter(active=True).order_by("position", "code")

    def clean_members(self) -> list[str]:
        told = [one for one in re.split(r"[,，、;；\s]+", self.cleaned_data["members"]) if one]
        if len(told) > MOST:
            raise forms.ValidationError(f"一次最多 {MOST} 人，这里有 {len(told)} 人")
        return list(dict.fromkeys(told))

    def wish(self) -> Wish:
        """What was typed, without the members."""
        typed = self.cleaned_data
        return Wish(
            grade=typed["grade"],
            price=typed["price"],
            litres=typed["litres"],
            valid_until=typed["valid_until"],
            reason=typed["reason"],
            campaign=typed["campaign"],
        )


class LockFilter(forms.Form):
    """Locks of a member."""

    text = forms.CharField(label="编号、会员号、手机或车牌", max_length=40, required=False)
    open = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), ("1", "还有升数"), ("0", "待审批")]
    )
