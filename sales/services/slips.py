"""班结单、试打、重试: papers that somebody asks for; each is a waiting row for the worker.

The copy that was asked for is part of the row's key, so that a double click is one paper.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from devices.models import Printer
from sales.models import Receipt
from sales.queries.slips import printer_of_shift
from sales.services.papers import NotPrintable
from sales.services.printing import PRINT
from sales.services.shifts import document_of
from station.errors import Refusal
from station.models import Shift, TillSession, User
from station.services import audit
from station.services.waking import wake


class NotFailed(Refusal):
    """The receipt waits or is printed; there is nothing to try again."""


@transaction.atomic
def print_shift(*, shift: Shift, actor: User, at: datetime, copy: int | None = None) -> Receipt:
    """打印班结单 of a closed shift; every copy after the first says 补打. Audited.

    `copy` is the one the page offered: asked for twice, it is the same row. Refuses with
    NotPrintable while the shift is not closed, or where the station has no printer.
    """
    held = Shift.objects.select_for_update(of=("self",), no_key=True).get(pk=shift.pk)
    if held.status != Shift.Status.CLOSED:
        raise NotPrintable("没有打印班结单：本班还没有班结。请先完成班结签字。")
    document = document_of(shift)
    rows = Receipt.objects.filter(document=document, kind=Receipt.Kind.SHIFT)
    done = rows.filter(copy=copy).first() if copy else None
    if done is not None:
        return done
    receipt = _queue(shift, document, rows.count() + 1, actor, at)
    if receipt is None:
        raise NotPrintable("没有打印班结单：站里没有在用的打印机。可在屏幕上看班报，或用 A4 打印。")
    audit.record(
        at=at,
        actor=actor,
        station=shift.station,
        action="sales.shift.printed",
        document=document,
        after={"copy": receipt.copy},
    )
    return receipt


def print_at_close(*, shift: Shift, actor: User, at: datetime) -> None:
    """The first slip, asked for by the close itself where a printer exists. Never refuses."""
    _queue(shift, document_of(shift), 1, actor, at)


def _queue(shift: Shift, document: str, copy: int, actor: User, at: datetime) -> Receipt | None:
    printer = printer_of_shift(shift)
    if printer is None:
        return None
    receipt = Receipt.objects.create(
        station_id=shift.station_id,
        printer=printer,
        kind=Receipt.Kind.SHIFT,
        document=document,
        copy=copy,
        asked_by=actor,
        asked_at=at,
    )
    wake(PRINT)
    return receipt


def next_slip(shift: Shift) -> int:
    """Which copy of a shift's slip would be printed now."""
    rows = Receipt.objects.filter(document=document_of(shift), kind=Receipt.Kind.SHIFT)
    return rows.count() + 1


@transaction.atomic
def print_trial(*, printer: Printer, copy: int, actor: User, at: datetime) -> Receipt:
    """试打: a page that shows columns, Chinese and a code. Audited; the same copy twice is one row.

    Refuses with NotPrintable for a printer that is not in use.
    """
    held = (
        Printer.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station")
        .get(pk=printer.pk)
    )
    if not held.active:
        raise NotPrintable(f"没有试打：{held.name} 已停用。请先在“打印机”里启用。")
    document = trial_document(held)
    rows = Receipt.objects.filter(document=document, kind=Receipt.Kind.TRIAL)
    done = rows.filter(copy=copy).first()
    if done is not None:
        return done
    receipt = Receipt.objects.create(
        station_id=held.station_id,
        printer=held,
        kind=Receipt.Kind.TRIAL,
        document=document,
        copy=rows.count() + 1,
        asked_by=actor,
        asked_at=at,
    )
    audit.record(
        at=at,
        actor=actor,
        station=held.station,
        action="sales.printer.tried",
        document=document,
        after={"printer": held.name},
    )
    wake(PRINT)
    return receipt


@transaction.atomic
def open_drawer(*, session: TillSession, key: str, actor: User, at: datetime) -> Receipt:
    """开钱箱 without a sale: a row for the worker that only kicks. Audited. One key opens it once.

    It is void after `printing.DRAWER_SECONDS`: nobody wants a drawer that opens later. Refuses with
    NotPrintable where the till has no drawer.
    """
    printers = Printer.objects.filter(till=session.till_id, active=True, opens_drawer=True)
    printer = printers.order_by("pk").first()
    if printer is None:
        raise NotPrintable("钱箱没有打开：本台没有接钱箱的打印机。请用钥匙开，或在“打印机”里设置。")
    document = f"D-{session.pk}-{key}"
    receipt, new = Receipt.objects.get_or_create(
        document=document,
        kind=Receipt.Kind.DRAWER,
        copy=1,
        defaults={
            "station_id": session.station_id,
            "printer": printer,
            "opens_drawer": True,
            "asked_by": actor,
            "asked_at": at,
        },
    )
    if new:
        audit.record(
            at=at,
            actor=actor,
            station=session.station,
            action="sales.drawer.opened",
            document=document,
            after={"till": session.till.name, "printer": printer.name},
        )
        wake(PRINT)
    return receipt


def trial_document(printer: Printer) -> str:
    """The number under which a printer's test prints are kept: 站号-P and the printer."""
    return f"{printer.station.code}-P{printer.pk}"


@transaction.atomic
def retry(*, receipt: Receipt, actor: User, at: datetime) -> None:
    """重试: a failed receipt waits again. Audited. It no longer kicks the drawer: the sale is long paid.

    Refuses with NotFailed when it waits or came out meanwhile.
    """
    moved = Receipt.objects.filter(pk=receipt.pk, status=Receipt.Status.FAILED).update(
        status=Receipt.Status.WAITING, attempts=0, opens_drawer=False
    )
    if not moved:
        raise NotFailed(f"不用重试：{receipt.document} 已在排队或已打印，请刷新页面看结果。")
    audit.record(
        at=at,
        actor=actor,
        station=receipt.station,
        action="sales.receipt.retried",
        document=receipt.document,
        after={"kind": receipt.kind, "copy": receipt.copy},
    )
    wake(PRINT)
