"""Lines, addresses, readers and printers as they are typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet

from devices.models import Line, PriceSign, Printer
from devices.protocols import pcsc, scanner, table
from station.forms.layout import laid
from station.models import Dispenser, Grade, Island, Station, Tank, Till

BAUDS = [
    (rate, str(rate)) for rate in (1200, 2400, 4800, 5760, 5787, 9600, 19200, 38400, 57600, 115200)
]


def whole(value: object) -> int:
    return int(str(value))


BY_PROTOCOL = ("", "按协议")


def whole_or_none(value: object) -> int | None:
    return whole(value) if value else None


def _protocols() -> list[tuple[str, str]]:
    """Each with what it speaks at where nobody chooses otherwise."""
    return [
        (key, f"{one.label}（{table.serial_in_short(one.serial)}）")
        for key, one in table.entries().items()
    ]


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
    protocol = forms.ChoiceField(
        label="协议", choices=_protocols, help_text="括号里是“按协议”时的端口参数"
    )
    url = forms.CharField(
        label="端口",
        max_length=120,
        help_text="串口如 /dev/ttyUSB0，串口服务器如 socket://192.168.1.20:4001 或 rfc2217://…，"
        "PC/SC 读卡器写 pcsc:// 加名称",
    )
    baud = forms.TypedChoiceField(
        label="波特率",
        choices=[BY_PROTOCOL, *BAUDS],
        coerce=whole_or_none,
        empty_value=None,
        required=False,
        help_text="机器或转换器改过才选",
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
    end = forms.ChoiceField(
        label="扫码枪结束符",
        choices=[
            ("", "自动（CR、LF、TAB 都算）"),
            *((mark, mark) for mark in scanner.ENDS if mark),
        ],
        required=False,
        help_text="只对串口扫码枪有用；条码里本身带 TAB 时才需要选",
    )
    aid = forms.CharField(
        label="站发卡应用（AID）",
        max_length=32,
        required=False,
        help_text="只对 PC/SC 读卡器有用：本站自己发的卡上写卡号的应用，十六进制；不填按卡的序号认",
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def clean_aid(self) -> str:
        """An application in hex, or none."""
        told = str(self.cleaned_data["aid"]).replace(" ", "").upper()
        if told and not pcsc.is_aid(told):
            raise forms.ValidationError("AID 应为 5 至 16 个字节的十六进制，例如 F0595A475A01")
        return told

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


class GaugeTankForm(forms.Form):
    """Which tank a gauge means by a number."""

    helper = laid()
    line = forms.ModelChoiceField(label="线路", queryset=Line.objects.none())
    number = forms.IntegerField(
        label="主机罐号",
        min_value=1,
        max_value=99,
        help_text="；".join(one.tank_help for one in table.GAUGES.values()),
    )
    tank = forms.ModelChoiceField(label="油罐", queryset=Tank.objects.none())
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gauges = Line.objects.filter(station=station, active=True, protocol__in=table.GAUGES)
        _offer(
            self,
            line=gauges.order_by("name"),
            tank=Tank.objects.filter(station=station, active=True).order_by("number"),
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
    baud = forms.TypedChoiceField(
        label="波特率", choices=BAUDS, coerce=whole, initial=9600, help_text="只用于串口打印机"
    )
    opens_drawer = forms.BooleanField(label="带钱箱", required=False)
    drawer_pin = forms.TypedChoiceField(
        label="钱箱插脚",
        choices=[(2, "2 脚（一般）"), (5, "5 脚")],
        coerce=whole,
        initial=2,
        help_text="钱箱不弹开时换另一个试",
    )
    drawer_times = forms.TypedChoiceField(
        label="开钱箱次数",
        choices=[(1, "1 次"), (2, "2 次"), (3, "3 次")],
        coerce=whole,
        initial=1,
        help_text="钱箱发涩、一次弹不开时用 2 次",
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, till=Till.objects.filter(station=station, active=True).order_by("number"))


class DisplayForm(forms.Form):
    """A customer's display and its till."""

    helper = laid()
    line = forms.ModelChoiceField(label="线路", queryset=Line.objects.none())
    till = forms.ModelChoiceField(label="收银台", queryset=Till.objects.none())
    idle_text = forms.CharField(
        label="空闲时显示",
        max_length=20,
        required=False,
        help_text="没有客人时显示的一行字；数码客显和不带汉字的客显不能写汉字",
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(
            self,
            line=_lines(station, table.DISPLAYS),
            till=Till.objects.filter(station=station, active=True).order_by("number"),
        )


class SignForm(forms.Form):
    """A price sign, and the grade of each row of digits."""

    helper = laid()
    name = forms.CharField(label="名称", max_length=30, help_text="例如：进站口价格牌")
    kind = forms.ChoiceField(
        label="方式",
        choices=PriceSign.Kind.choices,
        help_text="人工改牌：调价时提醒人去改，改好后在调价单上按“已改好”",
    )
    line = forms.ModelChoiceField(
        label="线路", queryset=Line.objects.none(), required=False, help_text="只用于联机的价格牌"
    )
    number = forms.IntegerField(
        label="牌号", min_value=1, max_value=99, initial=1, help_text="牌内设定的号码，一般是 1"
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, line=_lines(station, table.SIGNS))
        grades = Grade.objects.filter(tanks__station=station, active=True).distinct()
        for number in table.SIGN_ROWS:
            self.fields[f"row_{number}"] = forms.ModelChoiceField(
                label=f"第 {number} 行",
                queryset=grades.order_by("position", "code"),
                required=False,
                empty_label="不显示油价",
            )
        self.order_fields([*(name for name in self.fields if name != "active"), "active"])


def _lines(station: Station, protocols: Iterable[str]) -> QuerySet[Line]:
    found = Line.objects.filter(station=station, active=True, protocol__in=list(protocols))
    return found.order_by("name")


def _offer(form: forms.Form, **rows: QuerySet[Any]) -> None:
    for name, offered in rows.items():
        field = form.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered
