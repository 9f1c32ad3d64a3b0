"""A member shows the code of his phone at the till: read once, within its minute."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from members.models import Member, Presence
from members.queries.present_codes import read_code
from members.queries.signins import digest
from station.errors import Refusal
from station.models import Station, User


class CodeRefused(Refusal):
    """Not a member's code, too old, or read before."""


def arrive(*, code: str, station: Station, at: datetime, actor: User | None) -> Member:
    """The member whose code was read: he is present at this station now.

    Refuses with CodeRefused what was not made here, is older than a minute or was read before, and
    a member who is frozen or gone. Two tills that read one code: one of them is refused.
    """
    shown = read_code(code)
    if shown is None:
        raise CodeRefused("这不是本系统的会员手机码。请顾客打开会员手机首页再扫。")
    if not shown.is_fresh(at):
        raise CodeRefused("会员手机码已过期（一分钟内有效）。请顾客刷新首页再扫。")
    member = Member.objects.filter(pk=shown.member_id).first()
    if member is None or member.status != Member.Status.ACTIVE:
        raise CodeRefused("这位会员已冻结或注销，没有选上。请按普通顾客收款，或请站长查看会员。")
    try:
        with transaction.atomic():
            Presence.objects.create(
                member=member,
                station=station,
                code_hash=digest("presence", code.strip().upper()),
                occurred_at=at,
                seen_by=actor,
            )
    except IntegrityError:
        raise CodeRefused("这个会员手机码已经用过。请顾客刷新首页再扫。") from None
    return member
