"""What the lines contribute to 运行状况: one check per line, and the poller's heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from devices.models import Command, Line, LineState
from devices.queries.status import line_status
from station.queries.health import Check, State

LATE = timedelta(seconds=30)
STATES = {"good": State.OK, "wait": State.WARNING, "bad": State.FAILED}


def checks(*, at: datetime) -> list[Check]:
    """The poller, every line in use, and orders nobody took. Three statements."""
    lines = Line.objects.filter(active=True, station__active=True).select_related(
        "state", "station"
    )
    found = [_poller(at)]
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


def _poller(at: datetime) -> Check:
    written = LineState.objects.filter(line__active=True).aggregate(at=Max("written_at"))["at"]
    if written is None:
        return Check("devices.poller", "采集程序", State.WARNING, "还没有连接过任何线路")
    late = int((at - written).total_seconds())
    state = State.FAILED if written < at - LATE else State.OK
    return Check("devices.poller", "采集程序", state, f"{max(late, 0)} 秒前有更新", late)
