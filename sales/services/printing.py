"""打印: waiting receipts become ESC/POS bytes and go to a network, serial or file printer.

A receipt is a row written with its sale; a worker takes one after the other, alone on its printer.
A printer that cannot print keeps its receipts waiting, never a sale. Before the first byte goes out
the row says so (`begun_at`): whatever breaks between that and the printer's own word that the paper
is out leaves a paper of which nobody knows how much came out. It is printed again and says on its
head that the one before is void: a double can be seen, a lost one cannot.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from devices.line import paper as wires
from devices.models import Printer, PrinterState
from devices.protocols import escpos
from devices.services import printers
from devices.services.printers import Misplaced
from sales.models import Receipt, Sale
from sales.queries.receipts import Paper, Row, set_out
from sales.services.papers import NotPrintable, paper_for, printer_of
from station.models import User
from station.queries.trouble import said_of
from station.services import alerts, audit
from station.services.waking import wake

log = structlog.get_logger(__name__)
PRINT = "sales.tasks.print_receipts"
TRIES = 20
DRAWER_SECONDS = 15  # a drawer that springs open later than that surprises somebody
AGAIN = (
    Row("＊＊ 重打 ＊＊", centre=True),
    Row("前一张没有打完，请作废，以本张为准", centre=True),
)


def render(paper: Paper, *, columns: int, kick: bytes = b"") -> bytes:
    """The bytes of a receipt for an ESC/POS printer of so many columns; `kick` opens the drawer."""
    out = [escpos.INIT, kick, escpos.CHINESE]
    for row in paper.rows:
        said = Row(
            escpos.printable(row.left), escpos.printable(row.right), row.big, row.centre, row.rule
        )
        lines = [escpos.line(text) for text in set_out(said, columns)]
        out += [escpos.BIG, *lines, escpos.PLAIN] if row.big else lines
    out += [escpos.CENTRE, escpos.qr(paper.code), escpos.LEFT, b"\n\n\n", escpos.CUT]
    return b"".join(out)


def print_waiting(*, at: datetime, limit: int = 50) -> int:
    """Print what waits, oldest first; how many came out. Goes on until nothing new has come."""
    tried: set[int] = set()
    printed = 0
    while True:
        waiting = Receipt.objects.filter(status=Receipt.Status.WAITING).exclude(pk__in=tried)
        batch = list(waiting.order_by("pk").values_list("pk", flat=True)[:limit])
        if not batch:
            return printed
        printed += sum(print_one(receipt_id=pk, at=at) for pk in batch)
        tried.update(batch)


def print_one(*, receipt_id: int, at: datetime) -> bool:
    """Print one waiting receipt; False when it waits on, failed, or is not ours.

    Not one transaction: that the paper was begun must stand whatever becomes of this process.
    """
    receipt = _waiting(receipt_id)
    if receipt is None:
        return False
    try:
        printer, paper = paper_for(receipt)
    except NotPrintable as refusal:
        return _failed(receipt, str(refusal), at, final=True)
    with printers.holding(printer, patience=printers.PATIENCE) as mine:
        receipt = _waiting(receipt_id) if mine else None
        if receipt is None:
            return False  # printed by whoever held the printer before, or still waiting for it
        receipt.printer = printer
        return _print_held(receipt, printer, paper, at)


def _waiting(receipt_id: int) -> Receipt | None:
    return (
        Receipt.objects.select_related("station", "printer__station", "asked_by")
        .filter(pk=receipt_id, status=Receipt.Status.WAITING)
        .first()
    )


def _print_held(receipt: Receipt, printer: Printer, paper: Paper | None, at: datetime) -> bool:
    """With the printer in hand: open it, ask it, print."""
    if receipt.kind == Receipt.Kind.DRAWER and _too_late(receipt, at):
        return _failed(receipt, "钱箱没有打开：打印机一直没有空，请再按一次。", at, final=True)
    try:
        wire = printers.open_paper(printer)
    except Misplaced as refusal:
        return _failed(receipt, str(refusal), at, final=True, loud=True)
    except (OSError, ValueError) as error:
        return _away(receipt, printer, error, at)
    with wires.opened(wire):
        return _on(wire, receipt, printer, paper, at)


def _too_late(receipt: Receipt, at: datetime) -> bool:
    return at - receipt.asked_at > timedelta(seconds=DRAWER_SECONDS)


def _on(
    wire: wires.Paper, receipt: Receipt, printer: Printer, paper: Paper | None, at: datetime
) -> bool:
    """On an open wire: the printer's word before, the paper, its word after."""
    known = printers.state_of(printer)
    again = receipt.begun_at is not None
    opens = printer.opens_drawer and receipt.opens_drawer and not again
    try:
        before = _ask(wire, printer, known, at)
        if not before.prints:
            return _stuck(wire, receipt, printer, before, opens, at)
        data = _data(printer, paper, opens=opens, again=again)
    except (OSError, ValueError) as error:
        return _away(receipt, printer, error, at)
    _begin(receipt, again, at)
    try:
        wire.send(data)
        confirms = known.confirms if known else True
        told = confirms and before.condition != PrinterState.Condition.MUTE and wires.is_done(wire)
        after = before if told else _ask(wire, printer, printers.state_of(printer), at)
    except OSError as error:
        printers.note(printer=printer, now_seen=_offline(error), at=at)
        return _failed(receipt, f"打到一半断了：{said_of(error)}", at)
    if not after.prints:
        return _waits(receipt, f"打到一半{printers.WORDS[after.condition]}", at)
    if confirms and not told and after.condition != PrinterState.Condition.MUTE:
        # It stands well and never says that it is done: a model that has no GS r.
        PrinterState.objects.filter(printer=printer).update(confirms=False)
    return _printed(receipt, at)


