"""Forms of the new-station wizard. Text in, types out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from finance.models import OpeningBalance
from finance.services.founding import LinePlan, TankPlan
from inventory.models import Item
from station.forms.controls import DayField, LitresInput, YuanInput
from station.models import Grade, Nozzle, Tank

NUMBERS = re.compile(r"\d+(?:-\d+)?")


class _Plain(forms.Form):
    helper = FormHelper()
    helper.form_tag = False


class LayoutForm(_Plain):
    """快速布局: tanks, nozzle positions, lines, in three short texts."""

    tanks = forms.CharField(
        label="油罐",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="每行：罐号 油品 内径mm 筒长mm，如 1 92# 2600 5660",
    )
    positions = forms.CharField(
        label="每台加油机各枪位的罐号",
        initial="1 2 3 4",
        help_text="按枪位顺序写罐号，所有加油机相同；特殊的以后单独改",
    )
    lines = forms.CharField(
        label="线路",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="每行：名称 端口 加油机号，如 一号线 /dev/ttyUSB0 1-4",
    )
    per_island = forms.IntegerField(label="每座岛的加油机台数", min_value=1, max_value=8, initial=2)

    def clean_tanks(self) -> list[TankPlan]:
        plans = []
        for line in self.cleaned_data["tanks"].splitlines():
            words = line.split()
            if not words:
                continue
            if len(words) not in {4, 5} or not all(
                word.isdigit() for word in [words[0], *words[2:]]
            ):
                raise forms.ValidationError(
                    f"“{line}”应为：罐号 油品 内径mm 筒长mm（可加封头深mm）"
                )
            grade = Grade.objects.filter(code=words[1], active=True).first()
            if grade is None:
                raise forms.ValidationError(f"没有代号为 {words[1]} 的油品，请先在“油品”里新增")
            diameter, length = int(words[2]), int(words[3])
            if not (500 <= diameter <= 5000 and 500 <= length <= 30000):
                raise forms.ValidationError(
                    f"{words[0]} 号罐尺寸不合理：内径 500-5000，筒长 500-30000 毫米"
                )
            plans.append(
                TankPlan(
                    int(words[0]), grade, diameter, length, int(words[4]) if len(words) == 5 else 0
                )
            )
        if len({plan.number for plan in plans}) != len(plans):
            raise forms.ValidationError("罐号重复")
        return plans

    def clean_positions(self) -> list[int]:
        words = self.cleaned_data["positions"].replace(",", " ").replace("，", " ").split()
        if not words or not all(word.isdigit() for word in words) or len(words) > 15:
            raise forms.ValidationError("请写 1 至 15 个罐号，用空格分开")
        return [int(word) for word in words]

    def clean_lines(self) -> list[LinePlan]:
        plans = []
        for line in self.cleaned_data["lines"].splitlines():
            words = line.split()
            if not words:
                continue
            if len(words) < 3 or not all(NUMBERS.fullmatch(word) for word in words[2:]):
                raise forms.ValidationError(f"“{line}”应为：名称 端口 加油机号（可写 1-4）")
            numbers: list[int] = []
            for word in words[2:]:
                first, _, last = word.partition("-")
                numbers += range(int(first), int(last or first) + 1)
            if len(numbers) > 32:
                raise forms.ValidationError(f"“{words[0]}”上的加油机太多：一条线最多 32 台")
            plans.append(LinePlan(words[0], words[1], numbers))
        return plans


class TotalsForm(_Plain):
    """泵码初值 of every nozzle, and the first business day."""

    date = DayField(label="首个营业日")

    def __init__(self, *args: Any, nozzles: Sequence[Nozzle], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nozzles = nozzles
        for nozzle in nozzles:
            self.fields[f"nozzle_{nozzle.pk}"] = LitresInput(
                label=f"{nozzle}（{nozzle.tank.grade}）泵码(升)", min_value=0
            )

    def totals(self) -> dict[int, Decimal]:
        return {nozzle.pk: self.cleaned_data[f"nozzle_{nozzle.pk}"] for nozzle in self.nozzles}


class TankStockForm(_Plain):
    """罐存初值 and the price last paid."""

    def __init__(self, *args: Any, tanks: Sequence[Tank], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tanks = tanks
        for tank in tanks:
            self.fields[f"litres_{tank.pk}"] = LitresInput(
                label=f"{tank}（{tank.grade}）存油(升)", required=False, min_value=0
            )
            self.fields[f"paid_{tank.pk}"] = YuanInput(
                label=f"{tank} 含税进价(元/升)", required=False, min_value=0
            )

    def litres(self) -> dict[int, Decimal]:
        return {t.pk: v for t in self.tanks if (v := self.cleaned_data.get(f"litres_{t.pk}"))}

    def costs(self) -> dict[int, Decimal]:
        return {
            t.pk: v for t in self.tanks if (v := self.cleaned_data.get(f"paid_{t.pk}")) is not None
        }


class ShelfForm(_Plain):
    """商品初始库存."""

    def __init__(self, *args: Any, items: Sequence[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items_ = items
        for item in items:
            self.fields[f"item_{item.pk}"] = LitresInput(
                label=f"{item.code} {item.name}（{item.unit}）", required=False, min_value=0
            )

    def counts(self) -> dict[int, Decimal]:
        return {i.pk: v for i in self.items_ if (v := self.cleaned_data.get(f"item_{i.pk}"))}


class BalanceForm(_Plain):
    """备用金 or 应收."""

    kind = forms.ChoiceField(label="类别", choices=OpeningBalance.Kind.choices)
    name = forms.CharField(
        label="对方或存放处", max_length=60, help_text="如 保险柜备用金、某某物流"
    )
    amount = YuanInput(label="金额(元)", min_value=Decimal("0.01"))
    as_of = DayField(label="截止日")
