"""上线检查: what must be there before a station goes live, asked of every floor by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from station.models import (
    Assignment,
    Dispenser,
    Grade,
    Nozzle,
    PriceCeiling,
    Station,
    Tank,
    Till,
)
from station.models.people import Role
from station.queries.prices import prices_at


@dataclass(frozen=True)
class Finding:
    """One check: its group and subject, whether it is in order, what is missing, and where to mend it.

    `url_name` opens the page that mends it. An optional check warns without standing in the way.
    """

    group: str
    subject: str
    ok: bool
    missing: str = ""
    url_name: str = ""
    optional: bool = False


def all_findings(*, station: Station, at: datetime) -> list[Finding]:
    """Every floor's checks, in the order of settings.GO_LIVE."""
    found: list[Finding] = []
    for name in settings.GO_LIVE:
        found += import_string(name)(station=station, at=at)
    return found


def site_findings(*, station: Station, at: datetime) -> list[Finding]:
    """The ground floor's own checks: site, prices and taxes, people."""
    tanks = Tank.objects.filter(station=station, active=True).select_related("grade")
    grades = {tank.grade_id: tank.grade for tank in tanks}
    prices = prices_at(station=station, at=at)
    ceilings = set(
        PriceCeiling.objects.filter(zone=station.price_zone, effective_at__lte=at).values_list(
            "grade_id", flat=True
        )
    )
    found = [
        Finding(
            "油站", "站名与地址", bool(station.name and station.address), "地址未填", "station:site"
        ),
        Finding(
            "油站",
            "税号",
            bool(station.tax_no),
            "小票与发票要用税号",
            "station:site",
            optional=True,
        ),
        Finding(
            "油站",
            "班次制度",
            station.shift_pattern_id is not None,
            "没有选班次制度",
            "station:site",
        ),
        Finding("油站", "油罐", bool(grades), "还没有油罐", "station:tanks"),
        Finding(
            "油站",
            "油枪",
            Nozzle.objects.filter(station=station, active=True).exists()
            and not Dispenser.objects.filter(station=station, active=True, nozzles=None).exists(),
            "还有加油机没有油枪",
            "station:dispensers",
        ),
        Finding(
            "油站",
            "收银台",
            Till.objects.filter(station=station, active=True).exists(),
            "还没有收银台",
            "station:tills",
        ),
    ]
    for grade in grades.values():
        found.append(
            Finding(
                "价格", f"{grade} 挂牌价", grade.pk in prices, "没有已执行的价格", "sales:prices"
            )
        )
        found.append(
            Finding(
                "价格",
                f"{grade} 最高零售价",
                grade.pk in ceilings,
                "没有录入本价区限价",
                "sales:prices",
                optional=True,
            )
        )
        found.append(
            Finding(
                "税务",
                f"{grade} 税收分类编码",
                bool(grade.tax_code),
                "编码未填",
                "station:grades",
                optional=True,
            )
        )
    for role in (Role.OWNER, Role.MANAGER, Role.CASHIER):
        held = Assignment.objects.filter(role=role, user__is_active=True).filter(
            station__in=[station]
        )
        anywhere = Assignment.objects.filter(role=role, user__is_active=True, station=None)
        found.append(
            Finding(
                "人员",
                str(role.label),
                held.exists() or anywhere.exists(),
                f"还没有{role.label}账号",
                "station:people",
            )
        )
    return found


def unused_grades(station: Station) -> list[Grade]:
    """Grades that no tank of the station holds; for the set-up page."""
    return list(
        Grade.objects.filter(active=True).exclude(tanks__station=station).order_by("position")
    )
