"""Forms of the set-up pages. Text in, types out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from station.forms.controls import DayField, LitresInput
from station.models import Dispenser, Grade, Island, Nozzle, ShiftPattern, Station, Tank

COLOURS = [
    ("blue", "蓝（92#）"),
    ("orange", "橙（95#）"),
    ("purple", "紫（98#）"),
    ("green", "绿（0#）"),
    ("teal", "青"),
    ("grey", "灰"),
]


class _Plain(forms.Form):
    helper = FormHelper()
    helper.form_tag = False


class _OfStation(_Plain):
    """A form some of whose choices are rows of one station."""

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                field.queryset = field.queryset.filter(station=station).order_by("number")


class StationForm(_Plain):
    """油站."""

    code = forms.RegexField(
        r"^[0-9A-Z]{1,6}\Z", label="站号", help_text="1 至 6 位数字或大写字母，用在单据号里"
    )
    name = forms.CharField(label="站名", max_length=60)
    address = forms.CharField(label="地址", max_length=120, required=False)
    phone = forms.CharField(label="电话", max_length=30, required=False)
    company_name = forms.CharField(label="企业名称", max_length=80, required=False)
    tax_no = forms.CharField(label="税号", max_length=30, required=False)
    price_zone = forms.CharField(
        label="价区", max_length=30, initial="云南一价区", help_text="最高零售价按价区核对"
    )
    offline_policy = forms.ChoiceField(
        label="断网策略",
        choices=Station.OfflinePolicy.choices,
        help_text="数据库不可用时，自动授权的油枪怎么办",
    )
    rounding_step = forms.ChoiceField(
        label="抹零",
        choices=[("0.01", "不抹零（到分）"), ("0.10", "到角"), ("1.00", "到元")],
    )
    shift_pattern = forms.ModelChoiceField(
        label="班次制度", queryset=ShiftPattern.objects.all(), required=False
    )

    def clean_rounding_step(self) -> Decimal:
        return Decimal(self.cleaned_data["rounding_step"])


class GradeForm(_Plain):
    """油品 or another energy product."""

    code = forms.CharField(label="代号", max_length=12)
    name = forms.CharField(label="名称", max_length=40)
    kind = forms.ChoiceField(label="类别", choices=Grade.Kind.choices)
    unit = forms.ChoiceField(
        label="计量单位",
        choices=Grade.Unit.choices,
        help_text="有油罐和枪的选升；收银台按度卖的充电，请在“商品”页建成服务",
    )
    density20 = forms.DecimalField(
        label="标准密度 ρ20(kg/m³)",
        required=False,
        min_value=600,
        max_value=1100,
        max_digits=6,
        decimal_places=2,
    )
    expansion = forms.DecimalField(
        label="体积膨胀系数 β(/℃)",
        initial=Decimal("0.0012"),
        min_value=0,
        max_value=1,
        max_digits=6,
        decimal_places=5,
        help_text="常用：汽油 0.0012，柴油 0.0008",
    )
    tax_rate = forms.DecimalField(
        label="税率", initial=Decimal("0.13"), max_digits=6, decimal_places=5
    )
    tax_code = forms.RegexField(
        r"\d{19}", label="税收分类编码", required=False, help_text="19 位数字，以税务核定为准"
    )
    colour = forms.ChoiceField(label="色标", choices=COLOURS)
    position = forms.IntegerField(label="排序", min_value=0, max_value=999, initial=0)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class IslandForm(_Plain):
    """加油岛."""

    number = forms.IntegerField(label="岛号", min_value=1, max_value=99)
    name = forms.CharField(label="名称", max_length=30, required=False)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class TankForm(_Plain):
    """油罐."""

    number = forms.IntegerField(label="罐号", min_value=1, max_value=99)
    grade = forms.ModelChoiceField(
        label="油品", queryset=Grade.objects.filter(active=True).order_by("position")
    )
    capacity_l = LitresInput(label="容量(升)", min_value=1)
    safe_fill_l = LitresInput(
        label="安全罐容(升)", min_value=1, help_text="一般为容量的 95%，计划卸油不得超过"
    )
    high_alarm_l = LitresInput(label="高液位报警(升)", min_value=1, help_text="一般为容量的 90%")
    low_alarm_l = LitresInput(label="低液位报警(升)", min_value=0)
    dead_stock_l = LitresInput(label="罐底油(升)", min_value=0)
    water_limit_mm = forms.IntegerField(
        label="水高上限(mm)", min_value=0, max_value=999, initial=20
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)


class DispenserForm(_OfStation):
    """加油机."""

    number = forms.IntegerField(label="机号", min_value=1, max_value=999)
    island = forms.ModelChoiceField(label="加油岛", queryset=Island.objects.filter(active=True))
    make = forms.CharField(label="厂家型号", max_length=60, required=False)
    serial_no = forms.CharField(label="出厂编号", max_length=40, required=False)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class NozzleForm(_OfStation):
    """油枪."""

    number = forms.IntegerField(label="枪号", min_value=1, max_value=999)
    dispenser = forms.ModelChoiceField(
        label="加油机", queryset=Dispenser.objects.filter(active=True)
    )
    position = forms.IntegerField(
        label="机内枪位", min_value=1, max_value=15, help_text="加油机内的逻辑枪号，从 1 起"
    )
    tank = forms.ModelChoiceField(
        label="油罐", queryset=Tank.objects.filter(active=True).select_related("grade")
    )
    mode = forms.ChoiceField(label="授权方式", choices=Nozzle.Mode.choices)
    totalizer_digits = forms.IntegerField(
        label="泵码整数位数", min_value=4, max_value=11, initial=8
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)


class TillForm(_Plain):
    """收银台."""

    number = forms.IntegerField(label="台号", min_value=1, max_value=99)
    name = forms.CharField(label="名称", max_length=30)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class StrappingForm(_Plain):
    """罐容表, one of three ways."""

    certificate_no = forms.CharField(label="检定证书号", max_length=40, required=False)
    certificate_expires_on = DayField(label="证书有效期至", required=False)
    text = forms.CharField(
        label="手工录入",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono"}),
        help_text="每行一个点：高度(mm) 升数，如 1850 40236",
    )
    file = forms.FileField(
        label="或导入 xlsx", required=False, help_text="第一列高度(mm)，第二列升数"
    )
    diameter_mm = forms.IntegerField(
        label="或按尺寸生成：内径(mm)", required=False, min_value=500, max_value=5000
    )
    length_mm = forms.IntegerField(
        label="筒体长(mm)", required=False, min_value=500, max_value=30000
    )
    head_mm = forms.IntegerField(
        label="封头深(mm)", required=False, min_value=0, max_value=2000, help_text="平封头填 0"
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        ways = [
            bool(values.get("text", "").strip()),
            bool(values.get("file")),
            bool(values.get("diameter_mm")),
        ]
        if sum(ways) != 1:
            raise forms.ValidationError("请在“手工录入、导入、按尺寸生成”三种方式中选一种填写")
        if values.get("diameter_mm") and not values.get("length_mm"):
            self.add_error("length_mm", "按尺寸生成还要填筒体长")
        return values
