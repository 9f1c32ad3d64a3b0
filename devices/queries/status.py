"""Whether the machines answer: lines, dispensers and readers of a station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from devices.models import (
    Alarm,
    DispenserWiring,
    GaugeReading,
    GaugeTank,
    Line,
    NozzleState,
    Reader,
    Swipe,
    TankHold,
)
from devices.protocols import table
from devices.queries import gauges
from devices.queries.holds import stopping
from devices.queries.ports import port_kind
from station.models import Station

# A line that is polled answers several times a second; a listening line only when somebody swipes.
QUIET = timedelta(seconds=10)


@dataclass(frozen=True)
class LineStatus:
    """One line as the poller last wrote it."""

    line: Line
    tone: str
    word: str
    heard_at: datetime | None
    answered: int | None  # whole per cent of polls
    bad_frames: int
    error: str

    @property
    def port(self) -> str:
        return port_kind(self.line.url)


@dataclass(frozen=True)
class PumpStatus:
    """One wired dispenser with its nozzles' states."""

    wiring: DispenserWiring
    tone: str
    word: str
    nozzles: list[NozzleState]


def lines(*, station: Station, at: datetime) -> list[LineStatus]:
    """Every line in use, by name. One statement."""
    rows = Line.objects.filter(station=station, active=True).select_related("state")
    return [line_status(line, at) for line in rows.order_by("name")]


def line_status(line: Line, at: datetime) -> LineStatus:
    """A line in a word: 正常, 无应答, 端口未打开, 采集程序未运行, 未连接过."""
    state = getattr(line, "state", None)
    if state is None:
        return LineStatus(line, "wait", "未连接过", None, None, 0, "")
    counted = state.polls and table.is_asked(line.protocol)  # a display is told and never answers
    answered = state.answers * 100 // state.polls if counted else None
    if state.written_at < at - 3 * QUIET:
        tone, word = "bad", "采集程序未运行"
    elif not state.is_open:
        tone, word = "bad", "端口未打开"
    elif table.is_asked(line.protocol) and (state.heard_at is None or state.heard_at < at - QUIET):
        tone, word = "bad", "无应答"
    else:
        tone, word = "good", "正常"
    return LineStatus(line, tone, word, state.heard_at, answered, state.bad_frames, state.error)


def pumps(*, station: Station) -> list[PumpStatus]:
    """Every wired dispenser by number, with what its nozzles say. Two statements."""
    states: dict[int, list[NozzleState]] = {}
    for state in (
        NozzleState.objects.filter(nozzle__station=station, nozzle__active=True)
        .select_related("nozzle__tank__grade")
        .order_by("nozzle__position")
    ):
        states.setdefault(state.nozzle.dispenser_id, []).append(state)
    wired = (
        DispenserWiring.objects.filter(dispenser__station=station, dispenser__active=True)
        .select_related("dispenser", "line")
        .order_by("dispenser__number")
    )
    return [_pump(wiring, states.get(wiring.dispenser_id, [])) for wiring in wired]


def _pump(wiring: DispenserWiring, nozzles: list[NozzleState]) -> PumpStatus:
    offline = [one for one in nozzles if one.state == NozzleState.State.OFFLINE]
    if not nozzles:
        return PumpStatus(wiring, "wait", "没有消息", nozzles)
    if len(offline) == len(nozzles):
        return PumpStatus(wiring, "bad", "离线", nozzles)
    return PumpStatus(
        wiring, "bad" if offline else "good", "部分离线" if offline else "在线", nozzles
    )


@dataclass(frozen=True)
class GaugeStatus:
    """One gauged tank: whether its gauge answers, and what it said last."""

    wiring: GaugeTank
    tone: str
    word: str
    reading: GaugeReading | None
    hold: TankHold | None
    alarms: tuple[Alarm, ...]


def gauged(*, station: Station, at: datetime) -> list[GaugeStatus]:
    """Every tank with a gauge, by number. Five statements."""
    known = {row.line.pk: row for row in lines(station=station, at=at)}
    last = gauges.latest(station=station, at=at)
    holds = {row.tank_id: row for row in stopping(station=station)}
    cries = gauges.crying(station=station)
    out = []
    for wiring in gauges.wired(station=station):
        line, live = known.get(wiring.line_id), last.get(wiring.tank_id)
        tone, word = (line.tone, line.word) if line else ("wait", "未连接过")
        if tone == "good" and (live is None or not live.fresh):
            tone, word = "bad", "没有可信读数"
        reading = live.reading if live else None
        hold, alarms = holds.get(wiring.tank_id), cries[str(wiring.tank)]
        out.append(GaugeStatus(wiring, tone, word, reading, hold, alarms))
    return out


def readers(*, station: Station) -> QuerySet[Reader]:
    """Readers and scanners by line, each with `last_at`, the time of its last read."""
    last = Swipe.objects.filter(reader=OuterRef("pk")).order_by("-id")
    return (
        Reader.objects.filter(line__station=station, line__active=True)
        .select_related("line__state", "till", "island")
        .annotate(last_at=Subquery(last.values("occurred_at")[:1]))
        .order_by("line__name")
    )


def unwired(*, station: Station) -> int:
    """How many dispensers in use hang on no line."""
    found = station.dispensers.filter(active=True).aggregate(
        count=Count("pk", filter=Q(wiring=None))
    )
    return int(found["count"])
