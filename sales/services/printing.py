"""打印: waiting receipts become ESC/POS bytes and go to a network, serial or file printer.

A receipt is a row written with its sale; a worker takes rows that no other worker holds. A printer
that does not answer costs the row a try and its error, never a sale. Text is GB18030, with FS & so
that the printer reads two bytes as one character, and is wrapped here by what it takes on paper.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime

import serial
import structlog
from django.db import transaction
from escpos.printer import Dummy

from devices.models import Printer
from devices.queries.ports import PAPERS, is_port, paper_file, paper_folder
from members.queries.tier_progress import tier_words
from sales.models import Receipt, Sale
from sales.queries.kiosk import orders as kiosk_orders
from sales.queries.kiosk import paper_of_order as paper_of_kiosk_order
from sales.queries.kiosk import printer_of_order as printer_of_kiosk_order
from sales.queries.receipts import Paper, paper_of, sale_for_paper, set_out
from sales.queries.reward_slips import order_for_paper, paper_of_order, printer_of_order
from sales.queries.shifts import shift_report
from sales.queries.slips import printer_of_shift, shift_of_document, slip_of, trial_paper
from sales.queries.topups import paper_of as paper_of_top_up
from sales.queries.topups import top_ups
from station.errors import Refusal
from station.models import User
from station.queries.trouble import said_of
from station.services import alerts, audit
from station.services.waking import wake

log = structlog.get_logger(__name__)
PRINT = "sales.tasks.print_receipts"
TRIES = 20
SECONDS = 2
CHINESE = b"\x1c\x26"  # FS &: two-byte characters from here on
GB18030 = "gb18030"


class NotPrintable(Refusal):
    """There is no such document, or no printer for it."""


class Misplaced(NotPrintable):
    """The printer's address is one that may not be written to; trying again would not help."""


def render(paper: Paper, *, columns: int, opens_drawer: bool) -> bytes:
    """The bytes of a receipt for an ESC/POS printer of so many columns."""
    printer = Dummy()
    printer.hw("INIT")
    if opens_drawer:
        printer.cashdraw(2)
    printer._raw(CHINESE)
    for row in paper.rows:
        printer.set(double_width=row.big, double_height=row.big, bold=row.big, custom_size=False)
        if row.big:
            printer._raw(b"\x1c\x21\x0c")  # FS !: Chinese double width and height
        for line in set_out(row, columns):
            printer._raw(line.encode(GB18030, errors="replace") + b"\n")
        if row.big:
            printer._raw(b"\x1c\x21\x00")
    printer.set(align="center")
    printer.qr(paper.code, native=True, size=6)
    printer.set(align="left")
    printer._raw(b"\n\n\n")
    printer.cut()
    return bytes(printer.output)


def send(printer: Printer, data: bytes) -> None:
    """Give bytes to a printer. Raises OSError (SerialException is one) when it does not take them."""
    _SENDERS[Printer.Kind(printer.kind)](printer.target, data)


def _to_network(target: str, data: bytes) -> None:
    host, _, port = target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as line:
        line.sendall(data)


def _to_serial(target: str, data: bytes) -> None:
    if not is_port(target):
        raise Misplaced("没有打印：打印机的串口写得不对，请在“打印机”里改成如 /dev/ttyS1。")
    with serial.serial_for_url(target, timeout=SECONDS, write_timeout=SECONDS) as line:
        line.write(data)
        line.flush()


def _to_file(target: str, data: bytes) -> None:
    path = paper_file(target)
    if path is None:  # typed before files had a folder of their own
        raise Misplaced(
            f"没有打印：文件打印只写在数据目录的 {PAPERS} 文件夹里，请在“打印机”里改成文件名。"
        )
    paper_folder().mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


_SENDERS: dict[Printer.Kind, Callable[[str, bytes], None]] = {
    Printer.Kind.NETWORK: _to_network,
    Printer.Kind.SERIAL: _to_serial,
    Printer.Kind.FILE: _to_file,
}


