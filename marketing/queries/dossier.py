"""The coupons of one person, as a table of his file."""

from __future__ import annotations

from marketing.models import Coupon
from members.models import Member
from members.queries.dossier import Sheet
from members.queries.merged import ids_of
from station.queries.wording import local


def sheets(*, member: Member) -> list[Sheet]:
    """His coupons and those of whoever was merged into him. One table."""
    rows = Coupon.objects.filter(member__in=ids_of(member)).select_related("template")
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
    return [Sheet("优惠券", head, told)]
