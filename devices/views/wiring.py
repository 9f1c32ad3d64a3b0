"""Wiring pages: lines, dispenser addresses, readers and printers, each a plain reference table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devices.forms.wiring import (
    DispenserWiringForm,
    DisplayForm,
    GaugeTankForm,
    LineForm,
    PrinterForm,
    ReaderForm,
    SignForm,
)
from devices.models import (
    DispenserWiring,
    GaugeTank,
    Line,
    PoleDisplay,
    PriceSign,
    Printer,
    Reader,
)
from devices.protocols import table
from devices.queries.ports import port_kind
from devices.queries.printers import printer_light
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
    initial=lambda row: {
        **_values("name", "protocol", "url", "baud", "bits", "parity", "stop", "echo", "active")(
            row
        ),
        **{name: row.options.get(name, "") for name in wiring.OPTIONS},
    },
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
    order=("dispenser__number",),
    empty_text="写明每台加油机接在哪条线路、地址是多少。",
    view_right=VIEW,
    change_right=CHANGE,
)
GAUGES = Reference(
    app="devices",
    name="gauges",
    noun="液位仪接线",
    columns=(
        Column("油罐", lambda row: f"{row.tank} {row.tank.grade}"),
        Column("线路", "line.name"),
        Column("主机罐号", "number", "code"),
        Column("在用", "active"),
    ),
    form=GaugeTankForm,
    form_knows=_station,
    rows=lambda request: GaugeTank.objects.filter(line__station=request.station).select_related(
        "line", "tank__grade"
    ),
    save=wiring.save_gauge_tank,
    initial=_values("line", "number", "tank", "active"),
    order=("tank__number",),
    empty_text="先建一条液位仪的线路，再写明主机上的几号罐是站内的哪个油罐。",
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
        Column(
            "状态",
            lambda row: printer_light(row).word,
            "state",
            tone=lambda row: printer_light(row).tone,
        ),
    ),
    form=PrinterForm,
    form_knows=_station,
    rows=lambda request: Printer.objects.filter(station=request.station).select_related(
        "till", "state"
    ),
    save=wiring.save_printer,
    initial=_values(
        "name",
        "kind",
        "target",
        "till",
        "columns",
        "baud",
        "opens_drawer",
        "drawer_pin",
        "drawer_times",
        "active",
    ),
    order=("name",),
    empty_text="收银小票从这里登记的打印机出；没有打印机时小票显示在屏幕上。",
    view_right=VIEW,
    change_right=CHANGE,
)
DISPLAYS = Reference(
    app="devices",
    name="displays",
    noun="客显",
    columns=(
        Column("线路", "line.name"),
        Column("类型", lambda row: row.line.get_protocol_display()),
        Column("收银台", "till.name"),
        Column("空闲时显示", "idle_text"),
    ),
    form=DisplayForm,
    form_knows=_station,
    rows=lambda request: PoleDisplay.objects.filter(line__station=request.station).select_related(
        "line", "till"
    ),
    save=wiring.save_display,
    initial=_values("line", "till", "idle_text"),
    empty_text="客显向客人显示单价、合计、收款和找零，跟着它那台收银台走。先在“接线”建一条客显线路。",
    view_right=VIEW,
    change_right=CHANGE,
)


def _sign_initial(row: PriceSign) -> Mapping[str, Any]:
    rows = {f"row_{one.row}": one.grade_id for one in row.rows.all()}
    return {**_values("name", "kind", "line", "number", "active")(row), **rows}


def _sign_rows(row: PriceSign) -> str:
    rows = sorted(row.rows.all(), key=lambda one: one.row)
    return "，".join(f"{one.row} {one.grade.code}" for one in rows if one.grade)


SIGNS = Reference(
    app="devices",
    name="signs",
    noun="价格牌",
    columns=(
        Column("名称", "name"),
        Column("方式", lambda row: row.get_kind_display()),
        Column("线路", lambda row: row.line.name if row.line else ""),
        Column("行与油品", _sign_rows),
        Column("在用", "active"),
    ),
    form=SignForm,
    form_knows=_station,
    rows=lambda request: (
        PriceSign.objects.filter(station=request.station)
        .select_related("line")
        .prefetch_related("rows__grade")
    ),
    save=wiring.save_sign,
    initial=_sign_initial,
    order=("name",),
    empty_text="登记价格牌后，涨价先改牌后改枪，降价先改枪后改牌。",
    view_right=VIEW,
    change_right=CHANGE,
)
