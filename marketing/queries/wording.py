"""What an offer says, in a sentence that a customer understands."""

from __future__ import annotations

from marketing.models import Benefit, CouponTemplate, Terms
from marketing.queries.loading import when_of
from station.money import Yuan

KINDS = {"FUEL": "油品", "GOODS": "商品", "SERVICE": "服务"}


def gives(terms: Terms) -> str:
    """What comes off."""
    amount = _plain(terms.amount)
    percent = f"{(terms.percent * 100).normalize():f}%" if terms.percent is not None else ""
    share = "免费" if percent == "100%" else f"减 {percent}"
    words = {
        Benefit.PER_LITRE: f"每升减 {amount} 元",
        Benefit.TIER_PRICE: f"每升 {amount} 元",
        Benefit.PERCENT: share,
        Benefit.SECOND_HALF: f"第二件{share}",
        Benefit.BUNDLE: f"{terms.units} 件{share}",
        Benefit.THRESHOLD: f"满 {_plain(terms.threshold)} 减 {amount} 元",
        Benefit.AMOUNT: f"抵 {amount} 元",
        Benefit.GIFT: f"送 {terms.units} 件" if share == "免费" else f"{terms.units} 件{share}",
        Benefit.SERVICE: f"{terms.units} 次{share}",
        Benefit.EXCHANGE: f"{amount} 元换购 {terms.units} 件",
    }[Benefit(terms.benefit)]
    parts = [words]
    if terms.threshold and terms.benefit != Benefit.THRESHOLD:
        parts.append(f"满 {_plain(terms.threshold)} 元")
    if terms.needs_fuel is not None:
        parts.append(
            f"同单加油满 {_plain(terms.needs_fuel)} 元" if terms.needs_fuel else "同单加油"
        )
    if isinstance(terms, CouponTemplate) and terms.paid_by:
        parts.append(terms.paid_by)
    if terms.cap_litres is not None:
        parts.append(f"每笔最多 {terms.cap_litres.normalize():f} 升")
    return "，".join(parts)


def covers(terms: Terms) -> str:
    """What it is for."""
    named = [*terms.products, *terms.categories]
    kinds = "、".join(KINDS[one] for one in terms.kinds if one in KINDS)
    if not named:
        return kinds or "全部"
    return "、".join(named) + (f"（{kinds}）" if kinds else "")


def for_whom(terms: Terms) -> str:
    """Whom it is for."""
    if terms.tier is not None:
        return f"{terms.tier.name}及以上会员"
    return "会员" if terms.members_only else "所有顾客"


def days(terms: Terms) -> str:
    """On which days and hours."""
    when = when_of(terms, None, None)
    hours = f"{terms.from_time:%H:%M}–{terms.to_time:%H:%M}" if when.from_time else ""
    return " ".join(filter(None, (when.days or "每天", hours)))


def together(terms: Terms) -> str:
    """With what it does not go together."""
    parts = []
    if terms.alone:
        parts.append("不与任何优惠同享")
    elif terms.exclusive:
        parts.append("不与同类优惠同享")
    if terms.group:
        parts.append(f"互斥组 {terms.group}")
    return "，".join(parts) or "可与其他优惠同享"


def _plain(amount: Yuan | None) -> str:
    if amount is None:
        return ""
    return f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"
