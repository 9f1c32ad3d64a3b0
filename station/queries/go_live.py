"""上线检查: what must be there before a station goes live, asked of every floor by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q
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
    grades = list({tank.grade_id: tank.grade for tank in tanks}.values())
    return [*_site(station, bool(grades)), *_prices(station, grades, at), *_people(station)]


def _site(station: Station, has_tanks: bool) -> list[Finding]:
    address = bool(station.name and station.address)
    with_nozzles = (
        Nozzle.objects.filter(station=station, active=True).exists()
        and not Dispenser.objects.filter(station=station, active=True, nozzles=None).exists()
    )
    till = Till.objects.filter(station=station, active=True).exists()
    pattern = station.shift_pattern_id is not None
    return [
        Finding("油站", "站名与地址", address, "地址未填", "station:site"),
        Finding("油站", "税号", bool(station.tax_no), "小票与发票要用税号", "station:site", True),
        Finding("油站", "班次制度", pattern, "没有选班次制度", "station:site"),
        Finding("油站", "油罐", has_tanks, "还没有油罐", "station:tanks"),
        Finding("油站", "油枪", with_nozzles, "还有加油机没有油枪", "station:dispensers"),
        Finding("油站", "收银台", till, "还没有收银台", "station:tills"),
    ]


def _prices(station: Station, grades: list[Grade], at: datetime) -> list[Finding]:
    prices = prices_at(station=station, at=at)
    ceilings = set(
        PriceCeiling.objects.filter(zone=station.price_zone, effective_at__lte=at).values_list(
            "grade_id", flat=True
        )
    )
    found = []
    for grade in grades:
        priced, limited = grade.pk in prices, grade.pk in ceilings
        coded = bool(grade.tax_code)
        found += [
            Finding("价格", f"{grade} 挂牌价", priced, "没有已执行的价格", "sales:prices"),
            Finding("价格", f"{grade} 限价", limited, "没有录入本价区限价", "sales:ceilings", True),
            Finding("税务", f"{grade} 税收分类编码", coded, "编码未填", "station:grades", True),
        ]
    return found


def _people(station: Station) -> list[Finding]:
    held = set(
        Assignment.objects.filter(user__is_active=True)
        .filter(Q(station=station) | Q(station=None))
        .values_list("role", flat=True)
    )
    return [
        Finding("人员", str(role.label), role in held, f"还没有{role.label}账号", "station:people")
        for role in (Role.OWNER, Role.MANAGER, Role.CASHIER)
    ]
