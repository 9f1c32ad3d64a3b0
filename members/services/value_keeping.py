"""储值账: the one place that moves a balance. The account is locked first, then a row is written.

A row says what principal and bonus went up or down by and what they are now; the database refuses
a row that does not follow from the one before it, and an account that is not what its rows make.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection
from django.utils.timezone import localtime

from members.models import Member, ValueAccount, ValueTxn
from station.errors import Refusal
from station.models import BusinessDay, User
from station.money import ZERO, Yuan
from station.queries.written import Part, Written

Kind = ValueTxn.Kind
Status = ValueAccount.Status
WORDS = {
    Status.FROZEN: "已冻结",
    Status.LOST: "已挂失",
    Status.CLOSED: "已注销",
}


class ValueRefused(Refusal):
    """Stored value that cannot be topped up, spent, moved or given back."""


class CardOver(ValueRefused):
    """The last day of a bearer card is over: it is renewed or exchanged first."""


class NotEnoughValue(ValueRefused):
    """The balance is smaller than what should be taken."""


def locked(ids: Iterable[int]) -> dict[int, ValueAccount]:
    """The accounts under their locks, by id, locked in the order of their keys. One statement.

    The caller holds the transaction.
    """
    return {row.pk: row for row in locked_named(numbers=(), ids=ids)}


_LOCKED = Written(
    """
SELECT {columns} FROM members_valueaccount a LEFT JOIN members_member m ON m.id = a.member_id
WHERE a.id = ANY(%(ids)s) OR a.number = ANY(%(numbers)s) ORDER BY a.id FOR NO KEY UPDATE OF a
""",
    Part(ValueAccount, "a"),
    Part(Member, "m"),
)


def locked_named(*, numbers: Iterable[str], ids: Iterable[int] = ()) -> list[ValueAccount]:
    """The accounts of these numbers and ids under their locks, in the order of their keys.

    What does not exist is not among them. One statement. The caller holds the transaction.
    """
    found = []
    for (account, member), _ in _LOCKED.rows({"ids": list(ids), "numbers": list(numbers)}):
        account.member = member
        found.append(account)
    return found


def locked_one(account: ValueAccount) -> ValueAccount:
    """One account under its lock."""
    return locked([account.pk])[account.pk]


def successor(account: ValueAccount) -> ValueAccount:
    """The account that stands for this one today: itself, or what replaced it."""
    while account.status == Status.CLOSED and account.replaced_by is not None:
        account = account.replaced_by
    return account


def demand(account: ValueAccount, *, undone: str, but: Collection[str] = ()) -> None:
    """Refuses an account that is frozen, lost or closed; `but` are the states that will do."""
    if account.status != Status.ACTIVE and account.status not in but:
        raise ValueRefused(
            f"{undone}：储值账户 {account.number} {WORDS[Status(account.status)]}。"
            "请核对账户，或请站长在“储值账户”里处理。"
        )


def demand_good(account: ValueAccount, *, at: datetime, undone: str) -> None:
    """Refuses a bearer card whose last day is over; what is on it stays its bearer's."""
    if account.is_over(localtime(at).date()):
        raise CardOver(
            f"{undone}：不记名卡 {account.number} 有效期到 {account.expires_on}，余额 {account.balance} 元还在。"
            "请站长或客服在“储值账户”里激活，或换一张新卡。"
        )


def demand_member(account: ValueAccount, *, undone: str) -> None:
    """Refuses the account of a member who is frozen or gone."""
    member = account.member
    if member is not None and member.status != Member.Status.ACTIVE:
        raise ValueRefused(
            f"{undone}：会员 {member.number} {member.get_status_display()}，储值不能用。请站长核实。"
        )


def post(
    *,
    account: ValueAccount,
    kind: str,
    document: str,
    idem: str,
    day: BusinessDay,
    at: datetime,
    actor: User | None,
    principal: Yuan = ZERO,
    bonus: Yuan = ZERO,
    reverses: ValueTxn | None = None,
    words: str = "",
) -> ValueTxn:
    """Write one row of a locked account and move its balances. One statement.

    `idem` names the business event; the database takes it once. Refuses NotEnoughValue.
    """
    row = ValueTxn(
        account=account,
        kind=str(kind),
        principal=principal,
        bonus=bonus,
        idem=idem,
        document=document,
        reverses=reverses,
        station_id=day.station_id,
        day=day,
        actor=actor,
        words=words[:200],
        occurred_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(_POST, {name: getattr(row, name) for name in _SAID})
        moved = cursor.fetchone()
    if moved is None:
        raise NotEnoughValue(
            f"没有办理：储值账户 {account.number} 余额本金 {account.principal} 元、"
            f"赠金 {account.bonus} 元，不够。"
        )
    row.pk, row.principal_after, row.bonus_after = moved
    account.principal, account.bonus = row.principal_after, row.bonus_after
    return row


_SAID = (
    "account_id",
    "kind",
    "principal",
    "bonus",
    "idem",
    "document",
    "reverses_id",
    "station_id",
    "day_id",
    "actor_id",
    "words",
    "occurred_at",
)
_POST = """
WITH moved AS (
  UPDATE members_valueaccount SET principal = principal + %(principal)s, bonus = bonus + %(bonus)s
  WHERE id = %(account_id)s AND principal >= -%(principal)s AND bonus >= -%(bonus)s
  RETURNING principal, bonus
)
INSERT INTO members_valuetxn (account_id, kind, principal, bonus, principal_after, bonus_after, idem,
 document, reverses_id, station_id, day_id, actor_id, words, occurred_at)
SELECT %(account_id)s, %(kind)s, %(principal)s, %(bonus)s, moved.principal, moved.bonus, %(idem)s,
 %(document)s, %(reverses_id)s, %(station_id)s, %(day_id)s, %(actor_id)s, %(words)s, %(occurred_at)s
FROM moved RETURNING id, principal_after, bonus_after
"""
