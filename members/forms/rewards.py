"""Forms of the points mall: rewards, categories, and how an order ends."""

from __future__ import annotations

from typing import Any

from django import forms

from inventory.models import Item
from members.models import Redemption, Reward, RewardCategory
from members.services.partners import PARTNER_NAMES
from station.forms.controls import DayField, MomentField, YuanInput
from station.forms.layout import laid

OFF = {"autocomplete": "off"}
MOST = 10**8


def limit(label: str) -> forms.IntegerField:
    """So many orders, or none where it is left empty."""
    return forms.IntegerField(
        label=label, required=False, min_value=1, max_value=10**6, help_text="不限就留空"
    )


class RewardForm(forms.Form):
    """礼品: what it costs and what the member gets."""

    helper = laid()
    code = forms.CharField(label="编码", max_length=20)
    name = forms.CharField(label="名称", max_length=60)
    kind = forms.ChoiceField(label="类型", choices=Reward.Kind.choices)
    category = forms.ModelChoiceField(label="分类", queryset=RewardCategory.objects.none())
    words = forms.CharField(label="说明", max_length=300, required=False)
    cost_points = forms.IntegerField(label="所需积分", min_value=1, max_value=MOST)
    item = forms.ModelChoiceField(
        label="出库商品",
        queryset=Item.objects.none(),
        required=False,
        empty_label="（不是实物）",
        help_text="实物从本站这件商品的库存里出一件。",
    )
    value = YuanInput(
        label="面值或成本(元)",
        min_value=0,
        required=False,
        help_text="优惠券、充值写面值；服务、合作方写本站成本。实物按商品成本，不用写。",
    )
    template = forms.CharField(label="券模板代码", max_length=40, required=False)
    partner = forms.ChoiceField(
        label="合作方", required=False, choices=[("", "（不是合作方）"), *PARTNER_NAMES.items()]
    )
    surcharge_item = forms.ModelChoiceField(
        label="加价款",
        queryset=Item.objects.none(),
        required=False,
        empty_label="（只用积分）",
        help_text="积分之外还要付钱的，选一个服务类商品，收银台按它的售价收。",
    )
    days_valid = forms.IntegerField(
        label="兑换后几天内有效", min_value=1, max_value=3660, initial=30
    )
    returns_points = forms.BooleanField(label="过期未领退回积分", required=False, initial=True)
    limit_total = limit("总共限兑")
    limit_day = limit("每天限兑")
    limit_member = limit("每人限兑")
    limit_member_day = limit("每人每天限兑")
    visible_from = MomentField(label="上架时间", required=False)
    visible_until = MomentField(label="下架时间", required=False)
    usable_from = MomentField(label="开始兑换", required=False)
    usable_until = MomentField(label="停止兑换", required=False)
    active = forms.BooleanField(label="在架", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items = Item.objects.filter(active=True).order_by("code")
        choices: dict[str, Any] = {
            "category": RewardCategory.objects.order_by("position", "name"),
            "item": items.filter(kind=Item.Kind.GOODS),
            "surcharge_item": items.filter(kind=Item.Kind.SERVICE),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def clean_value(self) -> Any:
        return self.cleaned_data.get("value") or 0


class CategoryForm(forms.Form):
    """礼品分类."""

    helper = laid("name", "position")
    name = forms.CharField(label="名称", max_length=20)
    position = forms.IntegerField(label="排序", min_value=0, max_value=999, initial=0)


class RewardFilter(forms.Form):
    """Which rewards."""

    text = forms.CharField(label="名称、拼音或编码", required=False, max_length=40)
    category = forms.ModelChoiceField(
        label="分类", queryset=RewardCategory.objects.none(), required=False, empty_label="全部"
    )
    kind = forms.ChoiceField(
        label="类型", required=False, choices=[("", "全部"), *Reward.Kind.choices]
    )
    shown = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), ("1", "在架"), ("0", "已下架")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = RewardCategory.objects.order_by("position", "name")
        self.fields["category"].queryset = rows  # type: ignore[attr-defined]


class OrderFilter(forms.Form):
    """Which orders."""

    state = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *Redemption.State.choices]
    )
    kind = forms.ChoiceField(
        label="类型", required=False, choices=[("", "全部"), *Reward.Kind.choices]
    )
    text = forms.CharField(label="单号、会员号或核销码", required=False, max_length=40)
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)


class EndForm(forms.Form):
    """How an order ends in the office: under which number it was given, or why it was not."""

    reference = forms.CharField(label="凭证号", max_length=60, required=False)
    reason = forms.CharField(label="原因", max_length=200, required=False)
