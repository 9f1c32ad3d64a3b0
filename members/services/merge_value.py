"""Stored value of two members who become one: the balance moves, and comes back while it is there."""

from __future__ import annotations

from datetime import datetime

from members.models import Member, Merge, ValueAccount
from members.queries.value import account_of_member
from members.services import value_moving
from members.services.merging import Mover
from members.services.value_keeping import WORDS, ValueRefused
from station.models import BusinessDay, Station, User
from station.queries.calendar import open_day

Status = ValueAccount.Status


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    account = account_of_member(merged.pk)
    if account is None:
        return [f"{merged.number} 没有储值账户。"]
    told = f"账户 {account.number} 的本金 {account.principal} 元、赠金 {account.bonus} 元"
    return [
        f"{told}转到 {survivor.number} 的账户，{account.number} 停用。",
        "撤销合并时原数退回原账户；转来的钱已用掉的，合并不能撤销。",
    ]


def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """Move both balances. Refuses while an account is lost or frozen, and without a business day."""
    old, new = account_of_member(merge.merged_id), account_of_member(merge.survivor_id)
    if old is None:
        return
    for one in (old, new):
        if one is not None and one.status != Status.ACTIVE:
            raise ValueRefused(
                f"没有合并：储值账户 {one.number} {WORDS[Status(one.status)]}。"
                "请先恢复或补卡，再合并。"
            )
    value_moving.move(
        source=merge.merged,
        target=merge.survivor,
        day=_day(merge.survivor.home_station, "没有合并"),
        at=at,
        actor=actor,
        document=merge.document,
    )


def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """Move back what came. Refuses where less is left."""
    if not ValueAccount.objects.filter(member=merge.merged_id).exists():
        return
    value_moving.move_back(
        source=merge.merged,
        target=merge.survivor,
        document=merge.document,
        day=_day(merge.survivor.home_station, "没有撤销"),
        at=at,
        actor=actor,
    )


def _day(station: Station, undone: str) -> BusinessDay:
    day = open_day(station)
    if day is None:
        raise ValueRefused(f"{undone}：{station.name} 还没有营业日，储值不能入账。请先开始营业日。")
    return day


VALUE = Mover("储值", preview, move, move_back)