def print_waiting(*, at: datetime, limit: int = 50) -> int:
    """Print what waits, oldest first; how many came out. Rows another worker holds are passed by."""
    waiting = (
        Receipt.objects.filter(status=Receipt.Status.WAITING)
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(print_one(receipt_id=pk, at=at) for pk in list(waiting))


@transaction.atomic
def print_one(*, receipt_id: int, at: datetime) -> bool:
    """Print one waiting receipt; False when it failed (kept, with its error) or is not ours."""
    receipt = (
        Receipt.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("station", "printer__station", "asked_by")
        .filter(pk=receipt_id, status=Receipt.Status.WAITING)
        .first()
    )
    if receipt is None:
        return False
    receipt.attempts += 1
    try:
        printer, data = _data_of(receipt)
        receipt.printer = printer
        send(printer, data)
    except (OSError, NotPrintable, ValueError) as error:
        words = str(error) if isinstance(error, NotPrintable) else said_of(error)
        receipt.last_error = words[:200]
        log.warning("not_printed", document=receipt.document, error=str(error)[:200])
        if receipt.attempts >= TRIES or isinstance(error, NotPrintable):
            receipt.status = Receipt.Status.FAILED
        receipt.save(update_fields=["printer", "attempts", "last_error", "status"])
        _alarm(receipt, at, at_once=isinstance(error, Misplaced))
        return False
    receipt.status = Receipt.Status.PRINTED
    receipt.printed_at = at
    receipt.last_error = ""
    receipt.save(update_fields=["printer", "attempts", "last_error", "status", "printed_at"])
    alerts.clear_alert(station=receipt.station, key=f"printer:{printer.pk}", at=at)
    return True


def _data_of(receipt: Receipt) -> tuple[Printer, bytes]:
    printer, paper = _PAPERS[Receipt.Kind(receipt.kind)](receipt)
    opens = receipt.opens_drawer and printer.opens_drawer
    return printer, render(paper, columns=printer.columns, opens_drawer=opens)


def _of_sale(receipt: Receipt) -> tuple[Printer, Paper]:
    sale = sale_for_paper(document=receipt.document)
    if sale is None:
        raise NotPrintable(f"没有打印：找不到单据 {receipt.document}。")
    # A phone's till has no printer of its own: then the one that was chosen.
    printer = _asked_for(receipt) or printer_of(sale) or _in_use(receipt.printer)
    if printer is None:
        raise NotPrintable(f"没有打印：{sale.till.name} 没有在用的打印机。请在设备里设置。")
    words = _for_member(sale) if receipt.kind == Receipt.Kind.ORIGINAL else []
    return printer, paper_of(sale=sale, kind=receipt.kind, copy=receipt.copy, for_member=words)


def _for_member(sale: Sale) -> list[str]:
    """What the member should read at the foot of his own receipt."""
    if sale.member_id is None or sale.kind != Sale.Kind.SALE:
        return []
    return tier_words(member_id=sale.member_id, at=sale.occurred_at)


def _of_shift(receipt: Receipt) -> tuple[Printer, Paper]:
    shift = shift_of_document(document=receipt.document, station=receipt.station)
    if shift is None:
        raise NotPrintable(f"没有打印：找不到班次 {receipt.document}。")
    printer = _asked_for(receipt) or printer_of_shift(shift)
    if printer is None:
        raise NotPrintable("没有打印：站里没有在用的打印机。请在设备里设置。")
    told = shift_report(shift)
    return printer, slip_of(told=told, document=receipt.document, copy=receipt.copy)


def _of_reward(receipt: Receipt) -> tuple[Printer, Paper]:
    order = order_for_paper(document=receipt.document)
    if order is None:
        raise NotPrintable(f"没有打印：找不到兑换单 {receipt.document}。")
    printer = _asked_for(receipt) or printer_of_order(order)
    if printer is None:
        raise NotPrintable("没有打印：本台没有在用的打印机。请在设备里设置。")
    return printer, paper_of_order(order=order, copy=receipt.copy)


def _of_trial(receipt: Receipt) -> tuple[Printer, Paper]:
    printer = _asked_for(receipt)
    if printer is None:
        raise NotPrintable("没有试打：打印机已停用。请先在“打印机”里启用。")
    by = receipt.asked_by.name if receipt.asked_by else ""
    at = receipt.asked_at
    return printer, trial_paper(printer=printer, document=receipt.document, by=by, at=at)


def _of_top_up(receipt: Receipt) -> tuple[Printer, Paper]:
    top = top_ups().filter(number=receipt.document, station=receipt.station).first()
    if top is None:
        raise NotPrintable(f"没有打印：找不到充值单 {receipt.document}。")
    printers = Printer.objects.filter(till=top.session.till_id, active=True).order_by("pk")
    printer = _asked_for(receipt) or printers.first()
    if printer is None:
        raise NotPrintable(f"没有打印：{top.session.till.name} 没有在用的打印机。请在设备里设置。")
    return printer, paper_of_top_up(top=top)


def _of_kiosk(receipt: Receipt) -> tuple[Printer, Paper]:
    order = kiosk_orders().filter(number=receipt.document, station=receipt.station).first()
    if order is None:
        raise NotPrintable(f"没有打印：找不到自助充值单 {receipt.document}。")
    printer = _asked_for(receipt) or printer_of_kiosk_order(order)
    if printer is None:
        raise NotPrintable("没有打印：终端没有在用的打印机。请在“自助终端”里设置。")
    return printer, paper_of_kiosk_order(order=order)


_PAPERS: dict[Receipt.Kind, Callable[[Receipt], tuple[Printer, Paper]]] = {
    Receipt.Kind.ORIGINAL: _of_sale,
    Receipt.Kind.REPRINT: _of_sale,
    Receipt.Kind.SHIFT: _of_shift,
    Receipt.Kind.TRIAL: _of_trial,
    Receipt.Kind.TOPUP: _of_top_up,
    Receipt.Kind.REWARD: _of_reward,
    Receipt.Kind.KIOSK: _of_kiosk,
}


def _asked_for(receipt: Receipt) -> Printer | None:
    """The printer that was asked for, while it is in use. A sale's first receipt asks for none."""
    if receipt.kind == Receipt.Kind.ORIGINAL:
        return None  # what stands there is where it was tried; the till may have another by now
    return _in_use(receipt.printer)


def _in_use(printer: Printer | None) -> Printer | None:
    return printer if printer is not None and printer.active else None


def printer_of(sale: Sale) -> Printer | None:
    """The printer of the till at which the sale was made."""
    return Printer.objects.filter(till=sale.till_id, active=True).order_by("pk").first()


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
