"""A probe as it is asked for."""

from __future__ import annotations

from django import forms

from devices.line.probe.run import probed
from station.forms.layout import laid

UNKNOWN = ("", "不知道，逐个试")


def _choices() -> list[tuple[str, str]]:
    return [UNKNOWN, *((key, one.label) for key, one in probed().items())]


class ProbeForm(forms.Form):
    """Which port, and what is known of the machine on it."""

    helper = laid()
    url = forms.CharField(
        label="端口",
        max_length=120,
        help_text="采集程序所在电脑上的串口，如 /dev/ttyUSB0；"
        "串口服务器如 socket://192.168.1.20:4001 或 rfc2217://…",
    )
    protocol = forms.ChoiceField(label="协议", choices=_choices, required=False)
    address = forms.IntegerField(
        label="地址",
        min_value=0,
        max_value=65535 // 2,
        required=False,
        help_text="只问这一个地址；不填就从最常用的地址找起",
    )
