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
