"""Wiring pages: lines, dispenser addresses, readers and printers, each a plain reference table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devices.forms.wiring import DispenserWiringForm, LineForm, PrinterForm, ReaderForm
from devices.models import DispenserWiring, Line, Printer, Reader
from devices.protocols import table
from devices.queries.ports import port_kind
from devices.services import wiring
from station.access import StaffRequest
from station.queries.columns import Column
from station.views.crud import Reference

VIEW, CHANGE = "devices.wiring.view", "devices.wiring.change"


def _values(*names: str) -> Callable[[Any], Mapping[str, Any]]:
    return lambda row: {name: getattr(row, name) for name in names}


def _station(request: StaffRequest) -> Mapping[str, Any]:
    return {"station": request.station}


def _address(row: DispenserWiring) -> str:
    pumps = table.PUMPS.get(row.line.protocol)
    return pumps.address_words(row.address) if pumps else str(row.address)


LINES = Reference(
    app="devices",
    name="lines",
    noun="线路",
    columns=(
        Column("名称", "name"),
        Column("协议", lambda row: row.get_protocol_display()),
        Column("接法", lambda row: port_kind(row.url)),
        Column("端口参数", lambda row: table.serial_in_words(row.serial)),
        Column("回显", "echo"),
        Column("在用", "active"),
    ),
    form=LineForm,
    rows=lambda request: Line.objects.filter(station=request.station),
    save=wiring.save_line,
    initial=_values("name", "protocol", "url", "baud", "bits", "parity", "stop", "echo", "active"),
    order=("name",),
    empty_text="一条线路是一个串口或串口服务器端口。先建线路，再把加油机、读卡器接上去。",
    view_right=VIEW,
    change_right=CHANGE,
)
DISPENSERS = Reference(
    app="devices",
    name="dispensers",
    noun="加油机接线",
    columns=(
        Column("加油机", lambda row: str(row.dispenser)),
        Column("线路", "line.name"),
        Column("地址", _address, "code"),
        Column(
            "小数位（升/元/价/泵码）",
            lambda row: (
                f"{row.volume_decimals}/{row.amount_decimals}"
                f"/{row.price_decimals}/{row.totals_decimals}"
            ),
            "code",
        ),
    ),
    form=DispenserWiringForm,
    form_knows=_station,
    rows=lambda request: DispenserWiring.objects.filter(
        dispenser__station=request.station
    ).select_related("dispenser", "line"),
    save=wiring.save_dispenser,
    initial=_values(
        "dispenser",
        "line",
        "address",
        "volume_decimals",
        "amount_decimals",
        "price_decimals",
        "totals_decimals",
    ),
    order=("address",),
    empty_text="写明每台加油机接在哪条线路、地址是多少。",
    view_right=VIEW,
    change_right=CHANGE,
)
READERS = Reference(
    app="devices",
    name="readers",
    noun="读卡器和扫码枪",
    columns=(
        Column("线路", "line.name"),
        Column("类型", lambda row: row.line.get_protocol_display()),
        Column("收银台", lambda row: str(row.till) if row.till else ""),
        Column("加油岛", lambda row: str(row.island) if row.island else ""),
    ),
    form=ReaderForm,
    form_knows=_station,
    rows=lambda request: Reader.objects.filter(line__station=request.station).select_related(
        "line", "till", "island"
    ),
    save=wiring.save_reader,
    initial=_values("line", "till", "island"),
    empty_text="刷卡和扫码送到它所在的收银台或加油岛。",
    view_right=VIEW,
    change_right=CHANGE,
)
PRINTERS = Reference(
    app="devices",
    name="printers",
    noun="打印机",
    columns=(
        Column("名称", "name"),
        Column("接口", lambda row: row.get_kind_display()),
        Column("收银台", lambda row: str(row.till) if row.till else ""),
        Column("每行字符数", "columns", "count"),
        Column("带钱箱", "opens_drawer"),
        Column("在用", "active"),
    ),
    form=PrinterForm,
    form_knows=_station,
    rows=lambda request: Printer.objects.filter(station=request.station).select_related("till"),
    save=wiring.save_printer,
    initial=_values("name", "kind", "target", "till", "columns", "opens_drawer", "active"),
    order=("name",),
    empty_text="收银小票从这里登记的打印机出；没有打印机时小票显示在屏幕上。",
    view_right=VIEW,
    change_right=CHANGE,
)
