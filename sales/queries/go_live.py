"""What the till needs before a station goes live."""

from __future__ import annotations

from datetime import datetime

from devices.models import Printer
from sales.models import Tender
from station.models import Station, Till
from station.queries.go_live import Finding

GROUP = "收银"


def findings(*, station: Station, at: datetime) -> list[Finding]:
    """Cash among the tenders, a printer and an enrolled key at every till."""
    cash = Tender.objects.filter(kind=Tender.Kind.CASH, active=True).exists()
    tills = Till.objects.filter(station=station, active=True).order_by("number")
    printers = set(
        Printer.objects.filter(station=station, active=True).values_list("till", flat=True)
    )
    found = [
        Finding(GROUP, "付款方式", cash, "没有在用的现金付款方式", "sales:tenders"),
    ]
    for till in tills:
        found.append(
            Finding(
                GROUP,
                f"{till.name}的打印机",
                till.pk in printers,
                "没有小票打印机，只能在屏幕上看小票",
                "devices:printers",
                optional=True,
            )
        )
        found.append(
            Finding(
                GROUP,
                f"{till.name}的设备密钥",
                bool(till.public_key),
                "没有登记密钥，断网时收的款不能补传",
                "sales:till",
                optional=True,
            )
        )
    return found
