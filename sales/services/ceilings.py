"""最高零售价: what was published for a price zone, typed with its notice or read from a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime

from station.errors import Refusal
from station.models import Alert, Grade, PriceCeiling, PriceChange, PriceLine, Station, User
from station.money import FEN, Yuan
from station.queries.prices import prices_at
from station.services import alerts, audit


class CeilingRefused(Refusal):
    """The published ceiling cannot be what was typed."""


@dataclass(frozen=True)
class Published:
    """One line of a notice: from an instant on, a grade in a zone costs at most so much."""

    zone: str
    grade: Grade
    ceiling: Yuan
    effective_at: datetime
    notice: str


@transaction.atomic
def publish(
    *, lines: Sequence[Published], station: Station, actor: User, at: datetime
) -> tuple[int, int]:
    """Take down published ceilings (元/升); the numbers of new and of corrected lines.

    The same line twice is the same as once. Refuses with CeilingRefused odd figures and a line
    without its notice; takes all lines or none. A price planned or in force above a new ceiling
    raises an alert.
    """
    if not lines:
        raise CeilingRefused("最高零售价未保存：没有一行价格")
    added = corrected = 0
    for line in lines:
        _check(line)
        known = PriceCeiling.objects.filter(
            zone=line.zone, grade=line.grade, effective_at=line.effective_at
        ).first()
        if known is None:
            PriceCeiling.objects.create(
                zone=line.zone,
                grade=line.grade,
                ceiling=line.ceiling,
                effective_at=line.effective_at,
                notice=line.notice,
            )
            added += 1
        elif known.ceiling != line.ceiling or known.notice != line.notice:
            PriceCeiling.objects.filter(pk=known.pk).update(
                ceiling=line.ceiling, notice=line.notice
            )
            corrected += 1
        else:
            continue
        audit.record(
            at=at,
            actor=actor,
            action="sales.ceiling.published",
            station=station,
            document=f"{line.zone} {line.grade}",
            reason=line.notice,
            before={"ceiling": str(known.ceiling)} if known else None,
            after={"ceiling": str(line.ceiling), "since": line.effective_at.isoformat()},
        )
    for zone in {line.zone for line in lines}:
        for there in Station.objects.filter(price_zone=zone, active=True):
            _compare(there, at)
    return added, corrected


def _check(line: Published) -> None:
    if not line.notice.strip():
        raise CeilingRefused("最高零售价未保存：请写明文件或公告，检查时要拿得出来")
    if not 0 < line.ceiling < 100 or line.ceiling != line.ceiling.quantize(FEN):
        raise CeilingRefused(
            f"最高零售价未保存：{line.grade} {line.ceiling} 元/升不是两位小数的价格"
        )


def _compare(station: Station, at: datetime) -> None:
    """Alert where what is posted, or planned, stands above what was published."""
    over = [*_posted_above(station, at), *_planned_above(station)]
    key = f"ceiling:{station.pk}"
    if over:
        alerts.raise_alert(
            station=station,
            key=key,
            kind="sales.ceiling",
            level=Alert.Level.CRITICAL,
            text="高于最高零售价：" + "；".join(over),
            at=at,
            url=reverse("sales:prices"),
        )
    else:
        alerts.clear_alert(station=station, key=key, at=at)


def _posted_above(station: Station, at: datetime) -> list[str]:
    found = []
    posted = prices_at(station=station, at=at)
    for ceiling in (
        PriceCeiling.objects.filter(zone=station.price_zone, grade__in=posted)
        .select_related("grade")
        .order_by("grade_id", "effective_at")
    ):
        price = posted[ceiling.grade_id]
        later = ceiling.effective_at > at
        if price > ceiling.ceiling and (later or _holds(station, ceiling, at)):
            since = localtime(ceiling.effective_at)
            found.append(
                f"{ceiling.grade} 在用价 {price}，{since:%m-%d %H:%M} 起最高 {ceiling.ceiling}"
            )
    return found


def _holds(station: Station, ceiling: PriceCeiling, at: datetime) -> bool:
    newest = (
        PriceCeiling.objects.filter(
            zone=station.price_zone, grade=ceiling.grade_id, effective_at__lte=at
        )
        .order_by("-effective_at")
        .values_list("pk", flat=True)
        .first()
    )
    return newest == ceiling.pk


def _planned_above(station: Station) -> list[str]:
    planned = PriceLine.objects.filter(
        change__station=station,
        change__status__in=[PriceChange.Status.PLANNED, PriceChange.Status.APPROVED],
    ).select_related("change", "grade")
    found = []
    for line in planned:
        ceiling = (
            PriceCeiling.objects.filter(
                zone=station.price_zone,
                grade=line.grade,
                effective_at__lte=line.change.effective_at,
            )
            .order_by("-effective_at")
            .first()
        )
        if ceiling is not None and line.price > ceiling.ceiling:
            found.append(
                f"{line.change.number} 的 {line.grade} {line.price} 高于 {ceiling.ceiling}"
            )
    return found
