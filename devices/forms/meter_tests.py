"""检定与自校 as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.forms import BoundField
from django.utils.timezone import localtime

from devices.models import Fill, MeterTest
from devices.services.proving import Run
from station.forms.controls import DayField, LitresInput, MomentField
from station.forms.layout import laid
from station.models import Assignment, Nozzle, Station, User
from station.models.people import Role

ANY = [("", "全部")]
RUNS = (1, 2, 3)
NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


class NozzleDueFilter(forms.Form):
    due = forms.ChoiceField(
        label="查看",
        required=False,
        choices=[("", "全部油枪"), ("OWN", "该自校的"), ("STATUTORY", "该检定的")],
    )


class RecordFilter(forms.Form):
    nozzle = forms.ChoiceField(label="油枪", required=False)
    kind = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *MeterTest.Kind.choices])
    result = forms.ChoiceField(
        label="结果", required=False, choices=[*ANY, *MeterTest.Result.choices]
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["nozzle"]
        assert isinstance(field, forms.ChoiceField)
        rows = Nozzle.objects.filter(station=station).order_by("number")
        field.choices = [*ANY, *((str(one.pk), str(one)) for one in rows)]


class _Temperature(forms.DecimalField):
    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=-40,
            max_value=60,
            max_digits=4,
            decimal_places=1,
            widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"}),
        )


class OwnTestForm(forms.Form):
    """One nozzle, one prover, up to three fillings at several flow rates."""

    nozzle = forms.ModelChoiceField(label="油枪", queryset=Nozzle.objects.none())
    tested_at = MomentField(label="时间")
    prover_l = LitresInput(label="标准量器（升）", initial="20", help_text="不小于 20 升")
    oil_temp_c = _Temperature("油温（℃）")
    prover_temp_c = _Temperature("量器温度（℃）")
    tester = forms.ModelChoiceField(label="自校人", queryset=User.objects.none())
    witness = forms.ModelChoiceField(label="见证人", queryset=User.objects.none())
    note = forms.CharField(label="备注", max_length=200, required=False)

    def __init__(self, *args: Any, station: Station, fills: Sequence[Fill], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid()
        _offer(self, station)
        self.fills = {str(fill.pk): fill for fill in fills}
        choices = [("", "没有加油记录"), *((str(one.pk), fill_words(one)) for one in fills)]
        for at in RUNS:
            self.fields[f"fill_{at}"] = forms.ChoiceField(
                label=f"第 {at} 次的加油记录", choices=choices, required=False
            )
            self.fields[f"flow_{at}"] = forms.DecimalField(
                label=f"第 {at} 次流量（升/分）",
                required=False,
                min_value=1,
                max_value=200,
                max_digits=5,
                decimal_places=1,
                widget=forms.TextInput(attrs=NUMBER),
            )
            self.fields[f"meter_{at}"] = LitresInput(
                label=f"第 {at} 次加油机示值（升）", required=False
            )
            self.fields[f"standard_{at}"] = LitresInput(
                label=f"第 {at} 次标准量器示值（升）", required=False
            )

    @property
    def own(self) -> list[BoundField]:
        """The fields that are of the whole test."""
        return [self[name] for name in self.fields if not name.endswith(("_1", "_2", "_3"))]

    @property
    def fillings(self) -> list[list[BoundField]]:
        """The fields of each filling, one row each."""
        names = ("fill", "flow", "meter", "standard")
        return [[self[f"{name}_{at}"] for name in names] for at in RUNS]

    @property
    def runs(self) -> list[Run]:
        """The fillings that were typed."""
        values = self.cleaned_data
        return [
            Run(
                standard_l=values[f"standard_{at}"],
                meter_l=values[f"meter_{at}"],
                flow_lpm=values[f"flow_{at}"],
                fill=self.fills.get(values[f"fill_{at}"]),
            )
            for at in RUNS
            if values[f"standard_{at}"] is not None
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for at in RUNS:
            name = f"standard_{at}"
            told = values.get(f"fill_{at}") or values.get(f"meter_{at}") is not None
            if told and values.get(name) is None and name not in self.errors:
                self.add_error(name, "请填标准量器示值")
        return values


class StatutoryForm(forms.Form):
    """What an institute found on one visit."""

    helper = laid()
    nozzles = forms.ModelMultipleChoiceField(
        label="油枪",
        queryset=Nozzle.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text="同一张证书上的油枪一起勾",
    )
    tested_at = MomentField(label="检定时间")
    institute = forms.CharField(label="检定机构", max_length=60)
    passed = forms.TypedChoiceField(
        label="结果",
        choices=[("1", "合格"), ("0", "不合格")],
        coerce=lambda value: value == "1",
    )
    certificate_no = forms.CharField(
        label="证书编号", max_length=40, required=False, help_text="合格的必填"
    )
    issued_on = DayField(label="发证日期")
    valid_until = DayField(label="有效期至")
    error_percent = forms.DecimalField(
        label="最大误差（%）",
        required=False,
        max_digits=7,
        decimal_places=5,
        help_text="证书上写了才填，一次一把枪；示值偏大为正，偏小写负号",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    witness = forms.ModelChoiceField(label="站里在场人", queryset=User.objects.none())
    note = forms.CharField(label="备注", max_length=200, required=False)
    file = forms.FileField(
        label="证书扫描件", required=False, help_text="照片或 PDF，最大 10 MB；以后也可以补传"
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, station)


def fill_words(fill: Fill) -> str:
    """A fill as it stands in a list to choose from."""
    return f"{localtime(fill.occurred_at):%m-%d %H:%M} {fill.nozzle} {fill.litres:.2f} 升"


def _offer(form: forms.Form, station: Station) -> None:
    people = (
        User.objects.filter(is_active=True, assignments__in=_at(station))
        .distinct()
        .order_by("name")
    )
    rows = {
        "nozzle": Nozzle.objects.filter(station=station, active=True).order_by("number"),
        "nozzles": Nozzle.objects.filter(station=station, active=True).order_by("number"),
        "tester": people,
        "witness": people,
    }
    for name, offered in rows.items():
        field = form.fields.get(name)
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = offered


def _at(station: Station) -> QuerySet[Assignment]:
    """Who works at the station in any role but a supplier's."""
    return Assignment.objects.filter(Q(station=station) | Q(station=None)).exclude(
        role=Role.SUPPLIER
    )
