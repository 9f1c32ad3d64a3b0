"""Forms of the tanks: dips, deliveries, adjustments. Text in, types out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from inventory.models import Delivery, Supplier, TankMovement
from station.forms.controls import DayField, LitresInput
from station.models import Grade, Station, Tank


class _Plain(forms.Form):
    """A form that the page's own <form> carries."""

    helper = FormHelper()
    helper.form_tag = False


def _millimetres(label: str, *, required: bool) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=0,
        max_value=9999,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )


def _celsius(label: str = "油温(℃)") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=-30,
        max_value=70,
        max_digits=4,
        decimal_places=1,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )


class DipForm(_Plain):
    """量油: heights from which litres follow, or litres as read off a gauge."""

    tank = forms.ModelChoiceField(label="油罐", queryset=Tank.objects.none(), empty_label=None)
    total_height_mm = _millimetres("油水总高(mm)", required=False)
    water_height_mm = _millimetres("水高(mm)", required=False)
    temp_c = _celsius()
    net_l = LitresInput(
        label="净油体积(升)", required=False, min_value=0, help_text="没有罐容表时直接填写"
    )
    gauge = forms.IntegerField(required=False, widget=forms.HiddenInput)
    handover = forms.BooleanField(label="作为本班交接班罐存", required=False)
    note = forms.CharField(label="备注", required=False, max_length=100)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tanks = (
            Tank.objects.filter(station=station, active=True)
            .select_related("grade")
            .order_by("number")
        )
        field = self.fields["tank"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = tanks
        field.label_from_instance = lambda tank: f"{tank} · {tank.grade}"  # type: ignore[method-assign, assignment]


class NoteForm(_Plain):
    """The depot's note: what was issued, in which truck, and how much goes into which tank."""

    supplier = forms.ModelChoiceField(label="供应商", queryset=Supplier.objects.filter(active=True))
    grade = forms.ModelChoiceField(
        label="油品", queryset=Grade.objects.filter(active=True).order_by("position")
    )
    note_no = forms.CharField(label="出库单号", max_length=40)
    depot = forms.CharField(label="发油油库", max_length=60, required=False)
    truck_plate = forms.CharField(label="承运车号", max_length=20)
    driver = forms.CharField(label="驾驶员", max_length=40, required=False)
    seals = forms.CharField(label="铅封号", max_length=100, required=False)
    issued_l = LitresInput(label="原发升数 Vt(升)", min_value=1)
    issued_temp_c = _celsius("发油温度(℃)")
    issued_density = forms.DecimalField(
        label="发油密度(kg/m³)",
        required=False,
        min_value=600,
        max_value=1100,
        max_digits=5,
        decimal_places=1,
    )
    unit_price = forms.DecimalField(
        label="含税进价(元/升)",
        required=False,
        min_value=0,
        max_digits=8,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )

    def __init__(self, *args: Any, tanks: Sequence[Tank], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tanks = tanks
        for tank in tanks:
            self.fields[f"tank_{tank.pk}"] = LitresInput(
                label=f"计划卸入{tank}（{tank.grade}）(升)", required=False, min_value=0
            )

    def parts(self) -> dict[Tank, Any]:
        """Litres per tank, of those that get any."""
        values = self.cleaned_data
        return {
            tank: values[f"tank_{tank.pk}"] for tank in self.tanks if values.get(f"tank_{tank.pk}")
        }

    def note(self) -> dict[str, Any]:
        """The note's own fields."""
        return {
            name: value for name, value in self.cleaned_data.items() if not name.startswith("tank_")
        }


class ReadingsForm(_Plain):
    """The heights of every tank of a delivery."""

    def __init__(self, *args: Any, tanks: Sequence[Tank], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tanks = tanks
        for tank in tanks:
            self.fields[f"height_{tank.pk}"] = _millimetres(f"{tank} 油水总高(mm)", required=True)
            self.fields[f"water_{tank.pk}"] = _millimetres(f"{tank} 水高(mm)", required=False)
            self.fields[f"temp_{tank.pk}"] = _celsius(f"{tank} 油温(℃)")
            self.fields[f"gauge_{tank.pk}"] = forms.IntegerField(
                required=False, widget=forms.HiddenInput
            )

    def readings(self) -> Mapping[int, dict[str, Any]]:
        """Heights and temperature by tank id, and the reading of a gauge that they began with."""
        values = self.cleaned_data
        return {
            tank.pk: {
                "total_height_mm": values[f"height_{tank.pk}"],
                "water_height_mm": values[f"water_{tank.pk}"] or 0,
                "temp_c": values[f"temp_{tank.pk}"],
                "gauge": values[f"gauge_{tank.pk}"],
            }
            for tank in self.tanks
        }

    @staticmethod
    def initial_of(readings: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """By tank id what a gauge says, as the form's fields are called."""
        names = {
            "height": "total_height_mm",
            "water": "water_height_mm",
            "temp": "temp_c",
            "gauge": "gauge",
        }
        return {
            f"{field}_{tank}": values[name]
            for tank, values in readings.items()
            if values.get("total_height_mm") is not None
            for field, name in names.items()
        }


class ReasonForm(_Plain):
    """A reason in words."""

    reason = forms.CharField(label="原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


class TankAdjustForm(_Plain):
    """移库、其他出库、调整, approved on the spot by someone else."""

    kind = forms.ChoiceField(
        label="类别",
        choices=[
            (kind.value, kind.label)
            for kind in (
                TankMovement.Kind.TRANSFER,
                TankMovement.Kind.OTHER_OUT,
                TankMovement.Kind.ADJUST,
            )
        ],
    )
    litres = forms.DecimalField(
        label="升数",
        max_digits=9,
        decimal_places=3,
        help_text="入罐为正，出罐填负数",
        widget=forms.TextInput(attrs={"inputmode": "text"}),
    )
    reason = forms.CharField(label="原因", max_length=200)
    approver = forms.CharField(label="审批人账号", max_length=40)
    secret = forms.CharField(label="审批人口令", widget=forms.PasswordInput)


class TankFilter(forms.Form):
    """Which dips or movements."""

    tank = forms.ModelChoiceField(
        label="油罐", queryset=Tank.objects.none(), required=False, empty_label="全部"
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tank"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Tank.objects.filter(station=station).order_by("number")


class DeliveryFilter(forms.Form):
    """Which deliveries."""

    status = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *Delivery.Status.choices]
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)
