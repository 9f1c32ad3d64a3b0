"""What a figure that people may change is, and those of offers and of messages to members."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    least: int = 0  # what a law does not let it go below


METERS: tuple[Declared, ...] = (
    Declared(
        "devices.meter_error_limit",
        Kind.RATE,
        "0.3",
        "加油机允许误差（±）",
        "%",
        "JJG 443《燃油加油机》：最大允许误差 ±0.30%；20 升合 ±60 毫升",
    ),
    Declared(
        "devices.self_test_months",
        Kind.WHOLE,
        "1",
        "每把枪几个月自校一次",
        "个月",
        "站内管理规定：用不小于 20 升的标准量器每月自校",
        least=1,
    ),
    Declared(
        "devices.verification_months",
        Kind.WHOLE,
        "6",
        "加油机强制检定周期最长",
        "个月",
        "JJG 443《燃油加油机》：检定周期一般不超过 6 个月",
        least=1,
    ),
    Declared(
        "devices.test_temperature",
        Kind.WHOLE,
        "0",
        "自校按温度修正标准值（1 修正，0 不修正）",
        "",
        "标准值 × [1 + 油品膨胀系数 × (油温 − 量器温度) + 0.00005 × (量器温度 − 20)]；"
        "公式未经检定机构核实，核实后再打开",
    ),
    Declared(
        "devices.block_unverified",
        Kind.WHOLE,
        "0",
        "检定过期或不合格的油枪停止授权（1 停止，0 只提醒）",
        "",
        "计量法第九条：未经检定、检定不合格的强制检定计量器具不得使用",
    ),
)

BEARER_CARDS: tuple[Declared, ...] = (
    Declared(
        "members.value_bearer_years",
        Kind.WHOLE,
        "3",
        "不记名储值卡的有效期",
        "年",
        "单用途商业预付卡管理办法第十九条：不记名卡有效期不得少于 3 年，记名卡不得设有效期；"
        "超过有效期尚有余额的应提供激活、换卡。改动只管以后开的卡和激活的卡",
        least=3,
    ),
    Declared(
        "members.value_bearer_warn_days",
        Kind.WHOLE,
        "60",
        "不记名储值卡到期前多少天提醒站长，并可以激活",
        "天",
        "站内管理规定：到期前联系顾客激活或换卡",
    ),
)

GAUGES: tuple[Declared, ...] = (
    Declared(
        "devices.gauge_poll_seconds",
        Kind.WHOLE,
        "10",
        "液位仪多久读一次罐存",
        "秒",
        "一般 10 到 60 秒；水高超限最迟这么久后停售",
        least=5,
    ),
    Declared(
        "devices.gauge_units",
        Kind.WHOLE,
        "0",
        "液位仪单位（0 按主机自报，1 美制，2 公制，3 英制）",
        "",
        "主机会自报单位；只在老式主机不报时才填，填错读数全错",
    ),
    Declared(
        "devices.gauge_security",
        Kind.TEXT,
        "无",
        "液位仪安全码（6 位，没有写「无」）",
        "",
        "主机启用了串口安全码时，与主机设置一致",
    ),
    Declared(
        "devices.gauge_dense_days",
        Kind.WHOLE,
        "7",
        "液位仪读数全部保留的天数",
        "天",
        "站内管理规定；之后没有加油、卸油时每 5 分钟留一条",
        least=1,
    ),
    Declared(
        "devices.gauge_five_minutes_days",
        Kind.WHOLE,
        "90",
        "液位仪读数每 5 分钟一条保留的天数",
        "天",
        "站内管理规定；之后每小时留一条，卸油过程全部保留",
        least=1,
    ),
    Declared(
        "devices.gauge_idle_minutes",
        Kind.WHOLE,
        "30",
        "静置下降：看多长时间",
        "分钟",
        "站内管理规定；没有加油、没有卸油时才看",
        least=1,
    ),
    Declared(
        "devices.gauge_idle_litres",
        Kind.LITRES,
        "20",
        "静置下降：少多少升报警",
        "升",
        "站内管理规定；液位仪波动和温度变化一般在 10 升以内",
    ),
)

MESSAGES: tuple[Declared, ...] = (
    Declared(
        "members.points_remind_days",
        Kind.TEXT,
        "30,7,1",
        "积分到期前几天提醒会员（逗号隔开）",
        "天",
        "站内管理规定；写 0 只在最后一天提醒，写「不提醒」就不发",
    ),
    Declared(
        "members.points_remind_at",
        Kind.WHOLE,
        "1000",
        "可用积分到多少提醒会员兑换",
        "分",
        "站内管理规定；0 为不提醒",
    ),
    Declared(
        "members.points_present_above",
        Kind.WHOLE,
        "2000",
        "一单积分抵扣超过多少分须会员本人在场（刷卡或出示手机码）",
        "分",
        "站内管理规定：防止拿别人的积分付款；0 为每一单都要",
    ),
    Declared(
        "members.text_from_hour",
        Kind.WHOLE,
        "8",
        "会员短信每天几点开始发",
        "点",
        "站内管理规定：夜里不打扰会员",
    ),
    Declared(
        "members.text_until_hour",
        Kind.WHOLE,
        "21",
        "会员短信每天发到几点",
        "点",
        "站内管理规定：夜里不打扰会员，没发的第二天发",
    ),
    Declared(
        "marketing.coupon_remind_days",
        Kind.TEXT,
        "3,1",
        "优惠券到期前几天提醒会员（逗号隔开）",
        "天",
        "站内管理规定；写 0 只在最后一天提醒，写「不提醒」就不发",
    ),
)
CAMERAS: tuple[Declared, ...] = (
    Declared(
        "devices.plate_days",
        Kind.WHOLE,
        "30",
        "车牌识别记录保留",
        "天",
        "个人信息保护法第十九条：保存期限为实现目的所必要的最短时间；到期销毁密钥，不能恢复",
        least=1,
    ),
    Declared(
        "devices.plate_image_days",
        Kind.WHOLE,
        "7",
        "车牌识别图片保留",
        "天",
        "同上；0 为不保存图片",
    ),
    Declared(
        "devices.camera_silent_minutes",
        Kind.WHOLE,
        "60",
        "车牌识别摄像头多久没有消息就告警",
        "分钟",
        "站内管理规定；夜里车少的站可以放长",
        least=1,
    ),
)
OFFERS: tuple[Declared, ...] = (
    Declared(
        "marketing.lock_minutes",
        Kind.WHOLE,
        "15",
        "券在一张单上锁定的时间",
        "分钟",
        "站内管理规定；超过即放开，别的单可以用",
    ),
    Declared(
        "marketing.coupon_grace_days",
        Kind.WHOLE,
        "7",
        "退款时已过期的券和锁价再给几天",
        "天",
        "站内管理规定；没过期的券和锁价按原有效期退回",
    ),
    Declared(
        "marketing.lock_worth",
        Kind.YUAN,
        "500.00",
        "一人一天可发的锁价，按当天挂牌价合多少优惠",
        "元",
        "站内管理规定；一人一天合计超过须另一人审批",
    ),
    Declared(
        "marketing.lock_litres",
        Kind.WHOLE,
        "1000",
        "一人一天可发的锁价升数",
        "升",
        "站内管理规定；一人一天合计超过须另一人审批，挂牌价会涨",
    ),
    Declared(
        "marketing.wrong_codes",
        Kind.WHOLE,
        "10",
        "十分钟内最多输错几次券码",
        "次",
        "站内管理规定；超过须等十分钟，防止猜码",
    ),
)

BLACK_BOX: tuple[Declared, ...] = (
    Declared(
        "devices.black_box_days",
        Kind.WHOLE,
        "90",
        "原始报文保留天数",
        "天",
        "站内管理规定；加油纠纷一般在一季度内提出",
        least=1,
    ),
    Declared(
        "devices.black_box_megabytes",
        Kind.WHOLE,
        "1000",
        "每条线路的原始报文最多占用",
        "MB",
        "站内管理规定；按磁盘大小定，超过时先删最旧的。四台加油机的线路 90 天约 500 MB",
        least=10,
    ),
)

LOSSES: tuple[Declared, ...] = (
    Declared(
        "inventory.loss_region",
        Kind.WHOLE,
        "1",
        "损耗定额的地区类别（1 A 类，2 B 类，3 C 类）",
        "",
        "GB/T 11085-1989：云南、广东等为 A 类，华北华东等为 B 类，东北西北为 C 类；归类未见原文，请核对",
        least=1,
    ),
    Declared(
        "inventory.standing_tanks",
        Kind.WHOLE,
        "0",
        "油罐是否立式（0 卧式，1 立式）",
        "",
        "加油站埋地罐为卧式，储存损耗不计；立式罐按月计储存损耗",
    ),
    Declared(
        "inventory.loss_band_k",
        Kind.RATE,
        "3",
        "损溢率常态的宽度：中位数 ± 几倍绝对中位差",
        "倍",
        "站内管理规定；3 倍约合正态分布的两个标准差，报得太多就放宽",
    ),
)
