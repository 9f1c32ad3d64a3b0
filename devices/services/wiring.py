"""Wiring: lines, what hangs on them, and where printers stand. The poller is told of each change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from devices.models import Command, DispenserWiring, Line, Printer, Reader
from devices.protocols import table
from devices.queries.ports import PAPERS, is_port, paper_file
from devices.services import commands
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

Row = TypeVar("Row", bound=models.Model)

TAKEN = {
    "one_line_per_name": "未保存：已有一条同名线路，请换一个名称",
    "one_active_line_per_port": "未保存：这个端口已有一条在用的线路，请先停用那一条",
    "one_dispenser_per_address": "未保存：这条线路上已有加油机用了这个地址，请核对拨码",
    "dispenser_id": "未保存：这台加油机已经接线，请修改原来的那一条",
    "line_id": "未保存：这条线路上已经接了读卡器或扫码枪",
}


class WiringRefused(Refusal):
    """Two things cannot hang at one place."""


@transaction.atomic
def save_line(
    *, row: Line | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Line:
    """Add or change a line.

    Refuses a second line of one name or on one port, no port at all, and a protocol that does not
    suit what hangs on the line.
    """
    _refuse_no_port(values["url"])
    if row is not None:
        _refuse_what_hangs(row, values["protocol"])
    return _save(Line, row, values, at=at, actor=actor, station=station, own={"station": station})


def _refuse_what_hangs(line: Line, protocol: str) -> None:
    """A protocol must suit what hangs on the line already."""
    pumps = table.PUMPS.get(protocol)
    if pumps is None and line.dispensers.exists():
        raise WiringRefused("未保存：这条线路上接着加油机，不能改成读卡器或扫码枪")
    if pumps is not None and Reader.objects.filter(line=line).exists():
        raise WiringRefused("未保存：这条线路上接着读卡器或扫码枪，不能改成加油机的协议")
    for address in line.dispensers.values_list("address", flat=True).order_by("address"):
        if pumps is not None:
            _refuse_strange(pumps, address)


def _refuse_strange(pumps: table.PumpProtocol, address: int) -> None:
    if not pumps.takes(address):
        lowest, highest = pumps.addresses[0], pumps.addresses[-1]
        raise WiringRefused(
            f"未保存：{pumps.label} 的地址是 {lowest} 到 {highest}，{address} 不是，请核对拨码"
        )


@transaction.atomic
def move_line(*, line: Line, url: str, at: datetime) -> Line:
    """A line is reached elsewhere now, as the demo's simulator found out; audited as the system's."""
    _refuse_no_port(url)
    return _save(Line, line, {"url": url}, at=at, actor=None, station=line.station)


@transaction.atomic
def save_dispenser(
    *,
    row: DispenserWiring | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station,
) -> DispenserWiring:
    """Hang a dispenser on a line at an address. Refuses one that is taken or cannot be."""
    pumps = table.PUMPS.get(values["line"].protocol)
    if pumps is None:
        raise WiringRefused("未保存：这条线路是读卡器或扫码枪的，请选加油机的线路")
    _refuse_strange(pumps, values["address"])
    return _save(DispenserWiring, row, values, at=at, actor=actor, station=station)


@transaction.atomic
def save_reader(
    *, row: Reader | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Reader:
    """Put a reader or scanner at a till or an island. Refuses both, neither, or a pump's line."""
    if bool(values.get("till")) == bool(values.get("island")):
        raise WiringRefused("未保存：读卡器要么在一个收银台，要么在一个加油岛，请选一个")
    if values["line"].protocol not in table.READERS:
        raise WiringRefused("未保存：这条线路是加油机的，请先建一条读卡器或扫码枪线路")
    return _save(Reader, row, values, at=at, actor=actor, station=station)


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
    return _write(
        Printer, row, values, at=at, actor=actor, station=station, own={"station": station}
    )


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
