"""The device register as it is typed: machines, certificates, seals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from devices.models import Certificate, Equipment, Line, MeterTest, Repair, SealBreak
from station.forms.controls import DayField, MomentField, YuanInput
from station.forms.layout import laid
from station.models import Dispenser, Island, Nozzle, Station, Tank, Till

ANY = [("", "全部")]
OFF = {"autocomplete": "off"}
PLACES: tuple[tuple[str, str, Any], ...] = (
    ("dispenser", "加油机", Dispenser),
    ("nozzle", "油枪", Nozzle),
    ("tank", "油罐", Tank),
    ("island", "加油岛", Island),
    ("till", "收银台", Till),
)


class MachineFilter(forms.Form):
    kind = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *Equipment.Kind.choices])
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "不含报废"), *Equipment.State.choices, ("ALL", "全部")],
    )
    text = forms.CharField(label="编号、厂家、位置", required=False, max_length=40)
    broken = forms.BooleanField(label="只看在修", required=False)


class CertificateFilter(forms.Form):
    kind = forms.ChoiceField(
        label="类别", required=False, choices=[*ANY, *Certificate.Kind.choices]
    )
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "现行"), ("DUE", "30 天内到期"), ("OVER", "已过期"), ("ALL", "全部")],
    )


class SealFilter(forms.Form):
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "全部"), ("WHOLE", "完好"), *SealBreak.Cause.choices],
    )
    number = forms.CharField(label="铅封号", required=False, max_length=40)


class MachineForm(forms.Form):
    """One machine; its place is one choice out of all that the station has."""

    helper = laid()
    kind = forms.ChoiceField(label="类别", choices=Equipment.Kind.choices)
    stands = forms.ChoiceField(
        label="装在哪里", required=False, help_text="加油机选机号，计量器选枪号，液位仪选罐号"
    )
    place = forms.CharField(
        label="具体位置", max_length=60, required=False, help_text="例如：配电室、站房屋顶"
    )
    line = forms.ModelChoiceField(
        label="接在哪条线路",
        queryset=Line.objects.none(),
        required=False,
        empty_label="没有接线",
    )
    make = forms.CharField(label="厂家", max_length=60, required=False)
    model = forms.CharField(label="型号", max_length=60, required=False)
    serial_no = forms.CharField(
        label="出厂编号", max_length=40, required=False, help_text="铭牌上的编号"
    )
    bought_on = DayField(label="购置日期", required=False)
    price = YuanInput(label="购置价（元）", required=False, min_value=0)
    warranty_until = DayField(label="保修至", required=False)
    supplier = forms.CharField(label="供应商", max_length=60, required=False)
    note = forms.CharField(label="备注", max_length=200, required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered: dict[str, tuple[str, Any]] = {}
        groups: list[tuple[str, Any]] = [("", "不在这些地方")]
        for name, label, model in PLACES:
            rows = list(model.objects.filter(station=station, active=True).order_by("number"))
            self.offered |= {f"{name}:{row.pk}": (name, row) for row in rows}
            if rows:
                groups.append((label, [(f"{name}:{row.pk}", str(row)) for row in rows]))
        stands, line = self.fields["stands"], self.fields["line"]
        assert isinstance(stands, forms.ChoiceField)
        assert isinstance(line, forms.ModelChoiceField)
        stands.choices = groups
        line.queryset = Line.objects.filter(station=station).order_by("name")

    @staticmethod
    def initial_of(row: Equipment) -> dict[str, Any]:
        names = (
            "kind", "place", "line", "make", "model", "serial_no", "bought_on", "price",
            "warranty_until", "supplier", "note",
        )  # fmt: skip
        at = next((name for name, _, _ in PLACES if getattr(row, f"{name}_id")), "")
        stands = f"{at}:{getattr(row, f'{at}_id')}" if at else ""
        return {**{name: getattr(row, name) for name in names}, "stands": stands}

    @property
    def columns(self) -> dict[str, Any]:
        """What is typed as columns of the register."""
        values = dict(self.cleaned_data)
        at, row = self.offered.get(values.pop("stands"), ("", None))
        return {**values, **{name: row if name == at else None for name, _, _ in PLACES}}


class CertificateForm(forms.Form):
    """A paper about one machine, with its scan."""

    helper = laid()
    kind = forms.ChoiceField(label="类别")
    number = forms.CharField(label="证书编号", max_length=40, widget=forms.TextInput(attrs=OFF))
    issuer = forms.CharField(label="发证机构", max_length=60)
    issued_on = DayField(label="发证日期")
    valid_until = DayField(label="有效期至", help_text="到期前 90、30、7 天和到期后会出预警")
    file = forms.FileField(
        label="证书扫描件", required=False, help_text="照片或 PDF，最大 10 MB；以后也可以补传"
    )

    def __init__(self, *args: Any, kinds: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = list(kinds)


class SealForm(forms.Form):
    """A seal that was put on."""

    helper = laid()
    number = forms.CharField(label="铅封号", max_length=40, widget=forms.TextInput(attrs=OFF))
    nozzle = forms.ModelChoiceField(
        label="哪把枪的", queryset=Nozzle.objects.none(), required=False, empty_label="整台设备"
    )
    place = forms.CharField(label="封在哪里", max_length=60, help_text="例如：计量器上盖、税控主板")
    put_by = forms.CharField(label="施封单位或人", max_length=60)
    put_at = MomentField(label="施封时间")

    def __init__(self, *args: Any, equipment: Equipment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nozzle = self.fields["nozzle"]
        assert isinstance(nozzle, forms.ModelChoiceField)
        nozzle.queryset = nozzles_of(equipment)


def nozzles_of(equipment: Equipment) -> Any:
    """The nozzles of a machine, to choose one."""
    if equipment.nozzle_id:
        return Nozzle.objects.filter(pk=equipment.nozzle_id)
    return Nozzle.objects.filter(
        dispenser=equipment.dispenser_id, dispenser__isnull=False, active=True
    ).order_by("number")


class BreakForm(forms.Form):
    """A seal that is no longer whole; somebody else signs."""

    helper = laid()
    cause = forms.ChoiceField(label="情形", choices=SealBreak.Cause.choices)
    repair = forms.ModelChoiceField(
        label="维修单", queryset=Repair.objects.none(), required=False, empty_label="不是维修"
    )
    meter_test = forms.ModelChoiceField(
        label="检定", queryset=MeterTest.objects.none(), required=False, empty_label="不是检定"
    )
    reason = forms.CharField(label="原因", max_length=200)
    occurred_at = MomentField(label="时间")
    number = forms.CharField(
        label="换上的铅封号",
        max_length=40,
        required=False,
        help_text="还没有换的留空",
        widget=forms.TextInput(attrs=OFF),
    )
    put_by = forms.CharField(label="换封单位或人", max_length=60, required=False)
    approver = forms.CharField(
        label="在场另一人的账号", max_length=40, widget=forms.TextInput(attrs=OFF)
    )
    approver_secret = forms.CharField(
        label="口令或密码",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self,
        *args: Any,
        repairs: Sequence[Repair],
        tests: Sequence[MeterTest],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, model, rows in (
            ("repair", Repair, repairs),
            ("meter_test", MeterTest, tests),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = model.objects.filter(pk__in=[row.pk for row in rows])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("number", "").strip() and not values.get("put_by", "").strip():
            self.add_error("put_by", "请填由谁换的封")
        if values.get("cause") != SealBreak.Cause.REPAIR:
            values["repair"] = None
        if values.get("cause") != SealBreak.Cause.VERIFICATION:
            values["meter_test"] = None
        return values


class ReasonForm(forms.Form):
    """A reason, where one is demanded."""

    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "请写明原因"},
    )
