"""Lines, addresses, readers and printers as they are typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from devices.models import Line, Printer
from devices.protocols import table
from station.forms.layout import laid
from station.models import Dispenser, Island, Station, Till

BAUDS = [
    (rate, str(rate)) for rate in (1200, 2400, 4800, 5760, 5787, 9600, 19200, 38400, 57600, 115200)
]


def whole(value: object) -> int:
    return int(str(value))


BY_PROTOCOL = ("", "按协议")


def whole_or_none(value: object) -> int | None:
    return whole(value) if value else None


def _usual_settings() -> str:
    """What each protocol speaks at, where nobody chooses otherwise."""
    usual = [
        f"{one.label} 是 {table.serial_in_words(one.serial)}" for one in table.entries().values()
    ]
    return f"机器有改动才选；{'；'.join(usual)}"


def _addresses() -> str:
    return "；".join(f"{one.label} {one.address_help}" for one in table.PUMPS.values())


def _litres() -> str:
    """How displays usually count; what a head shows is what counts."""
    usual = "，".join(f"{one.label} {one.volume_decimals} 位" for one in table.PUMPS.values())
    return f"以机头显示为准，一般 {usual}"


class LineForm(forms.Form):
    """A serial line: its port, its protocol and how it speaks, the protocol's own way if unsaid."""

    helper = laid()

    name = forms.CharField(label="名称", max_length=30, help_text="例如：1 号线")
    protocol = forms.ChoiceField(label="协议", choices=table.choices)
    url = forms.CharField(
        label="端口",
        max_length=120,
        help_text="串口如 /dev/ttyUSB0，串口服务器如 socket://192.168.1.20:4001 或 rfc2217://…",
    )
    baud = forms.TypedChoiceField(
        label="波特率",
        choices=[BY_PROTOCOL, *BAUDS],
        coerce=whole_or_none,
        empty_value=None,
        required=False,
        help_text=_usual_settings(),
    )
    bits = forms.TypedChoiceField(
        label="数据位",
        choices=[BY_PROTOCOL, (8, "8"), (7, "7")],
        coerce=whole_or_none,
        empty_value=None,
        required=False,
    )
    parity = forms.ChoiceField(
        label="校验位", choices=[BY_PROTOCOL, *Line.Parity.choices], required=False
    )
    stop = forms.TypedChoiceField(
        label="停止位",
        choices=[BY_PROTOCOL, (1, "1"), (2, "2")],
        coerce=whole_or_none,
        empty_value=None,
        required=False,
    )
    echo = forms.BooleanField(
        label="转换器回显",
        required=False,
        help_text="转换器把发出的字节原样送回时勾选，多见于两线 RS-485 和电流环转换器",
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        """What was not chosen is the protocol's own."""
        values: dict[str, Any] = super().clean() or {}
        spoken = table.entries().get(values.get("protocol", ""))
        if spoken is not None:
            for name in ("baud", "bits", "parity", "stop"):
                values[name] = values.get(name) or getattr(spoken.serial, name)
        return values


class DispenserWiringForm(forms.Form):
    """Where a dispenser answers, and with how many decimals it counts."""

    helper = laid()
    dispenser = forms.ModelChoiceField(label="加油机", queryset=Dispenser.objects.none())
    line = forms.ModelChoiceField(label="线路", queryset=Line.objects.none())
    address = forms.IntegerField(
        label="地址",
        min_value=0,
        max_value=255,
        help_text=_addresses(),
    )
    volume_decimals = forms.IntegerField(
        label="升数小数位", min_value=0, max_value=3, initial=2, help_text=_litres()
    )
    amount_decimals = forms.IntegerField(label="金额小数位", min_value=0, max_value=3, initial=2)
    price_decimals = forms.IntegerField(label="单价小数位", min_value=0, max_value=3, initial=2)
    totals_decimals = forms.IntegerField(
        label="泵码小数位",
        min_value=0,
        max_value=3,
        initial=2,
        help_text="有的机头泵码比显示少一位，投用前试加一笔核对",
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(
            self,
            dispenser=Dispenser.objects.filter(station=station, active=True).order_by("number"),
            line=Line.objects.filter(station=station, active=True).order_by("name"),
        )


class ReaderForm(forms.Form):
    """At which till or island a reader stands."""

    helper = laid()
    line = forms.ModelChoiceField(label="线路", queryset=Line.objects.none())
    till = forms.ModelChoiceField(label="收银台", queryset=Till.objects.none(), required=False)
    island = forms.ModelChoiceField(label="加油岛", queryset=Island.objects.none(), required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(
            self,
            line=Line.objects.filter(station=station, active=True).order_by("name"),
            till=Till.objects.filter(station=station, active=True).order_by("number"),
            island=Island.objects.filter(station=station, active=True).order_by("number"),
        )


class PrinterForm(forms.Form):
    """A receipt printer and its till."""

    helper = laid()

    name = forms.CharField(label="名称", max_length=30)
    kind = forms.ChoiceField(label="接口", choices=Printer.Kind.choices)
    target = forms.CharField(
        label="地址",
        max_length=200,
        help_text="网络 192.168.1.50:9100，串口 /dev/ttyS1，文件只填文件名，如 till-1.bin",
    )
    till = forms.ModelChoiceField(label="收银台", queryset=Till.objects.none(), required=False)
    columns = forms.TypedChoiceField(
        label="每行字符数",
        choices=[(32, "32（58 毫米纸）"), (48, "48（80 毫米纸）")],
        coerce=whole,
        initial=48,
    )
    opens_drawer = forms.BooleanField(label="带钱箱", required=False)
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, till=Till.objects.filter(station=station, active=True).order_by("number"))


def _offer(form: forms.Form, **rows: QuerySet[Any]) -> None:
    for name, offered in rows.items():
        field = form.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered
