"""Wiring: lines, what hangs on them, and where printers stand. The poller is told of each change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from devices.line import pcsc
from devices.models import (
    Command,
    DispenserWiring,
    GaugeTank,
    Line,
    PoleDisplay,
    PriceSign,
    Printer,
    Reader,
    SignRow,
)
from devices.protocols import scanner, table
from devices.protocols.displays import fits
from devices.protocols.entry import PumpProtocol
from devices.protocols.pcsc import AID
from devices.queries.ports import PAPERS, is_card_port, is_port, paper_file
from devices.services import commands, printers
from station.errors import Refusal
from station.models import Dispenser, Station, User
from station.services import audit

OPTIONS = (scanner.OPTION, AID)
Row = TypeVar("Row", bound=models.Model)

TAKEN = {
    "one_line_per_name": "未保存：已有一条同名线路，请换一个名称",
    "one_active_line_per_port": "未保存：这个端口已有一条在用的线路，请先停用那一条",
    "one_dispenser_per_address": "未保存：这条线路上已有加油机用了这个地址，请核对拨码",
    "dispenser_id": "未保存：这台加油机已经接线，请修改原来的那一条",
    "one_tank_per_number_of_a_gauge": "未保存：这台液位仪的这个罐号已经对应另一个油罐，请核对主机",
    "tank_id": "未保存：这个油罐已经接了液位仪，请修改原来的那一条",
    "till_id": "未保存：这个收银台已经有一个客显，请修改原来的那一条",
    "one_price_sign_per_name": "未保存：已有一块同名价格牌，请换一个名称",
    "line_id": "未保存：这条线路上已经接了别的设备，请另选一条",
}


class WiringRefused(Refusal):
    """Two things cannot hang at one place."""


@transaction.atomic
def save_line(
    *, row: Line | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Line:
    """Add or change a line.

    Refuses a second line of one name or on one port, no port at all, a protocol that does not suit
    what hangs on the line, and a PC/SC reader where the machine cannot speak to one.
    """
    _refuse_strange_port(values["url"], values["protocol"])
    if row is not None:
        _refuse_what_hangs(row, values["protocol"])
    values = _with_options(row, values)
    return _save(Line, row, values, at=at, actor=actor, station=station, own={"station": station})


def _refuse_strange_port(url: str, protocol: str) -> None:
    if not table.serves(protocol):
        _refuse_no_port(url)
        return
    if not is_card_port(url):
        raise WiringRefused(
            "未保存：PC/SC 读卡器的端口写 pcsc:// 加读卡器名称，只有一台时写 pcsc://"
        )
    if not pcsc.installed():
        raise WiringRefused(f"未保存：{pcsc.MISSING}；也可以改用键盘式读卡器，它不用接线")


def _with_options(row: Line | None, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the protocol lets choose stands among the line's options; what else is there stays."""
    chosen = {name: values.get(name, "") for name in OPTIONS}
    kept = {name: value for name, value in values.items() if name not in OPTIONS}
    options = dict(row.options) if row is not None else {}
    spoken = table.READERS.get(values["protocol"])
    for name, value in chosen.items():
        options.pop(name, None)
        if spoken is not None and name in spoken.options and value:
            options[name] = value
    return {**kept, "options": options}


def _refuse_what_hangs(line: Line, protocol: str) -> None:
    """A protocol must suit what hangs on the line already."""
    pumps = table.PUMPS.get(protocol)
    if pumps is None and line.dispensers.exists():
        raise WiringRefused("未保存：这条线路上接着加油机，不能改成别的设备的协议")
    if protocol not in table.READERS and Reader.objects.filter(line=line).exists():
        raise WiringRefused("未保存：这条线路上接着读卡器或扫码枪，不能改成别的设备的协议")
    if protocol not in table.GAUGES and GaugeTank.objects.filter(line=line).exists():
        raise WiringRefused("未保存：这条线路上接着液位仪，不能改成别的设备的协议")
    if protocol not in table.DISPLAYS and PoleDisplay.objects.filter(line=line).exists():
        raise WiringRefused("未保存：这条线路上接着客显，不能改成别的设备的协议")
    if protocol not in table.SIGNS and PriceSign.objects.filter(line=line).exists():
        raise WiringRefused("未保存：这条线路上接着价格牌，不能改成别的设备的协议")
    for hangs in line.dispensers.select_related("dispenser").order_by("address"):
        if pumps is not None:
            _refuse_strange(pumps, hangs.address)
            _refuse_nozzles(pumps, hangs.dispenser)


def _refuse_strange(pumps: PumpProtocol, address: int) -> None:
    if not pumps.takes(address):
        lowest, highest = pumps.addresses[0], pumps.addresses[-1]
        raise WiringRefused(
            f"未保存：{pumps.label} 的地址是 {lowest} 到 {highest}，{address} 不是，请核对拨码"
        )


def _refuse_nozzles(pumps: PumpProtocol, dispenser: Dispenser) -> None:
    """An address cannot have more nozzles than its protocol can tell apart."""
    count = dispenser.nozzles.filter(active=True).count()
    if count > pumps.nozzles:
        raise WiringRefused(
            f"未保存：{pumps.label} 一个地址接 {pumps.nozzles} 把枪，{dispenser} 有 {count} 把在用，"
            "请按枪分开建加油机，再各接各的地址"
        )


@transaction.atomic
def move_line(*, line: Line, url: str, at: datetime) -> Line:
    """A line is reached elsewhere now, as the demo's simulator found out; audited as the system's."""
    _refuse_no_port(url)
    return _save(Line, line, {"url": url}, at=at, actor=None, station=line.station)


@transaction.atomic
def rest_line(*, line: Line, at: datetime, actor: User) -> Line:
    """Take a line out of service, so that its port is free; the poller is told. Never refuses."""
    return _save(Line, line, {"active": False}, at=at, actor=actor, station=line.station)


@transaction.atomic
def save_dispenser(
    *,
    row: DispenserWiring | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station,
) -> DispenserWiring:
    """Hang a dispenser on a line at an address.

    Refuses an address that is taken or cannot be, and more nozzles than it can have.
    """
    pumps = table.PUMPS.get(values["line"].protocol)
    if pumps is None:
        raise WiringRefused("未保存：这条线路不是加油机的，请选加油机的线路")
    _refuse_strange(pumps, values["address"])
    _refuse_nozzles(pumps, values["dispenser"])
    return _save(DispenserWiring, row, values, at=at, actor=actor, station=station)


@transaction.atomic
def save_reader(
    *, row: Reader | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Reader:
    """Put a reader or scanner at a till or an island. Refuses both, neither, or a pump's line."""
    if bool(values.get("till")) == bool(values.get("island")):
        raise WiringRefused("未保存：读卡器要么在一个收银台，要么在一个加油岛，请选一个")
    if values["line"].protocol not in table.READERS:
        raise WiringRefused("未保存：这条线路不是读卡器或扫码枪的，请先建一条那样的线路")
    return _save(Reader, row, values, at=at, actor=actor, station=station)


@transaction.atomic
def save_gauge_tank(
    *, row: GaugeTank | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> GaugeTank:
    """Say which tank a gauge means by a number. Refuses one that is taken, or another line."""
    if values["line"].protocol not in table.GAUGES:
        raise WiringRefused("未保存：这条线路不是液位仪的，请先建一条液位仪线路")
    return _save(GaugeTank, row, values, at=at, actor=actor, station=station)


@transaction.atomic
def save_printer(
    *, row: Printer | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Printer:
    """Add or change a receipt printer. Never tells the poller: printing is the workers' work.

    Refuses a file outside the folder for papers: the server may write in many places, and a page
    is no way to any of them.
    """
    if values["kind"] == Printer.Kind.FILE and paper_file(values["target"]) is None:
        raise WiringRefused(
            f"未保存：文件打印只写在数据目录的 {PAPERS} 文件夹里，请只填文件名，例如 till-1.bin"
        )
    if values["kind"] == Printer.Kind.SERIAL:
        _refuse_no_port(values["target"])
    if row is not None:
        printers.forget(printer=row, at=at)
    return _write(
        Printer, row, values, at=at, actor=actor, station=station, own={"station": station}
    )


@transaction.atomic
def move_printer(*, printer: Printer, target: str, at: datetime) -> Printer:
    """A printer is reached elsewhere now, as the demo's simulator found out; the system's doing."""
    station = printer.station
    return _write(Printer, printer, {"target": target}, at=at, actor=None, station=station)


@transaction.atomic
def save_display(
    *,
    row: PoleDisplay | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station,
) -> PoleDisplay:
    """Put a customer's display at a till. Refuses another line, a second one, and a text that does not fit."""
    spoken = table.DISPLAYS.get(values["line"].protocol)
    if spoken is None:
        raise WiringRefused("未保存：请选客显的线路，没有就先建一条")
    if not spoken.letters and values["idle_text"]:
        raise WiringRefused("未保存：数码客显没有文字，“空闲时显示”请留空")
    if not fits(values["idle_text"], chinese=spoken.chinese):
        words = "最多 10 个汉字或 20 个字母" if spoken.chinese else "只能是 20 个以内的字母和数字"
        raise WiringRefused(f"未保存：这种客显空闲时的文字{words}")
    return _save(PoleDisplay, row, values, at=at, actor=actor, station=station)


@transaction.atomic
def save_sign(
    *, row: PriceSign | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> PriceSign:
    """Add or change a price sign and which row shows which grade.

    Refuses a line that is none of a sign, one where a person changes the digits, and a sign without
    a row. A rise of the grades on it begins at the sign from now on.
    """
    grades = {number: values[f"row_{number}"] for number in table.SIGN_ROWS}
    fields = {name: values[name] for name in ("name", "kind", "line", "number", "active")}
    online = fields["kind"] == PriceSign.Kind.LINE
    if online and (fields["line"] is None or fields["line"].protocol not in table.SIGNS):
        raise WiringRefused("未保存：联机的价格牌要选一条价格牌线路，没有就先建一条")
    if not online and fields["line"] is not None:
        raise WiringRefused("未保存：人工改牌的价格牌没有线路，请把线路留空")
    if not any(grades.values()):
        raise WiringRefused("未保存：请至少选一行显示的油品")
    own = {"station": station}
    saved = _save(PriceSign, row, fields, at=at, actor=actor, station=station, own=own)
    for number, grade in grades.items():
        held, new = SignRow.objects.get_or_create(sign=saved, row=number, defaults={"grade": grade})
        if not new and held.grade_id != (grade.pk if grade else None):
            SignRow.objects.filter(pk=held.pk).update(grade=grade, shown=None, heard_at=None)
    audit.record(
        at=at,
        actor=actor,
        action="devices.pricesign.rows",
        station=station,
        document=f"pricesign:{saved.pk}",
        after={f"第 {number} 行": str(grade or "") for number, grade in grades.items()},
    )
    return saved


def _refuse_no_port(url: str) -> None:
    if not is_port(url):
        raise WiringRefused(
            "未保存：端口须是串口（如 /dev/ttyUSB0）或串口服务器（socket://、rfc2217://），请核对"
        )


def _save(
    model: type[Row],
    row: Row | None,
    values: Mapping[str, Any],
    *,
    at: datetime,
    actor: User | None,
    station: Station,
    own: Mapping[str, Any] | None = None,
) -> Row:
    saved = _write(model, row, values, at=at, actor=actor, station=station, own=own)
    commands.queue(kind=Command.Kind.REWIRE, station=station, actor=actor, at=at, seconds=60)
    return saved


def _write(
    model: type[Row],
    row: Row | None,
    values: Mapping[str, Any],
    *,
    at: datetime,
    actor: User | None,
    station: Station,
    own: Mapping[str, Any] | None = None,
) -> Row:
    manager = model._default_manager
    before = {name: _plain(getattr(row, name)) for name in values} if row is not None else None
    try:
        with transaction.atomic():
            if row is None:
                saved = manager.create(**{**(own or {}), **values})
            else:
                manager.filter(pk=row.pk).update(**values)
                saved = manager.get(pk=row.pk)
    except IntegrityError as error:
        for name, words in TAKEN.items():
            if name in str(error):
                raise WiringRefused(words) from error
        raise
    audit.record(
        at=at,
        actor=actor,
        action=f"devices.{model._meta.model_name}.saved",
        station=station,
        document=f"{model._meta.model_name}:{saved.pk}",
        before=before,
        after={name: _plain(value) for name, value in values.items()},
    )
    return saved


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, dict, type(None))) else str(value)
