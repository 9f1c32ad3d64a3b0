"""Figures that people may change on a page, each with the source it was taken from.

A floor that needs a figure adds its line here; the page, the check and the docs follow the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from station.models import Setting, Station
from station.money import Yuan


class Kind(StrEnum):
    """What sort of figure it is; `text` is words."""

    YUAN = "yuan"
    LITRES = "litres"
    RATE = "rate"  # ‰ or %, as the unit says
    WHOLE = "whole"
    TEXT = "text"


@dataclass(frozen=True)
class Declared:
    """One figure: its name, its default, and where that comes from."""

    name: str
    kind: Kind
    default: str
    title: str
    unit: str
    source: str


@dataclass(frozen=True)
class Value:
    """A declared figure with what is set for a station."""

    declared: Declared
    text: str
    is_default: bool


DECLARED: tuple[Declared, ...] = (
    Declared(
        "sales.discount_limit_cashier",
        Kind.YUAN,
        "5.00",
        "收银员单笔手工优惠上限",
        "元",
        "站内管理规定，超过由站长审批",
    ),
    Declared(
        "sales.discount_limit_manager",
        Kind.YUAN,
        "100.00",
        "站长单笔手工优惠上限",
        "元",
        "站内管理规定，超过由老板审批",
    ),
    Declared(
        "sales.over_short_limit",
        Kind.YUAN,
        "10.00",
        "长短款须说明原因的限额",
        "元",
        "站内管理规定；长款不得抵短款",
    ),
    Declared(
        "sales.litres_tolerance",
        Kind.LITRES,
        "0.10",
        "单枪走字与加油记录的舍入容差",
        "升",
        "加油机显示与累计按 0.01 升舍入；超过即须逐笔说明",
    ),
    Declared(
        "sales.cash_in_till_limit",
        Kind.YUAN,
        "5000.00",
        "收银台现金上限，超过提示中途缴款",
        "元",
        "站内管理规定",
    ),
    Declared(
        "sales.lease_minutes",
        Kind.WHOLE,
        "10",
        "加油记录锁定在一台收银机的时间",
        "分钟",
        "站内管理规定",
    ),
    Declared(
        "sales.service_time_target",
        Kind.WHOLE,
        "300",
        "进站到付清的目标时长",
        "秒",
        "站内管理规定",
    ),
    Declared(
        "inventory.delivery_tolerance",
        Kind.RATE,
        "3",
        "卸油实收与原发之差须审核的限额",
        "‰",
        "行业经验：3‰ 以内为正常；超过时由收油人以外的人审核后入账",
    ),
    Declared(
        "inventory.variance_rate_limit",
        Kind.RATE,
        "3",
        "班、日损溢率须说明原因的限额",
        "‰",
        "行业经验：损溢率绝对值不超过 3‰ 为正常；与升数限额同时超过才要求说明",
    ),
    Declared(
        "inventory.variance_litres_limit",
        Kind.LITRES,
        "20",
        "班、日损溢量须说明原因的限额",
        "升",
        "行业经验：销量小的班次只看损溢率会误报",
    ),
    Declared(
        "inventory.loss_allowance_gasoline",
        Kind.RATE,
        "4",
        "汽油全年综合损耗定额",
        "‰",
        "加油站管理规范：汽油全年综合损耗 0.4%；按本地主管部门文件调整",
    ),
    Declared(
        "inventory.loss_allowance_diesel",
        Kind.RATE,
        "2.8",
        "柴油全年综合损耗定额",
        "‰",
        "加油站管理规范：柴油全年综合损耗 0.28%；按本地主管部门文件调整",
    ),
    Declared(
        "members.policy_version",
        Kind.TEXT,
        "2026-01",
        "隐私政策版本",
        "",
        "本站公示的隐私政策；换版后新登记的同意记新版本",
    ),
    Declared(
        "members.guardian_age",
        Kind.WHOLE,
        "14",
        "未满几周岁须监护人同意",
        "周岁",
        "个人信息保护法第二十八、三十一条：不满十四周岁未成年人的个人信息须监护人同意",
    ),
    Declared(
        "members.session_idle_days",
        Kind.WHOLE,
        "30",
        "会员手机多久不用须重新登录",
        "天",
        "站内管理规定",
    ),
    Declared(
        "members.session_days",
        Kind.WHOLE,
        "180",
        "会员手机登录最长保持",
        "天",
        "站内管理规定",
    ),
    Declared(
        "members.opening_hours",
        Kind.TEXT,
        "24 小时营业",
        "会员手机上显示的营业时间",
        "",
        "本站实际营业时间",
    ),
    Declared(
        "members.coordinates",
        Kind.TEXT,
        "按地址",
        "油站坐标（纬度,经度），会员手机打开地图用",
        "",
        "地图上量取，例如 25.0150,102.6790；没有量的写「按地址」",
    ),
)

_BY_NAME = {declared.name: declared for declared in DECLARED}


def declared(name: str) -> Declared:
    """The line of the table; KeyError for a name that is not in it."""
    return _BY_NAME[name]


def text(name: str, station: Station) -> str:
    """What is set at the station, else the default. One statement."""
    line = declared(name)
    found = Setting.objects.filter(name=name, station=station).values_list("value", flat=True)
    return found.first() or line.default


def yuan(name: str, station: Station) -> Yuan:
    """A figure of kind yuan."""
    return Decimal(text(name, station))


def number(name: str, station: Station) -> Decimal:
    """A figure of kind litres or rate."""
    return Decimal(text(name, station))


def whole(name: str, station: Station) -> int:
    """A figure of kind whole."""
    return int(text(name, station))


def values(station: Station) -> list[Value]:
    """Every declared figure with what is set for a station, in the table's order. One statement."""
    found = dict(Setting.objects.filter(station=station).values_list("name", "value"))
    return [
        Value(line, found.get(line.name, line.default), line.name not in found) for line in DECLARED
    ]
