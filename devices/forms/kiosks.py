"""Registering a kiosk."""

from __future__ import annotations

from typing import Any

from django import forms

from devices.models import Printer, Reader
from station.forms.layout import laid
from station.models import Station


class KioskForm(forms.Form):
    """Which screen, what it is called, and what stands beside it."""

    helper = laid("code", "name", "printer", "reader")
    code = forms.RegexField(
        r"^\s*\d{6}\s*$",
        label="配对码",
        help_text="在终端上打开本站的 /kiosk/，点“取配对码”，把六位数字填在这里。十分钟内有效。",
        error_messages={"invalid": "配对码是六位数字。"},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    name = forms.CharField(label="名称", max_length=30, help_text="例如：便利店门口")
    printer = forms.ModelChoiceField(
        label="打印机",
        queryset=Printer.objects.none(),
        required=False,
        empty_label="（不打印，单号显示在屏幕上）",
    )
    reader = forms.ModelChoiceField(
        label="读卡器或扫码枪",
        queryset=Reader.objects.none(),
        required=False,
        empty_label="（没有；扫码枪当键盘用的不用选）",
        help_text="只给这台终端用的；接在收银台的不要选。",
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        printers = Printer.objects.filter(station=station, active=True).order_by("name")
        readers = Reader.objects.filter(line__station=station, till=None).select_related("line")
        self.fields["printer"].queryset = printers  # type: ignore[attr-defined]
        self.fields["reader"].queryset = readers  # type: ignore[attr-defined]
