"""What the machines contribute to 运行状况: a check per line and printer, and the poller's heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from devices.models import Command, Line, LineState, PollerState, Printer
from devices.queries.printers import printer_light
from devices.queries.status import line_status
from station.queries.health import Check, State

LATE = timedelta(seconds=30)
STATES = {"good": State.OK, "wait": State.WARNING, "bad": State.FAILED}


def checks(*, at: datetime) -> list[Check]:
    """The poller, its spool, every line and printer, and orders nobody took. Five statements."""
    lines = Line.objects.filter(active=True, station__active=True).select_related(
        "state", "station"
    )
    found = [_poller(at), _spool(at)]
    for line in lines.order_by("station__code", "name"):
        status = line_status(line, at)
        detail = status.error or status.word
        if status.answered is not None:
            detail = f"{detail}，应答率 {status.answered}%，坏帧 {status.bad_frames}"
        found.append(
            Check(
                f"devices.line.{line.pk}",
                f"{line.station} {line.name}",
                STATES[status.tone],
                detail,
                status.answered,
                line.station_id,
            )
        )
    found += _printers(at)
    waiting = Command.objects.filter(
        status=Command.Status.WAITING, valid_until__lt=at - LATE
    ).count()
    found.append(
        Check(
            "devices.commands",
            "加油机命令",
            State.WARNING if waiting else State.OK,
            f"{waiting} 条命令没有人取走" if waiting else "没有积压",
            waiting,
        )
    )
    return found


def _printers(at: datetime) -> list[Check]:
    printers = Printer.objects.filter(active=True, station__active=True).exclude(
        kind=Printer.Kind.FILE
    )
    found = []
    for printer in printers.select_related("state", "station").order_by("station__code", "name"):
        light = printer_light(printer, at)
        tone = "good" if light.tone == "off" else light.tone
        found.append(
            Check(
                f"devices.printer.{printer.pk}",
                f"{printer.station} {printer.name}",
                # Without paper nothing stops: receipts wait, sales do not.
                State.WARNING if tone == "bad" else STATES[tone],
                light.error or light.word,
                None,
                printer.station_id,
            )
        )
    return found


def _poller(at: datetime) -> Check:
    written = LineState.objects.filter(line__active=True).aggregate(at=Max("written_at"))["at"]
    if written is None:
        return Check("devices.poller", "采集程序", State.WARNING, "还没有连接过任何线路")
    late = int((at - written).total_seconds())
    state = State.FAILED if written < at - LATE else State.OK
    return Check("devices.poller", "采集程序", state, f"{max(late, 0)} 秒前有更新", late)


def _spool(at: datetime) -> Check:
    """What lies in the poller's spool and not in the database."""
    states = list(PollerState.objects.order_by("station"))
    waiting = sum(state.waiting for state in states)
    refused = [state for state in states if state.refused]
    oldest = [state.oldest_at for state in states if state.oldest_at is not None]
    if refused:
        count = sum(state.refused for state in refused)
        detail = f"{count} 条现场数据入库被拒，仍保存在采集机上：{refused[0].trouble}"
        return Check("devices.spool", "待入库数据", State.FAILED, detail, waiting)
    if oldest and min(oldest) < at - LATE:
        seconds = int((at - min(oldest)).total_seconds())
        detail = f"{waiting} 条现场数据没有入库，最早的已等 {seconds} 秒"
        return Check("devices.spool", "待入库数据", State.WARNING, detail, waiting)
    detail = f"{waiting} 条正在入库" if waiting else "没有积压"
    return Check("devices.spool", "待入库数据", State.OK, detail, waiting)
