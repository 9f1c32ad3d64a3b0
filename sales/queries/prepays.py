"""Prepays that are open or of which something is due back, and what each waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q

from devices.models import Command
from sales.models import Prepay, PrepayChange
from station.models import Station

OPEN = (Prepay.Status.OPEN, Prepay.Status.FUELLING)


def open_prepays(*, station: Station, at: datetime, patience: int) -> list[dict[str, Any]]:
    """Open prepays and refunds due, oldest first, ready for the screen. At most three statements.

    `patience` is after how many seconds somebody may sign for a pump that does not answer.
    """
    changes = PrepayChange.objects.select_related("nozzle").order_by("-pk")
    rows = list(
        Prepay.objects.filter(station=station)
        .filter(Q(status__in=OPEN) | Q(refund_due__gt=0, refunded_at=None))
        .select_related("nozzle", "authorisation", "sale")
        .prefetch_related(Prefetch("changes", queryset=changes))
        .order_by("taken_at")
    )
    said = _said([one for one in rows if _waiting(one) is not None])
    return [_shown(one, at, patience, said.get(one.authorisation_id or 0, "")) for one in rows]


def _shown(one: Prepay, at: datetime, patience: int, said: str) -> dict[str, Any]:
    is_open = one.status in OPEN
    waiting = _waiting(one)
    last = next(iter(one.changes.all()), None)
    failed = is_open and last is not None and last.status == PrepayChange.Status.FAILED
    seconds = int((at - waiting.asked_at).total_seconds()) if waiting else 0
    return {
        "id": one.pk,
        "number": one.number,
        "nozzle": one.nozzle.number,
        "amount": str(one.amount),
        "status": one.get_status_display(),
        "open": is_open,
        "authorisation": one.authorisation.get_status_display() if one.authorisation else "",
        "sold": str(one.sale.list_amount) if one.sale else "",
        "off": str(one.sale.discount) if one.sale and one.sale.discount else "",
        "due": str(one.refund_due),
        "at": one.taken_at.isoformat(),
        "waits": _words(one, waiting, seconds, said) if waiting else "",
        "cancels": waiting is not None and waiting.kind == PrepayChange.Kind.CANCEL,
        "may_give_up": waiting is not None
        and waiting.kind == PrepayChange.Kind.CANCEL
        and seconds >= patience,
        "told": f"没有{last.get_kind_display()}：{last.answer}" if failed and last else "",
    }


def _waiting(one: Prepay) -> PrepayChange | None:
    last = next(iter(one.changes.all()), None)
    return last if last is not None and last.status == PrepayChange.Status.WAITING else None


def _words(one: Prepay, waiting: PrepayChange, seconds: int, said: str) -> str:
    """What is waited for, how long, and what the pump answered last."""
    then = "全额可退" if waiting.nozzle is None else f"授权 {waiting.nozzle.number} 号枪"
    pump = f"；加油机：{said}" if said else ""
    return f"等 {one.nozzle.number} 号枪确认没有加油，再{then}（已等 {seconds} 秒{pump}）"


def _said(waiting: list[Prepay]) -> dict[int, str]:
    """The last answer to a 取消授权 that did not succeed, by authorisation."""
    if not waiting:
        return {}
    rows = Command.objects.filter(
        authorisation__in=[one.authorisation_id for one in waiting], kind=Command.Kind.CANCEL
    ).order_by("pk")
    failed = {Command.Status.FAILED, Command.Status.VOID}
    return {one.authorisation_id or 0: one.answer for one in rows if one.status in failed}
