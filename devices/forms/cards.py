"""Cards, read rules and changed meters, as they are typed."""

from __future__ import annotations

from typing import Any

from django import forms

from devices.models import ReadRule
from station.forms.controls import LitresInput
from station.forms.layout import laid
from station.models import Nozzle, Station, User


class CardForm(forms.Form):
    """A card for one of the staff."""

    number = forms.CharField(
        label="卡号", max_length=40, help_text="在读卡器上刷一下，下面会出现卡号；也可手工输入"
    )
    holder = forms.ModelChoiceField(
        label="持卡人", queryset=User.objects.none(), empty_label="（请选择）"
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid()
        holder = self.fields["holder"]
        assert isinstance(holder, forms.ModelChoiceField)
        holder.queryset = (
            User.objects.filter(is_active=True, assignments__station=station)
            .distinct()
            .order_by("name")
        )


class RuleForm(forms.Form):
    """One read rule: which texts of which medium mean what."""

    helper = laid()
    position = forms.IntegerField(
        label="顺序", min_value=1, max_value=999, help_text="从小到大试，第一条符合的算数"
    )
    medium = forms.ChoiceField(label="介质", choices=ReadRule.Medium.choices)
    pattern = forms.CharField(
        label="格式（正则表达式）",
        max_length=120,
        strip=False,
        help_text=r"须与整段内容相符，例如 69\d{11} 是 13 位国产商品条码",
    )
    meaning = forms.ChoiceField(label="含义", choices=ReadRule.Meaning.choices)
    note = forms.CharField(label="说明", max_length=100, required=False)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class SampleForm(forms.Form):
    """A sample to try the rules with."""

    medium = forms.ChoiceField(
        label="介质",
        choices=[("", "键盘式（不分卡和码）"), *ReadRule.Medium.choices],
        required=False,
    )
    sample = forms.CharField(label="样本", max_length=120, strip=False)


class MeterForm(forms.Form):
    """换表: the last figure of the old meter, the first of the new one."""

    helper = laid()
    nozzle = forms.ModelChoiceField(label="油枪", queryset=Nozzle.objects.none())
    last_litres = LitresInput(label="旧表止码（升）", help_text="拆下时旧表显示的泵码")
    first_litres = LitresInput(label="新表起码（升）", help_text="装上时新表显示的泵码")
    reason = forms.CharField(label="原因和铅封号", max_length=200)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nozzle = self.fields["nozzle"]
        assert isinstance(nozzle, forms.ModelChoiceField)
        nozzle.queryset = Nozzle.objects.filter(station=station, active=True).order_by("number")
