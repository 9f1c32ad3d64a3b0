"""A plate camera as it is typed."""

from __future__ import annotations

from typing import Any

from django import forms

from devices.models import Camera
from station.forms.layout import laid
from station.models import Island, Nozzle, Station


class CameraForm(forms.Form):
    """Where a camera stands, and how what it reads comes here."""

    helper = laid()

    name = forms.CharField(label="名称", max_length=30, help_text="例如：1 号岛进口")
    kind = forms.ChoiceField(
        label="接法",
        choices=Camera.Kind.choices,
        help_text="网络推送要能按密钥签名；不能签名的摄像头用文件夹",
    )
    island = forms.ModelChoiceField(
        label="加油岛", queryset=Island.objects.none(), empty_label="（请选择）"
    )
    nozzle = forms.ModelChoiceField(
        label="只看一把枪",
        queryset=Nozzle.objects.none(),
        empty_label="（整座岛）",
        required=False,
        help_text="一个车位一台摄像头时才选；摄像头自己报枪号时不用选",
    )
    folder = forms.CharField(
        label="文件夹",
        max_length=40,
        required=False,
        help_text="接法是文件夹时填名称，例如 cam-1，在数据目录的 plates 里",
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "island": Island.objects.filter(station=station, active=True).order_by("number"),
            "nozzle": Nozzle.objects.filter(station=station, active=True)
            .select_related("dispenser", "tank__grade")
            .order_by("number"),
        }
        for name, rows in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows
