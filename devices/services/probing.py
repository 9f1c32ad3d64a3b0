"""试接: ask the poller to probe a port, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from devices.models import Line, Probe
from devices.protocols import table
from devices.queries.ports import is_port
from devices.queries.site import security_code
from devices.services import wiring
from devices.services.commands import CHANNEL
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

NOBODY_TOOK = timedelta(seconds=60)
NOBODY_TOLD = timedelta(seconds=60)
INTERRUPTED = "采集程序中途停了，试接没有做完。端口已放开，请再试一次"
NOT_TAKEN = "采集程序没有在运行，试接没有开始。请先启动采集程序，再试一次"


class ProbeRefused(Refusal):
    """This port cannot be probed now."""


class LineInUse(ProbeRefused):
    """The port is a line's that is in use; `line` says which. It is not probed over its head."""

    def __init__(self, line: Line) -> None:
        super().__init__(
            f"没有试接：这个端口是在用的线路「{line}」，采集程序正在用它。"
            "停用这条线路后才能试接，停用期间它的油枪显示离线、不能加油"
        )
        self.line = line


@transaction.atomic
def ask(
    *,
    station: Station,
    url: str,
    protocol: str,
    address: int | None,
    rest: bool,
    at: datetime,
    actor: User,
) -> Probe:
    """Leave a probe for the poller and wake it.

    Refuses no port, an address without its protocol or that the protocol does not have, a line in
    use (LineInUse; with `rest` that line is taken out of service first, where it is this
    station's), and a port that is being probed.
    """
    url = url.strip()
    if not is_port(url):
        raise ProbeRefused(
            "没有试接：端口须是串口（如 /dev/ttyUSB0）或串口服务器（socket://、rfc2217://），请核对"
        )
    _refuse_strange(protocol, address)
    _rest_line(station, url, rest=rest, at=at, actor=actor)
    try:
        with transaction.atomic():
            made = Probe.objects.create(
                station=station,
                url=url,
                protocol=protocol,
                address=address,
                actor=actor,
                asked_at=at,
                progress="等采集程序来做",
            )
    except IntegrityError as error:
        if "one_live_probe_per_port" not in str(error):
            raise
        raise ProbeRefused("没有试接：这个端口正在试接，请等它做完或先取消") from error
    audit.record(
        at=at,
        actor=actor,
        action="devices.probe.asked",
        station=station,
        document=f"probe:{made.pk}",
        after={"url": url, "protocol": protocol, "address": address},
    )
    _wake(made)
    return made


def _refuse_strange(protocol: str, address: int | None) -> None:
    if address is None:
        return
    pumps = table.PUMPS.get(protocol)
    if pumps is None:
        raise ProbeRefused("没有试接：写了地址就要选加油机的协议；不知道协议时请不填地址")
    if not pumps.takes(address):
        lowest, highest = pumps.addresses[0], pumps.addresses[-1]
        raise ProbeRefused(f"没有试接：{pumps.label} 的地址是 {lowest} 到 {highest}，请核对拨码")


def _rest_line(station: Station, url: str, *, rest: bool, at: datetime, actor: User) -> None:
    held = Line.objects.select_for_update().filter(url=url, active=True).first()
    if held is None:
        return
    if held.station_id != station.pk:
        raise ProbeRefused("没有试接：这个端口是另一座油站在用的线路，请到那座油站停用它")
    if not rest:
        raise LineInUse(held)
    wiring.rest_line(line=held, at=at, actor=actor)


@transaction.atomic
def cancel(*, probe: Probe, at: datetime, actor: User) -> None:
    """Ask for the end of a probe. One that nobody took ends at once. Never refuses; twice is once."""
    ended = Probe.objects.filter(pk=probe.pk, status=Probe.Status.WAITING).update(
        status=Probe.Status.CANCELLED, finished_at=at, progress="开始前已取消"
    )
    asked = Probe.objects.filter(
        pk=probe.pk, status=Probe.Status.RUNNING, cancel_asked_at=None
    ).update(cancel_asked_at=at)
    if ended or asked:
        audit.record(
            at=at,
            actor=actor,
            action="devices.probe.cancelled",
            station=probe.station,
            document=f"probe:{probe.pk}",
        )
        _wake(probe)


def _wake(probe: Probe) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"probe:{probe.pk}"])


# --------------------------------------------------------------------------- the poller's side


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe that the poller has taken."""

    id: int
    url: str
    protocol: str
    address: int | None
    security: str  # of a gauge's console


@transaction.atomic
def take(*, busy: Collection[str], at: datetime) -> list[Asked]:
    """Take what waits, oldest first. A port that is still open stays; another poller's are skipped."""
    waiting = (
        Probe.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=Probe.Status.WAITING, station__active=True)
        .exclude(url__in=busy)
        .order_by("id")
    )
    taken = [
        Asked(one.pk, one.url, one.protocol, one.address, security_code(one.station))
        for one in waiting.select_related("station")
    ]
    Probe.objects.filter(pk__in=[one.id for one in taken]).update(
        status=Probe.Status.RUNNING, told_at=at
    )
    return taken


def tell(*, probe: int, progress: str, frames: list[dict[str, Any]], at: datetime) -> bool:
    """How far it is; False where it is to end: cancelled, or given up by others meanwhile."""
    rows = Probe.objects.filter(pk=probe, status=Probe.Status.RUNNING)
    rows.update(progress=progress[:200], frames=frames, told_at=at)
    return rows.filter(cancel_asked_at=None).exists()


def finish(
    *,
    probe: int,
    status: str,
    progress: str,
    findings: dict[str, Any],
    frames: list[dict[str, Any]],
    at: datetime,
) -> bool:
    """Write what came of it; False where it had ended before."""
    moved = Probe.objects.filter(pk=probe, status=Probe.Status.RUNNING).update(
        status=status,
        progress=progress[:200],
        findings=findings,
        frames=frames,
        told_at=at,
        finished_at=at,
    )
    return bool(moved)


def interrupt(*, at: datetime) -> int:
    """After the poller's start: what ran before was cut off. Returns how many."""
    return Probe.objects.filter(status=Probe.Status.RUNNING).update(
        status=Probe.Status.INTERRUPTED, progress=INTERRUPTED, finished_at=at
    )


def end_what_is_late(*, at: datetime) -> int:
    """Nobody took it, or whoever did says nothing any more. Returns how many."""
    ended = Probe.objects.filter(
        Q(told_at__lt=at - NOBODY_TOLD) | Q(told_at=None), status=Probe.Status.RUNNING
    ).update(status=Probe.Status.INTERRUPTED, progress=INTERRUPTED, finished_at=at)
    never = Probe.objects.filter(status=Probe.Status.WAITING, asked_at__lt=at - NOBODY_TOOK).update(
        status=Probe.Status.INTERRUPTED, progress=NOT_TAKEN, finished_at=F("asked_at") + NOBODY_TOOK
    )
    return ended + never
