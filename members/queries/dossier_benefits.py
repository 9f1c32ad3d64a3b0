"""What one person was given, signed up for, and was looked at for, as tables of his file."""

from __future__ import annotations

from members.models import Gift, Member, RiskCase, SignUp
from members.queries.dossier import Sheet
from members.queries.merged import ids_of
from station.queries.wording import local


def sheets(*, member: Member) -> list[Sheet]:
    """His and those of whoever was merged into him, the oldest row first. Three tables."""
    ids = ids_of(member)
    return [_gifts(ids), _events(ids), _cases(ids)]


def _gifts(ids: list[int]) -> Sheet:
    rows = Gift.objects.filter(member__in=ids).order_by("pk")
    told = [
        (
            local(row.made_at),
            row.get_occasion_display(),
            row.coupon,
            row.points,
            row.get_state_display(),
        )
        for row in rows
    ]
    return Sheet("礼遇", ("时间", "礼遇", "券码", "积分", "状态"), told)


def _events(ids: list[int]) -> Sheet:
    rows = SignUp.objects.filter(member__in=ids).select_related("event").order_by("pk")
    told = [
        (
            local(row.signed_at),
            row.event.name,
            local(row.event.starts_at),
            row.get_state_display(),
        )
        for row in rows
    ]
    return Sheet("活动", ("报名时间", "活动", "开始", "状态"), told)


def _cases(ids: list[int]) -> Sheet:
    rows = RiskCase.objects.filter(member__in=ids).order_by("pk")
    told = [
        (
            local(row.occurred_at),
            row.words,
            row.get_action_display(),
            row.points,
            row.get_state_display(),
        )
        for row in rows
    ]
    return Sheet("核实记录", ("时间", "说明", "处置", "积分", "状态"), told)
