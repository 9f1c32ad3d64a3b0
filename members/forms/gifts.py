"""Forms of gifts: the plan of an occasion."""

from __future__ import annotations

from typing import Any

from django import forms

from members.forms.points import PointsApprovedForm
from members.models import GiftPlan, Occasion, Tier
from station.forms.layout import laid

OFF = {"autocomplete": "off"}
NUMERIC = {**OFF, "inputmode": "numeric"}


def _whole(label: str, most: int, help_text: str = "", **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=more.pop("least", 0),
        max_value=most,
        required=False,
        widget=forms.TextInput(attrs=NUMERIC),
        help_text=help_text,
        **more,
    )


class GiftPlanForm(PointsApprovedForm):
    """What is given for an occasion, for birthdays also by tier."""

    helper = laid(
        "occasion",
        "tier",
        "template",
        "valid_days",
        "points",
        "days",
        "active",
        "approver",
        "approver_secret",
    )
    occasion = forms.ChoiceField(label="礼遇", choices=Occasion.choices)
    tier = forms.ModelChoiceField(
        label="会员等级",
        queryset=Tier.objects.none(),
        required=False,
        empty_label="（所有等级）",
        help_text="只有生日礼分等级；没有单独方案的等级用「所有等级」这一条。",
    )
    template = forms.CharField(
        label="券编号",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="在「优惠券」里建好、批准，再建一个「留给积分商城和会员礼遇」的批次。",
    )
    valid_days = _whole("券几天有效", 366, "不填按券自己的有效期。生日券一般 30 天。", least=1)
    points = _whole("送积分", 100_000)
    days = _whole("天数", 3650, "生日礼：提前几天给，一般 7 天。唤醒券：多少天没消费。")
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tiers = Tier.objects.filter(active=True).order_by("rank")
        self.fields["tier"].queryset = tiers  # type: ignore[attr-defined]


FIELDS = ("occasion", "tier", "template", "points", "days", "valid_days", "active")


def plan_initial(plan: GiftPlan) -> dict[str, Any]:
    """A plan as its form starts with it."""
    return {name: getattr(plan, name) for name in FIELDS}
