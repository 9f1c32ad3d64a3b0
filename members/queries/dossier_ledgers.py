"""What is booked of one person on this floor, as tables of his file: points, value, orders, tiers,
and what he was told."""

from __future__ import annotations

from django.db.models import Q

from devices.models import PlateRead
from devices.queries.cameras import plate_of
from members.models import (
    ExchangeOrder,
    Member,
    MemberNotice,
    MemberTier,
    PointsTxn,
    PoolMember,
    Redemption,
    ValueTxn,
    Vehicle,
)
from members.queries import points, value
from members.queries.dossier import Sheet
from members.queries.merged import ids_of
from station.queries.wording import local


def sheets(*, member: Member) -> list[Sheet]:
    """His ledgers and those of whoever was merged into him, the oldest row first. Eight tables."""
    ids = ids_of(member)
    return [
        _points(ids),
        _pools(ids),
        _exchanges(ids),
        _value(ids),
        _orders(ids),
        _tiers(ids),
        _messages(ids),
        _cameras(ids),
    ]


def _points(ids: list[int]) -> Sheet:
    rows = PointsTxn.objects.filter(account__member__in=ids).select_related("reverses", "station")
    told = [
        (
            local(row.occurred_at),
            row.station.name if row.station else "",
            row.get_kind_display(),
            row.delta,
            row.balance_after,
            row.document,
            points.in_words(row),
        )
        for row in rows.order_by("occurred_at", "pk")
    ]
    return Sheet("积分", ("时间", "油站", "类别", "变动", "可用余额", "单据", "说明"), told)


def _pools(ids: list[int]) -> Sheet:
    rows = PoolMember.objects.filter(member__in=ids).select_related("pool")
    told = [
        (
            row.pool.number,
            row.pool.get_kind_display(),
            row.get_state_display(),
            row.share_pct,
            "是" if row.can_spend else "否",
            row.cap_month if row.cap_month is not None else "不限",
            local(row.joined_at) if row.joined_at else "",
            local(row.left_at) if row.left_at else "",
            row.get_why_display() if row.why else "",
        )
        for row in rows.order_by("pk")
    ]
    head = (
        "编号",
        "类别",
        "状态",
        "入池比例(%)",
        "可以使用",
        "每月最多(分)",
        "加入",
        "离开",
        "原因",
    )
    return Sheet("积分池", head, told)


def _exchanges(ids: list[int]) -> Sheet:
    rows = ExchangeOrder.objects.filter(member__in=ids).select_related("partner")
    told = [
        (
            local(row.at),
            row.number,
            row.partner.name,
            row.partner_no,
            row.get_way_display(),
            row.points,
            row.fee,
            row.theirs,
            row.get_state_display(),
        )
        for row in rows.order_by("pk")
    ]
    head = (
        *("时间", "单号", "合作商家", "对方单号", "方向"),
        *("我方积分", "手续费", "对方积分", "状态"),
    )
    return Sheet("积分互换", head, told)


def _value(ids: list[int]) -> Sheet:
    rows = ValueTxn.objects.filter(account__member__in=ids).select_related("account", "station")
    told = [
        (
            local(row.occurred_at),
            row.station.name,
            row.account.number,
            row.get_kind_display(),
            row.principal,
            row.bonus,
            row.principal_after,
            row.bonus_after,
            row.document,
            value.in_words(row),
        )
        for row in rows.order_by("occurred_at", "pk")
    ]
    head = (
        *("时间", "油站", "账户", "类别", "本金增减(元)", "赠金增减(元)"),
        *("本金余额(元)", "赠金余额(元)", "单据", "说明"),
    )
    return Sheet("储值", head, told)


def _orders(ids: list[int]) -> Sheet:
    rows = Redemption.objects.filter(member__in=ids).select_related("reward", "station")
    told = [
        (
            local(row.requested_at),
            row.station.name,
            row.number,
            row.reward.name,
            row.points,
            row.surcharge,
            row.get_state_display(),
            local(row.ended_at) if row.ended_at else "",
        )
        for row in rows.order_by("requested_at", "pk")
    ]
    head = ("时间", "油站", "兑换单", "礼品", "积分", "加价(元)", "状态", "结束时间")
    return Sheet("兑换单", head, told)


def _tiers(ids: list[int]) -> Sheet:
    rows = MemberTier.objects.filter(member__in=ids).select_related("tier", "member")
    told = [
        (
            row.member.number,
            row.tier.name,
            local(row.since),
            local(row.until) if row.until else "",
            row.get_reason_display(),
            row.words,
        )
        for row in rows.order_by("since", "pk")
    ]
    return Sheet("等级", ("会员号", "等级", "起", "止", "原因", "说明"), told)


def _messages(ids: list[int]) -> Sheet:
    rows = MemberNotice.objects.filter(member__in=ids).select_related("member")
    told = [
        (
            row.member.number,
            local(row.created_at),
            row.get_kind_display(),
            row.subject,
            row.text,
            local(row.read_at) if row.read_at else "",
        )
        for row in rows.order_by("created_at", "pk")
    ]
    return Sheet("消息", ("会员号", "时间", "类别", "标题", "内容", "已读"), told)


def _cameras(ids: list[int]) -> Sheet:
    """Where cameras read the plates of his cars, as long as that is kept."""
    plates = Vehicle.objects.filter(member__in=ids).exclude(plate_index="").values("plate_index")
    rows = PlateRead.objects.filter(
        Q(corrected_index="", plate_index__in=plates) | Q(corrected_index__in=plates)
    ).select_related("station", "camera", "key")
    told = [
        (local(row.occurred_at), row.station.name, row.camera.name, plate_of(row))
        for row in rows.order_by("occurred_at", "pk")
    ]
    return Sheet("车牌识别", ("时间", "油站", "摄像头", "车牌"), told)
