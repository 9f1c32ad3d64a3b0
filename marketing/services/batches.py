"""券批次: how many coupons of a template may be issued, to whom, and by which open code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from marketing.models import CouponBatch, CouponTemplate, Status
from marketing.services import terms
from marketing.services.codes import new_code
from station.errors import Refusal
from station.models import User
from station.services import audit
from station.services.numbering import next_number

MOST = 1_000_000


class BatchRefused(Refusal):
    """A batch that cannot be made or closed."""


@transaction.atomic
def make(
    *, template: CouponTemplate, values: Mapping[str, Any], actor: User, at: datetime
) -> CouponBatch:
    """Make a batch of an approved template. `values`: quota, limits, and `open` for a code to claim by.

    Refuses a template that is not in force, a quota that is none, and an open code without an end.
    """
    given = dict(values)
    is_open = given.pop("open", False)
    if template.status != Status.APPROVED:
        raise BatchRefused(f"没有建批次：{template} {template.get_status_display()}。")
    if not 0 < given["quota"] <= MOST or given.get("per_member", 1) < 1:
        raise BatchRefused(f"没有建批次：数量须在 1 到 {MOST} 之间，每人至少 1 张。")
    terms.check_times(given.get("claim_until"), undone="没有建批次")
    if is_open and given.get("for_rewards"):
        raise BatchRefused("没有建批次：留给积分商城和礼遇的券不能公开领取。请去掉一项。")
    if is_open and (given.get("claim_until") is None or given["claim_until"] <= at):
        raise BatchRefused("没有建批次：公开领取须填还没过的领取截止时间。")
    batch = CouponBatch.objects.create(
        **given,
        open_code=new_code() if is_open else None,
        station=template.station,
        number=next_number(station=template.station, kind="QP", day=localtime(at).date()),
        template=template,
        made_by=actor,
        made_at=at,
    )
    audit.record(
        at=at,
        actor=actor,
        station=batch.station,
        action="marketing.batch.made",
        document=batch.number,
        after={"券": str(template), "数量": batch.quota, "每人最多": batch.per_member},
    )
    return batch


@transaction.atomic
def close(*, batch: CouponBatch, actor: User, at: datetime, reason: str) -> None:
    """Issue no more of a batch; what was issued stays good. Refuses without a reason, or again."""
    if not reason.strip():
        raise BatchRefused("没有停发：请写明原因。")
    if not CouponBatch.objects.filter(pk=batch.pk, closed_at=None).update(closed_at=at):
        raise BatchRefused(f"没有停发：{batch.number} 已经停发。")
    audit.record(
        at=at,
        actor=actor,
        station=batch.station,
        action="marketing.batch.closed",
        document=batch.number,
        reason=reason.strip(),
    )
