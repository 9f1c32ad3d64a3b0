"""What of the till can go wrong behind its back: receipts, uploads and things to work off."""

from __future__ import annotations

from datetime import datetime, timedelta

from sales.models import Discrepancy, Receipt
from sales.queries.uploads import uploads_waiting
from station.queries.health import Check, State

LATE = timedelta(minutes=2)


def checks(*, at: datetime) -> list[Check]:
    """Receipts that wait too long, offline sales not booked yet, and open discrepancies."""
    late = Receipt.objects.filter(status=Receipt.Status.WAITING, asked_at__lt=at - LATE).count()
    waiting = uploads_waiting().count()
    odd = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN).count()
    return [
        Check(
            "receipts",
            "小票打印",
            State.WARNING if late else State.OK,
            f"{late} 张小票等了两分钟以上，请检查打印机" if late else "没有积压",
            late,
        ),
        Check(
            "uploads",
            "断网补传",
            State.WARNING if waiting else State.OK,
            f"{waiting} 笔补传还没有入账（等开收银班，或在待处理里）" if waiting else "都已入账",
            waiting,
        ),
        Check("discrepancies", "待处理", State.OK, f"{odd} 条待处理" if odd else "没有待处理", odd),
    ]
