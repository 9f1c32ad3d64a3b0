"""Which paper a waiting receipt is, and on which printer it comes out."""

from __future__ import annotations

from collections.abc import Callable

from devices.models import Printer
from members.queries.tier_progress import tier_words
from sales.models import Receipt, Sale
from sales.queries.kiosk import orders as kiosk_orders
from sales.queries.kiosk import paper_of_order as paper_of_kiosk_order
from sales.queries.kiosk import printer_of_order as printer_of_kiosk_order
from sales.queries.receipts import Paper, paper_of, sale_for_paper
from sales.queries.reward_slips import order_for_paper, paper_of_order, printer_of_order
from sales.queries.shifts import shift_report
from sales.queries.slips import printer_of_shift, shift_of_document, slip_of, trial_paper
from sales.queries.topups import paper_of as paper_of_top_up
from sales.queries.topups import top_ups
from station.errors import Refusal


class NotPrintable(Refusal):
    """There is no such document, or no printer for it."""


def paper_for(receipt: Receipt) -> tuple[Printer, Paper | None]:
    """The printer in use and the paper of a receipt; no paper where only the drawer opens.

    Refuses NotPrintable what has no printer, or is no document.
    """
    return _PAPERS[Receipt.Kind(receipt.kind)](receipt)


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


def _of_drawer(receipt: Receipt) -> tuple[Printer, Paper | None]:
    printer = _asked_for(receipt)
    if printer is None or not printer.opens_drawer:
        raise NotPrintable("钱箱没有打开：打印机已停用，或没有接钱箱。请在“打印机”里核对。")
    return printer, None


def _of_kiosk(receipt: Receipt) -> tuple[Printer, Paper]:
    order = kiosk_orders().filter(number=receipt.document, station=receipt.station).first()
    if order is None:
        raise NotPrintable(f"没有打印：找不到自助充值单 {receipt.document}。")
    printer = _asked_for(receipt) or printer_of_kiosk_order(order)
    if printer is None:
        raise NotPrintable("没有打印：终端没有在用的打印机。请在“自助终端”里设置。")
    return printer, paper_of_kiosk_order(order=order)


_PAPERS: dict[Receipt.Kind, Callable[[Receipt], tuple[Printer, Paper | None]]] = {
    Receipt.Kind.ORIGINAL: _of_sale,
    Receipt.Kind.REPRINT: _of_sale,
    Receipt.Kind.SHIFT: _of_shift,
    Receipt.Kind.TRIAL: _of_trial,
    Receipt.Kind.TOPUP: _of_top_up,
    Receipt.Kind.REWARD: _of_reward,
    Receipt.Kind.KIOSK: _of_kiosk,
    Receipt.Kind.DRAWER: _of_drawer,
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
