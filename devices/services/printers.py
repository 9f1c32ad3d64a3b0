"""Printers: one hand at a time on each, what it says of itself, and the alarms that follow.

Workers drive printers. Whoever prints or asks holds the printer's advisory lock, so that no two
processes speak to one and whoever was killed lets go. `watch` asks all that nobody holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from devices.line import paper as wires
from devices.line.paper import Paper
from devices.models import Alarm, Printer, PrinterState
from devices.protocols import escpos
from devices.queries.ports import PAPERS, is_port, paper_file, paper_folder
from devices.queries.printers import STUCK
from devices.services import alarms
from station.errors import Refusal
from station.queries.trouble import said_of

LOCK_SPACE = 7102  # of pg_advisory_lock; never reuse or renumber
PATIENCE = 8.0  # seconds that a paper waits for the one before it
NAP = 0.05
AT_ONCE = 8  # printers asked side by side, so that a dead one delays no other

Is = PrinterState.Condition
WORDS = {
    Is.PAPER_END: "缺纸，请换一卷纸",
    Is.COVER_OPEN: "机盖没有合上，请合上",
    Is.ERROR: "报告故障（切刀或过热），请关机检查后再开",
    Is.OFFLINE: "没有应答，请检查电源和接线",
}
_TROUBLE = (OSError, ValueError)


class Misplaced(Refusal):
    """The printer's address is one that may not be written to; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a printer stands, and the technical word for it."""

    condition: PrinterState.Condition
    error: str = ""

    @property
    def prints(self) -> bool:
        return self.condition not in STUCK


@contextmanager
def holding(printer: Printer, *, patience: float = 0.0) -> Iterator[bool]:
    """Hold a printer; False where somebody else does, and goes on for longer than `patience`."""
    until = time.monotonic() + patience
    while not (held := _lock(printer, "pg_try_advisory_lock")):
        if time.monotonic() >= until:
            break
        time.sleep(NAP)
    try:
        yield held
    finally:
        if held:
            _lock(printer, "pg_advisory_unlock")


def _lock(printer: Printer, how: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, %s)", [LOCK_SPACE, printer.pk])
        return bool(cursor.fetchone()[0])


def open_paper(printer: Printer) -> Paper:
    """The printer's wire. Raises OSError, ValueError, and refuses Misplaced what may not be opened."""
    if settings.PRACTICE and printer.kind != Printer.Kind.FILE:
        raise Misplaced("没有打印：练习站只打印成文件，不碰真的打印机。")
    if printer.kind == Printer.Kind.NETWORK:
        return wires.NetworkPaper(printer.target)
    if printer.kind == Printer.Kind.SERIAL:
        if not is_port(printer.target):
            raise Misplaced("没有打印：打印机的串口写得不对，请在“打印机”里改成如 /dev/ttyS1。")
        return wires.serial_paper(printer.target, printer.baud)
    path = paper_file(printer.target)
    if path is None:  # typed before files had a folder of their own
        raise Misplaced(
            f"没有打印：文件打印只写在数据目录的 {PAPERS} 文件夹里，请在“打印机”里改成文件名。"
        )
    paper_folder().mkdir(parents=True, exist_ok=True)
    return wires.FilePaper(path)


def state_of(printer: Printer) -> PrinterState | None:
    """What is known of a printer."""
    return PrinterState.objects.filter(printer=printer).first()


def seen(paper: Paper, known: PrinterState | None) -> Seen:
    """How an open printer stands. Raises OSError.

    One that never answered is taken for a model that cannot, and printed on blind; one that did
    answer and is silent now is away.
    """
    found = wires.look(paper)
    if found is None:
        return Seen(Is.OFFLINE, "不回应状态询问") if known and known.answers else Seen(Is.MUTE)
    return Seen(_worst(found))


def _worst(found: escpos.Condition) -> PrinterState.Condition:
    """Cover and paper make a printer 'offline' too: the cause stands before the effect."""
    if found.cover_open:
        return Is.COVER_OPEN
    if found.paper_end:
        return Is.PAPER_END
    if found.error:
        return Is.ERROR
    if found.offline:
        return Is.OFFLINE
    return Is.NEAR_END if found.near_end else Is.READY


@transaction.atomic
def note(*, printer: Printer, now_seen: Seen, at: datetime) -> bool:
    """Keep how a printer stands, raise and clear its alarms; True where it prints again."""
    held = PrinterState.objects.select_for_update().filter(printer=printer).first()
    condition = now_seen.condition
    before = held.condition if held else None
    answers = condition not in (Is.MUTE, Is.OFFLINE)
    PrinterState.objects.update_or_create(
        printer=printer,
        defaults={
            "condition": condition,
            "since": held.since if held and before == condition else at,
            "checked_at": at,
            "answers": answers or bool(held and held.answers),
            "error": now_seen.error[:200],
        },
    )
    if before != condition:
        _alarm(printer, condition, at)
    return before in STUCK and now_seen.prints


def _alarm(printer: Printer, condition: PrinterState.Condition, at: datetime) -> None:
    wanted = None
    if condition in STUCK:
        wanted = Alarm.Kind.PAPER if condition == Is.PAPER_END else Alarm.Kind.PRINTER
    for kind in (Alarm.Kind.PAPER, Alarm.Kind.PRINTER):
        if kind != wanted:
            alarms.clear_alarm(station=printer.station, kind=kind, subject=printer.name, at=at)
    if wanted is not None:
        alarms.raise_alarm(
            station=printer.station,
            kind=wanted,
            subject=printer.name,
            text=f"{printer.name}{WORDS[condition]}。小票都留着，好了会自动补出来。",
            at=at,
        )


def watch(*, at: datetime) -> bool:
    """Ask every printer in use that nobody prints on; True where one of them prints again.

    Never refuses. A printer that was put out of use has no alarm left.
    """
    watched = (
        Printer.objects.filter(station__active=True, active=True)
        .exclude(kind=Printer.Kind.FILE)
        .select_related("station", "state")
        .order_by("pk")
    )
    free = [printer for printer in watched if _lock(printer, "pg_try_advisory_lock")]
    try:
        found = _ask_all(free)
        recovered = [
            note(printer=printer, now_seen=one, at=at)
            for printer, one in zip(free, found, strict=True)
        ]
    finally:
        for printer in free:
            _lock(printer, "pg_advisory_unlock")
    return any(recovered)


def _ask_all(printers: Sequence[Printer]) -> list[Seen]:
    """No thread of these touches the database: what is known came with the printers."""
    if not printers:
        return []
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(printers))) as pool:
        return list(pool.map(_ask, printers))


def _ask(printer: Printer) -> Seen:
    try:
        with wires.opened(open_paper(printer)) as paper:
            return seen(paper, getattr(printer, "state", None))
    except Misplaced as refusal:
        return Seen(Is.OFFLINE, str(refusal))
    except _TROUBLE as error:
        return Seen(Is.OFFLINE, said_of(error))


@transaction.atomic
def forget(*, printer: Printer, at: datetime) -> None:
    """Another machine may stand there now, or none: what the old one could do is forgotten."""
    PrinterState.objects.filter(printer=printer).delete()
    for kind in (Alarm.Kind.PAPER, Alarm.Kind.PRINTER):
        alarms.clear_alarm(station=printer.station, kind=kind, subject=printer.name, at=at)
