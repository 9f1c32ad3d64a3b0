"""Forms of partners with whom points are exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from members.models import ExchangeOrder, ExchangePartner
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Station

OFF = {"autocomplete": "off"}
MOST = 10**8


def _points(label: str, least: int, words: str = "", *, needed: bool = True) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=MOST, required=needed, help_text=words
    )


class PartnerForm(forms.Form):
    """A new partner."""

    helper = laid("code", "name")
    code = forms.CharField(
        label="代码",
        max_length=12,
        widget=forms.TextInput(attrs=OFF),
        help_text="2 至 12 位大写字母或数字，对方请求时用，以后不能改。",
    )
    name = forms.CharField(label="名称", max_length=60, widget=forms.TextInput(attrs=OFF))


class ProgramForm(forms.Form):
    """A version of what is exchanged."""

    helper = laid(
        "ratio_out",
        "fee",
        "ratio_in",
        "least",
        "most",
        "daily",
        "daily_all",
        "valid_from",
        "valid_until",
    )
    ratio_out = _points("换出：对方 100 分要我方多少分", 1, "不足 1 分的进 1 分。")
    fee = _points("换出手续费（我方分，每次）", 0)
    ratio_in = _points("换入：对方 100 分得我方多少分", 1, "不足 1 分的舍去。")
    least = _points("一次最少（我方分）", 1)
    most = _points("一次最多（我方分）", 1)
    daily = _points("每人每天最多（我方分）", 1, "换出换入合计。")
    daily_all = _points("所有会员每天合计最多（我方分）", 1, "留空不限。", needed=False)
    valid_from = DayField(label="生效日")
    valid_until = DayField(label="最后一天")


class BillForm(forms.Form):
    """The partner's file of a month, or his three figures."""

    helper = laid("file", "exchanges", "out", "into")
    file = forms.FileField(
        label="对方账单文件（xlsx 或 CSV）",
        max_length=200,
        required=False,
        help_text="列：对方单号、事由（换出、换入、冲回换出、冲回换入）、对方积分。有文件就逐笔核对。",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    exchanges = forms.IntegerField(
        label="没有文件：笔数", min_value=0, max_value=MOST, required=False
    )
    out = forms.IntegerField(
        label="换出合计（对方积分）",
        min_value=-MOST,
        max_value=MOST,
        required=False,
        help_text="已减去冲回的。",
    )
    into = forms.IntegerField(
        label="换入合计（对方积分）", min_value=-MOST, max_value=MOST, required=False
    )

    def clean(self) -> dict[str, Any]:
        """A file, or all three figures."""
        told = self.cleaned_data
        figures = [told.get(name) for name in ("exchanges", "out", "into")]
        if not told.get("file") and not self.errors and None in figures:
            raise forms.ValidationError("请选文件；没有文件的，三个数都要填。")
        return told


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=200, required=False)


class OrderFilter(forms.Form):
    """Which exchanges."""

    text = forms.CharField(label="单号、对方单号或会员号", required=False, max_length=40)
    partner = forms.ModelChoiceField(
        label="合作商家",
        queryset=ExchangePartner.objects.none(),
        required=False,
        empty_label="全部",
    )
    way = forms.ChoiceField(
        label="方向", required=False, choices=[("", "全部"), ("OUT", "换出"), ("IN", "换入")]
    )
    state = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *ExchangeOrder.State.choices]
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def __init__(self, *args: Any, stations: Sequence[Station], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = ExchangePartner.objects.filter(station__in=stations).order_by("name")
        self.fields["partner"].queryset = rows  # type: ignore[attr-defined]
