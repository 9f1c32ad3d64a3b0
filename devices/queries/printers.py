"""How printers stand, in a word and a colour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from devices.models import Printer, PrinterState
from station.models import Station, Till
from station.queries.columns import Tone

LATE = timedelta(seconds=30)  # asked every three seconds
Is = PrinterState.Condition
TONES: dict[PrinterState.Condition, Tone] = {
    Is.READY: "good",
    Is.NEAR_END: "wait",
    Is.MUTE: "off",
    Is.PAPER_END: "bad",
    Is.COVER_OPEN: "bad",
    Is.ERROR: "bad",
    Is.OFFLINE: "bad",
}
STUCK = frozenset({Is.PAPER_END, Is.COVER_OPEN, Is.ERROR, Is.OFFLINE})


@dataclass(frozen=True)
class Light:
    """A printer's status light."""

    tone: Tone
    word: str
    error: str = ""
    since: datetime | None = None
    checked_at: datetime | None = None


def printer_light(printer: Printer, at: datetime | None = None) -> Light:
    """The light of a printer loaded with its state; `at` finds one that nobody asks any more."""
    if not printer.active:
        return Light("off", "停用")
    if printer.kind == Printer.Kind.FILE:
        return Light("off", "文件，没有状态")
    state: PrinterState | None = getattr(printer, "state", None)
    if state is None:
        return Light("wait", "还没有询问过")
    if at is not None and state.checked_at < at - LATE:
        return Light("bad", "没有人询问，后台任务未运行", "", state.since, state.checked_at)
    condition = Is(state.condition)
    return Light(TONES[condition], condition.label, state.error, state.since, state.checked_at)


def printers(*, station: Station) -> QuerySet[Printer]:
    """Printers in use by name, with their states."""
    return (
        Printer.objects.filter(station=station, active=True)
        .select_related("till", "state")
        .order_by("name")
    )


def has_drawer(till: Till) -> bool:
    """Whether a printer of the till opens a drawer."""
    return Printer.objects.filter(till=till, active=True, opens_drawer=True).exists()


def stuck_word(condition: str) -> str:
    """What keeps a printer from printing, in a word; "" where nothing does."""
    return Is(condition).label if condition in STUCK else ""
