"""Past probes and what they found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from devices.line.probe.findings import OF_A_TANK
from devices.line.replaying import CONDITIONS
from devices.models import Line, Probe
from devices.protocols.base import Condition
from devices.queries.frames import DIRECTIONS, FrameLine
from station.models import Station

QUIET = timedelta(seconds=10)  # a poller that works tells every second
TONES = {
    Probe.Status.FOUND: "good",
    Probe.Status.WAITING: "wait",
    Probe.Status.RUNNING: "info",
    Probe.Status.SILENT: "bad",
    Probe.Status.OCCUPIED: "bad",
    Probe.Status.FAILED: "bad",
    Probe.Status.INTERRUPTED: "bad",
    Probe.Status.CANCELLED: "off",
}


@dataclass(frozen=True)
class Proposed:
    """Where the proposal leads: the values of the line's form, of each dispenser's and tank's."""

    line: dict[str, Any]
    row: Line | None  # the line that has this port already
    dispensers: list[dict[str, Any]]
    tanks: list[dict[str, Any]]


def probes_of(station: Station) -> QuerySet[Probe]:
    """The probes of a station, without what passed."""
    return Probe.objects.filter(station=station).select_related("actor").defer("frames")


def silent_poller(probe: Probe, *, at: datetime) -> bool:
    """True where whoever does it has said nothing for a while."""
    last = probe.told_at or probe.asked_at
    return probe.live and at - last > QUIET


def passed(probe: Probe) -> list[FrameLine]:
    """What passed, newest last."""
    return [
        FrameLine(
            datetime.fromtimestamp(one["at_ms"] / 1000, UTC),
            one["at_ms"] % 1000,
            DIRECTIONS[one["direction"]],
            one["hex"],
            one["words"],
        )
        for one in probe.frames
    ]


def heads(probe: Probe) -> list[dict[str, Any]]:
    """The dispensers found, their states in words."""
    return [
        {**one, "state_words": CONDITIONS.get(Condition(one["state"])) if one["state"] else "未知"}
        for one in probe.findings.get("dispensers", [])
    ]


def said(probe: Probe) -> list[str]:
    """What came of it in words; the tanks have a table of their own."""
    words: list[str] = probe.findings.get("words", [])
    return [one for one in words if not one.startswith(OF_A_TANK)]


def proposed(probe: Probe) -> Proposed | None:
    """What to set; nothing where nothing was found."""
    said = probe.findings.get("proposal")
    if not said:
        return None
    row = (
        Line.objects.filter(station=probe.station, url=probe.url).order_by("-active", "pk").first()
    )
    known = set(row.gauged.values_list("number", flat=True)) if row else set()
    tanks = [one for one in said.get("tanks", []) if one["number"] not in known]
    return Proposed(said["line"], row, said["dispensers"], tanks)


def line_that_polls(url: str, *, at: datetime) -> Line | None:
    """The line in use at a port that a poller keeps open right now."""
    return Line.objects.filter(
        url=url, active=True, state__is_open=True, state__written_at__gte=at - QUIET
    ).first()
