"""罐容表: put a table into use, typed, imported or generated from the tank's measures.

A horizontal cylinder of radius R and length L with two ellipsoidal heads of depth a:
A(h) = R²·acos((R−h)/R) − (R−h)·√(2Rh − h²); V = L·A(h) + π·a·h²·(3R−h)/(3R).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from zipfile import BadZipFile

from django.db import transaction
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from station.errors import Refusal
from station.models import StrappingPoint, StrappingTable, Tank, User
from station.money import Litres, round_litres
from station.services import audit

Points = Sequence[tuple[int, Litres]]
DECILITRE = Decimal("0.1")


class BadTable(Refusal):
    """The marks are no strapping table."""


@transaction.atomic
def put_into_use(
    *,
    tank: Tank,
    points: Points,
    source: str,
    at: datetime,
    actor: User,
    certificate_no: str = "",
    certificate_expires_on: date | None = None,
) -> StrappingTable:
    """Replace a tank's table. Heights in mm, volumes in litres; the old table stays as it was.

    Refuses fewer than two marks, marks that do not rise in both columns, a first mark above zero
    litres' height of 100 mm, and a top further than 5 % from the tank's capacity.
    """
    check(points, tank.capacity_l)
    StrappingTable.objects.select_for_update().filter(tank=tank, replaced_at=None).update(
        replaced_at=at
    )
    table = StrappingTable.objects.create(
        tank=tank,
        source=source,
        certificate_no=certificate_no,
        certificate_expires_on=certificate_expires_on,
        in_use_from=at,
        checksum=checksum(points),
    )
    StrappingPoint.objects.bulk_create(
        [StrappingPoint(table=table, height_mm=height, litres=litres) for height, litres in points]
    )
    audit.record(
        at=at,
        actor=actor,
        station=tank.station,
        action="station.strapping.replaced",
        document=f"tank:{tank.station.code}-{tank.number}",
        after={
            "来源": source,
            "点数": len(points),
            "证书": certificate_no,
            "校验值": table.checksum,
        },
    )
    return table


def check(points: Points, capacity: Litres) -> None:
    """Refuse marks that cannot be this tank's."""
    if len(points) < 2:
        raise BadTable("罐容表至少要有两个高度点")
    for (low, less), (high, more) in pairwise(points):
        if high <= low or more <= less:
            raise BadTable(f"罐容表必须逐点上升：{low} mm 与 {high} mm 之间不合规，请核对")
    if points[0][0] > 100:
        raise BadTable(f"罐容表应从罐底附近开始，现在第一点是 {points[0][0]} mm")
    top = points[-1][1]
    if abs(top - capacity) > capacity * Decimal("0.05"):
        raise BadTable(
            f"罐容表最高一点 {top:.0f} 升与罐容量 {capacity:.0f} 升相差超过 5%，请核对是否拿错了表"
        )


def checksum(points: Points) -> str:
    """SHA-256 of the marks: a table that was altered by hand no longer has it."""
    text = "\n".join(f"{height}:{litres:.3f}" for height, litres in points)
    return hashlib.sha256(text.encode()).hexdigest()


def cylinder(
    *, diameter_mm: int, length_mm: int, head_mm: int = 0, step_mm: int = 10
) -> list[tuple[int, Litres]]:
    """The table of a horizontal cylinder, rounded to 0.1 L, a mark every `step_mm`."""
    heights = [*range(0, diameter_mm, step_mm), diameter_mm]
    return [
        (height, _cylinder_litres(height, diameter_mm, length_mm, head_mm)) for height in heights
    ]


def _cylinder_litres(height_mm: int, diameter_mm: int, length_mm: int, head_mm: int) -> Litres:
    radius, height, length, head = (
        diameter_mm / 2000,
        height_mm / 1000,
        length_mm / 1000,
        head_mm / 1000,
    )
    below = radius - height
    area = radius**2 * math.acos(max(-1.0, min(1.0, below / radius)))
    area -= below * math.sqrt(max(2 * radius * height - height**2, 0.0))
    heads = math.pi * head * height**2 * (3 * radius - height) / (3 * radius)
    cubic_metres = length * area + heads
    return round_litres(Decimal(f"{cubic_metres * 1000:.6f}").quantize(DECILITRE))


def parse(text: str) -> list[tuple[int, Litres]]:
    """Typed marks, one "height litres" a line, in mm and litres. Refuses what is no number."""
    points = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").replace("\t", " ").replace("，", " ").split()
        if not words:
            continue
        if len(words) != 2:
            raise BadTable(f"第 {number} 行应为“高度 升数”两个数")
        points.append(_point(words[0], words[1], number))
    return points


def read_xlsx(content: bytes) -> list[tuple[int, Litres]]:
    """Marks from the first two columns of a workbook's first sheet; a heading row is passed over."""
    try:
        sheet = load_workbook(BytesIO(content), read_only=True, data_only=True).worksheets[0]
        rows = list(sheet.iter_rows(max_col=2, values_only=True))
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError, IndexError) as error:
        raise BadTable("文件打不开：请上传 xlsx 格式的罐容表") from error
    points = []
    for number, row in enumerate(rows, 1):
        height, litres = (*row, None, None)[:2]
        if height is None or litres is None or (number == 1 and isinstance(height, str)):
            continue
        points.append(_point(str(height), str(litres), number))
    return points


def _point(height: str, litres: str, number: int) -> tuple[int, Litres]:
    try:
        mm, volume = Decimal(height), Decimal(litres)
    except ArithmeticError as error:
        raise BadTable(f"第 {number} 行不是数字：{height} {litres}") from error
    if (
        not mm.is_finite()
        or not volume.is_finite()
        or mm != int(mm)
        or not 0 <= mm < 10**5
        or not 0 <= volume < 10**9
    ):
        raise BadTable(f"第 {number} 行超出范围：高度填整毫米，升数不能为负")
    return int(mm), round_litres(volume)
