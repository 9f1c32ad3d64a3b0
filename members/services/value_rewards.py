"""Stored value that points bought: bonus on the member's account, and the order ended with its number.

Nobody paid for it, so it is never principal: it is spent like any bonus and never paid out.
"""

from __future__ import annotations

from datetime import datetime

from members.models import Redemption, RewardTopUp
from members.services.redemption_endings import fulfil
from members.services.value_accounts import open_named
from members.services.value_keeping import Kind, ValueRefused, demand, locked_one, post
from members.services.value_topping import LAW, OverLimit, limits_of
from station.queries.calendar import open_day
from station.queries.waiting import walked
from station.services.waiting import tried

PENDING = RewardTopUp.Status.PENDING
UNDONE = "没有到账"


def top_up_waiting(*, at: datetime, size: int = 100) -> int:
    """Put what waits on accounts, oldest first and to the end; how many. The rest says why it waits."""
    rows = RewardTopUp.objects.filter(status=PENDING)
    return sum(
        tried(lambda pk=pk: _topped_up(pk, at), waiting=rows.filter(redemption=pk))  # type: ignore[misc]
        for pk in walked(rows, "redemption", size=size)
    )


def _topped_up(order_id: int, at: datetime) -> bool:
    """The order is locked first, as everybody who ends it does; one that another has is passed by."""
    order = (
        Redemption.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("member__merged_into", "station", "rewardtopup")
        .filter(pk=order_id, state=Redemption.State.RESERVED, rewardtopup__status=PENDING)
        .first()
    )
    if order is None:
        return False
    day = open_day(order.station)
    if day is None:
        raise ValueRefused(f"{UNDONE}：{order.station.name} 没有营业日。")
    member, amount = order.member.merged_into or order.member, order.rewardtopup.amount
    account = locked_one(open_named(member=member, station=order.station, at=at, actor=None))
    demand(account, undone=UNDONE)
    most = limits_of(order.station).named
    if account.balance + amount > most:
        raise OverLimit(
            f"{UNDONE}：{LAW}规定单张记名卡限额 {most} 元，{account.number} 现有 {account.balance} 元。"
            "请会员先消费一部分。"
        )
    post(
        account=account,
        kind=Kind.REWARD,
        bonus=amount,
        document=order.number,
        idem=f"reward:{order.number}",
        day=day,
        at=at,
        actor=None,
        words=f"{order.points} 积分兑换",
    )
    fulfil(order=order, at=at, actor=None, reference=account.number)
    return True
