"""Repairs as they are typed."""

from __future__ import annotations

from typing import Any

from django import forms

from devices.forms.equipment import nozzles_of
from devices.models import Equipment, Repair
from devices.queries.equipment import STANDS
from station.forms.controls import DayField, MomentField, YuanInput
from station.forms.layout import laid
from station.models import Nozzle, Station


class RepairFilter(forms.Form):
    status = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "未完的"), *Repair.Status.choices, ("ALL", "全部")],
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)


class YearFilter(forms.Form):
    year = forms.IntegerField(label="年度", required=False, min_value=2000, max_value=2999)


class _Machine(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} {obj.number}"


class ReportForm(forms.Form):
    """What is broken, and how it shows."""

    helper = laid()
    equipment = _Machine(
        label="设备",
        queryset=Equipment.objects.none(),
        to_field_name="number",
        help_text="找不到的先在设备台账登记",
    )
    symptom = forms.CharField(
        label="故障现象", max_length=200, widget=forms.Textarea(attrs={"rows": 3})
    )
    stop = forms.BooleanField(label="同时停用这台设备", required=False)
    alarm = forms.IntegerField(required=False, widget=forms.HiddenInput)
    test = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["equipment"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = (
            Equipment.objects.filter(station=station)
            .exclude(state=Equipment.State.SCRAPPED)
            .select_related("station", *STANDS)
            .order_by("kind", "number")
        )


class TakeForm(forms.Form):
    repairer = forms.CharField(
        label="维修单位或人",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "请写明由谁维修"},
    )


class FinishForm(forms.Form):
    """What was done."""

    helper = laid()
    done_at = MomentField(label="完工时间")
    work = forms.CharField(
        label="做了什么", max_length=400, widget=forms.Textarea(attrs={"rows": 3})
    )
    parts = forms.CharField(label="更换的配件", max_length=200, required=False)
    cost = YuanInput(label="费用（元）", min_value=0, initial="0")
    meter_opened = forms.BooleanField(
        label="打开过计量部分（计量器、编码器、税控）",
        required=False,
        help_text="勾了以后，检定合格、重新铅封才能验收、恢复在用",
    )
    nozzle = forms.ModelChoiceField(
        label="哪把枪的", queryset=Nozzle.objects.none(), required=False, empty_label="整台设备"
    )

    def __init__(self, *args: Any, equipment: Equipment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["nozzle"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = nozzles_of(equipment)


class AcceptForm(forms.Form):
    word = forms.CharField(
        label="验收意见",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "请写验收意见，例如「试机正常」"},
    )
