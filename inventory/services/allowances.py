"""Lay an allowance down for a station from a date on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from inventory.models import LossAllowance
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

MOST = Decimal(5)


@dataclass(frozen=True)
class Figure:
    """An allowance as it is typed; `percent` of the litres of its stage."""

    kind: str
    stage: str
    region: str
    season: str
    percent: Decimal
    source: str
    valid_from: date


@transaction.atomic
def lay_down(
    *, station: Station, figure: Figure, key: str, at: datetime, actor: User
) -> LossAllowance:
    """Record an allowance of a station. Sent twice it is one row.

    Refuses a figure below 0 % or above 5 %, and one without its source.
    """
    if not 0 <= figure.percent <= MOST:
        raise Refusal(f"定额应在 0 到 {MOST}% 之间，请核对是不是把 ‰ 当成了 %")
    if not figure.source.strip():
        raise Refusal("请写明依据：哪个标准、文件或站内规定")
    row, made = LossAllowance.objects.get_or_create(
        key=f"{station.pk}-{key}"[:40],
        defaults={
            **vars(figure),
            "source": figure.source.strip(),
            "station": station,
            "made_by": actor,
            "made_at": at,
        },
    )
    if made:
        audit.record(
            at=at,
            actor=actor,
            station=station,
            action="inventory.allowance.lay_down",
            document=f"{row.kind}-{row.stage}",
            reason=row.source,
            after={"定额": f"{row}", "自": f"{row.valid_from}"},
        )
    return row
