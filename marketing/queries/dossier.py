"""The coupons and locked prices of one person, as tables of his file."""

from __future__ import annotations

from marketing.models import Coupon, PriceLockMove
from members.models import Member
from members.queries.dossier import Sheet
from members.queries.merged import ids_of
from station.queries.wording import local


def sheets(*, member: Member) -> list[Sheet]:
    """His and those of whoever was merged into him. Two tables."""
    ids = ids_of(member)
    return [_coupons(ids), _locks(ids)]


def _locks(ids: list[int]) -> Sheet:
    rows = PriceLockMove.objects.filter(lock__member__in=ids).select_related("lock__grade")
    told = [
        (
            row.lock.number,
            row.lock.grade.code,
            row.lock.price,
            local(row.at),
            row.get_kind_display(),
            row.litres,
            local(row.lock.valid_until),
            row.document,
        )
        for row in rows.order_by("at", "pk")
    ]
    head = ("编号", "油品", "锁定单价", "时间", "事件", "升数", "到期", "单据")
    return Sheet("锁价", head, told)


def _coupons(ids: list[int]) -> Sheet:
    rows = Coupon.objects.filter(member__in=ids).select_related("template")
    told = [
        (
            row.code,
            row.template.name,
            row.get_source_display(),
            local(row.issued_at),
            local(row.valid_from),
            local(row.valid_until),
            row.get_state_display(),
            row.document,
        )
        for row in rows.order_by("issued_at", "pk")
    ]
    head = ("券码", "券", "来源", "发放时间", "可用开始", "可用结束", "状态", "使用单据")
    return Sheet("优惠券", head, told)