def _ask(
    wire: wires.Paper, printer: Printer, known: PrinterState | None, at: datetime
) -> printers.Seen:
    if printer.kind == Printer.Kind.FILE:
        return printers.Seen(PrinterState.Condition.MUTE)
    found = printers.seen(wire, known)
    printers.note(printer=printer, now_seen=found, at=at)
    return found


def _data(printer: Printer, paper: Paper | None, *, opens: bool, again: bool) -> bytes:
    kick = escpos.kick(printer.drawer_pin, printer.drawer_times) if opens else b""
    if paper is None:
        return escpos.INIT + kick
    rows = (*AGAIN, *paper.rows) if again else paper.rows
    return render(Paper(rows, paper.code), columns=printer.columns, kick=kick)


def _begin(receipt: Receipt, again: bool, at: datetime) -> None:
    Receipt.objects.filter(pk=receipt.pk).update(
        begun_at=at, printer=receipt.printer, interrupted=F("interrupted") + int(again)
    )


def _printed(receipt: Receipt, at: datetime) -> bool:
    Receipt.objects.filter(pk=receipt.pk).update(
        status=Receipt.Status.PRINTED,
        printed_at=at,
        printer=receipt.printer,
        attempts=F("attempts") + 1,
        last_error="",
    )
    alerts.clear_alert(station=receipt.station, key=f"printer:{receipt.printer_id}", at=at)
    return True


def _stuck(
    wire: wires.Paper,
    receipt: Receipt,
    printer: Printer,
    found: printers.Seen,
    opens: bool,
    at: datetime,
) -> bool:
    """No paper comes out now; the drawer opens all the same, since the change is in it."""
    if opens:
        wire.send(escpos.kick_now(printer.drawer_pin, printer.drawer_times))
        Receipt.objects.filter(pk=receipt.pk).update(opens_drawer=False)
        if receipt.kind == Receipt.Kind.DRAWER:
            return _printed(receipt, at)
    return _waits(receipt, printers.WORDS[found.condition], at)


def _waits(receipt: Receipt, words: str, at: datetime) -> bool:
    """The printer says itself what it lacks: the receipt waits as long as that takes."""
    Receipt.objects.filter(pk=receipt.pk).update(printer=receipt.printer, last_error=words[:200])
    log.info("waits_for_printer", document=receipt.document, why=words)
    return False


def _away(receipt: Receipt, printer: Printer, error: Exception, at: datetime) -> bool:
    """Nothing was sent. A printer that is watched is waited for; a file's folder is not."""
    if printer.kind == Printer.Kind.FILE:
        return _failed(receipt, said_of(error), at)
    printers.note(printer=printer, now_seen=_offline(error), at=at)
    return _waits(receipt, said_of(error), at)


def _offline(error: Exception) -> printers.Seen:
    return printers.Seen(PrinterState.Condition.OFFLINE, said_of(error))


def _failed(
    receipt: Receipt, words: str, at: datetime, *, final: bool = False, loud: bool = False
) -> bool:
    """One try more; after many, or where another would not help, it waits for a person."""
    receipt.attempts += 1
    receipt.last_error = words[:200]
    log.warning("not_printed", document=receipt.document, error=words[:200])
    if receipt.attempts >= TRIES or final:
        receipt.status = Receipt.Status.FAILED
    receipt.save(update_fields=["printer", "attempts", "last_error", "status"])
    _alarm(receipt, at, at_once=loud)
    return False


def _alarm(receipt: Receipt, at: datetime, *, at_once: bool) -> None:
    """Say once that a printer does not answer."""
    if receipt.attempts not in (3, TRIES) and not at_once:
        return
    printer = receipt.printer
    if printer is not None:
        alerts.raise_alert(
            station=receipt.station,
            key=f"printer:{printer.pk}",
            kind="printer",
            level="WARNING",
            text=f"{printer.name} 打印失败，请检查电源、纸和接线。小票都留着，修好后会补出来。",
            url="/devices/status/",
            at=at,
        )


@transaction.atomic
def reprint(
    *,
    sale: Sale,
    actor: User,
    at: datetime,
    printer: Printer | None = None,
    copy: int | None = None,
) -> Receipt:
    """补打: one more copy, marked and numbered. Audited. Refuses where there is no printer.

    `copy` is the one the page offered: asked for twice, it is the same paper.
    """
    where = printer or printer_of(sale)
    if where is None:
        raise NotPrintable(f"没有补打：{sale.till.name} 没有在用的打印机。可在屏幕上看小票。")
    Sale.objects.select_for_update(of=("self",), no_key=True).get(pk=sale.pk)
    rows = Receipt.objects.filter(document=sale.number, kind=Receipt.Kind.REPRINT)
    done = rows.filter(copy=copy).first() if copy else None
    if done is not None:
        return done
    receipt = Receipt.objects.create(
        station_id=sale.station_id,
        printer=where,
        kind=Receipt.Kind.REPRINT,
        document=sale.number,
        copy=rows.count() + 1,
        asked_by=actor,
        asked_at=at,
    )
    audit.record(
        at=at,
        actor=actor,
        station=sale.station,
        action="sales.reprint",
        document=sale.number,
        after={"copy": receipt.copy},
    )
    wake(PRINT)
    return receipt
