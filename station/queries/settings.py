"""Figures that people may change on a page, each with the source it was taken from.

A floor that needs a figure adds its line here; the page, the check and the docs follow the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from station.models import Setting, Station
from station.money import Yuan
from station.queries.figures import (
    BEARER_CARDS,
    BLACK_BOX,
    CAMERAS,
    GAUGES,
    LOSSES,
    MESSAGES,
    METERS,
    OFFERS,
    Declared,
    Kind,
)


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
        "sales.sign_minutes",
        Kind.WHOLE,
        "3",
        "涨价后价格牌多久没有改好就报警",
        "分钟",
        "站内管理规定；这段时间油枪仍按原价",
    ),
    Declared(
        "members.points_adjust_limit",
        Kind.WHOLE,
        "100",
        "人工调整积分须第二人审批的限额",
        "分",
        "站内管理规定：人工加分是会员积分最常见的内部舞弊",
    ),
    Declared(
        "members.reward_hint_yuan",
        Kind.WHOLE,
        "100",
        "收银台提示「再加 X 元可换」的最大差额",
        "元",
        "站内管理规定；0 为不提示",
    ),
    Declared(
        "members.idle_points",
        Kind.WHOLE,
        "1000",
        "积分沉淀：余额到多少分算大额",
        "分",
        "站内管理规定；60 天没有用过积分的才列出",
    ),
    *MESSAGES,
    *CAMERAS,
    Declared(
        "members.churn_days",
        Kind.WHOLE,
        "90",
        "会员多少天没有消费算流失",
        "天",
        "站内管理规定；报表「会员流失」用",
    ),
    Declared(
        "members.tank_litres",
        Kind.WHOLE,
        "70",
        "会员没登记油箱时，汽油车按多少升",
        "升",
        "家用车油箱一般 40 到 80 升；风控规则「加油量与油箱之比」用",
    ),
    Declared(
        "members.tank_litres_diesel",
        Kind.WHOLE,
        "600",
        "会员没登记油箱时，柴油车按多少升",
        "升",
        "货车油箱一般 200 到 800 升；风控规则「加油量与油箱之比」用",
    ),
    *GAUGES,
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
        "members.value_named_limit",
        Kind.YUAN,
        "5000.00",
        "记名储值账户余额上限",
        "元",
        "单用途商业预付卡管理办法第十八条：单张记名卡限额不得超过 5000 元",
    ),
    Declared(
        "members.value_bearer_limit",
        Kind.YUAN,
        "1000.00",
        "不记名储值卡余额上限",
        "元",
        "单用途商业预付卡管理办法第十八条：单张不记名卡限额不得超过 1000 元",
    ),
    *BEARER_CARDS,
    Declared(
        "members.value_real_name_from",
        Kind.YUAN,
        "10000.00",
        "一次购买不记名卡须实名的金额",
        "元",
        "单用途商业预付卡管理办法第十五条：一次性购买 1 万元（含）以上不记名卡须登记身份",
    ),
    Declared(
        "members.value_named_real_name",
        Kind.WHOLE,
        "1",
        "记名储值是否须登记身份证（1 须，0 不须）",
        "",
        "单用途商业预付卡管理办法第十五条：购买（含充值）记名卡须登记身份；按本地主管部门要求调整",
    ),
    Declared(
        "members.value_pin_above",
        Kind.YUAN,
        "500.00",
        "储值消费超过多少须输支付密码",
        "元",
        "站内管理规定；账户设了密码的，每笔都要输",
    ),
    Declared(
        "members.value_bonus_order",
        Kind.WHOLE,
        "2",
        "储值消费的扣款顺序（1 先本金后赠金，2 按本金赠金比例）",
        "",
        "站内管理规定；按比例时退款与开票的口径一致",
    ),
    Declared(
        "members.value_refund_days",
        Kind.WHOLE,
        "7",
        "充值后可无理由退本金的天数",
        "天",
        "最高人民法院预付式消费司法解释（2025-05-01 施行）：付款之日起七日内可退本金",
    ),
    Declared(
        "members.value_custody_rate",
        Kind.RATE,
        "20",
        "预收资金存管比例",
        "%",
        "单用途商业预付卡管理办法第二十六条：规模发卡企业不低于上季度末预收资金余额的 20%，集团 30%，品牌 40%",
    ),
    *LOSSES,
    *OFFERS,
    *METERS,
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
        "members.confirm_months",
        Kind.WHOLE,
        "12",
        "会员资料多久没核对就在下次到站时问一次",
        "个月",
        "站内管理规定",
    ),
    Declared(
        "members.pool_most",
        Kind.WHOLE,
        "5",
        "家庭积分：户主之外最多几人",
        "人",
        "站内管理规定",
    ),
    Declared(
        "members.pool_cool_days",
        Kind.WHOLE,
        "90",
        "退出积分池后几天内不能加入别的池",
        "天",
        "站内管理规定；防止借退出转移积分",
    ),
    Declared(
        "members.unmerge_days",
        Kind.WHOLE,
        "30",
        "会员合并后几天内可以撤销",
        "天",
        "站内管理规定",
    ),
    Declared(
        "members.export_limit",
        Kind.WHOLE,
        "100",
        "一次导出会员超过多少行须另一人审批",
        "行",
        "站内管理规定；保护客户资料",
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
    *BLACK_BOX,
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


def texts(names: Sequence[str], station: Station) -> dict[str, str]:
    """Several figures as they are written, by name. One statement."""
    set_here = Setting.objects.filter(name__in=names, station=station)
    return filled(names, dict(set_here.values_list("name", "value")))


def filled(names: Sequence[str], found: Mapping[str, str]) -> dict[str, str]:
    """Several figures by name where some are set: the others as they are by default."""
    return {name: found.get(name, declared(name).default) for name in names}


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
