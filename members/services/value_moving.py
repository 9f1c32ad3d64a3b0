"""Stored value that comes from elsewhere: from another member's account, or from an older system."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Sum

from members.models import Member, ValueAccount, ValueTxn
from members.queries.value import account_of_member
from members.services.value_accounts import open_named
from members.services.value_keeping import (
    Kind,
    Status,
    ValueRefused,
    locked,
    locked_one,
    post,
    successor,
)
from station.models import BusinessDay, User
from station.money import ZERO, Yuan


@transaction.atomic
def move(
    *,
    source: Member,
    target: Member,
    day: BusinessDay,
    at: datetime,
    actor: User,
    document: str = "",
) -> None:
    """Move stored value from one member to another and close the account it was in. Twice is once.

    The limit of a card is not asked: no money comes in. What the closed account paid for comes back
    to the target's. Accounts are locked in the order of their keys. `document` is the merge's.
    """
    old = account_of_member(source.pk)
    if old is None or source.pk == target.pk:
        return
    new = open_named(member=target, station=target.home_station, at=at, actor=actor)
    held = locked([old.pk, new.pk])
    old, new = held[old.pk], held[new.pk]
    if old.status == Status.CLOSED:
        return
    principal, bonus = old.principal, old.bonus
    if old.balance:
        for account, sign in ((old, -1), (new, 1)):
            post(
                account=account,
                kind=Kind.IN if sign > 0 else Kind.OUT,
                document=document or old.number,
                idem=f"merge:{document}:{old.pk}:{account.pk}",
                principal=sign * principal,
                bonus=sign * bonus,
                day=day,
                at=at,
                actor=actor,
                words=f"会员合并，{old.number} → {new.number}",
            )
    old.status = Status.CLOSED
    old.replaced_by = new
    old.save(update_fields=["status", "replaced_by"])


@transaction.atomic
def move_back(
    *, source: Member, target: Member, document: str, day: BusinessDay, at: datetime, actor: User
) -> None:
    """Undo `move` of a document: the closed account is open again with what it held. Twice is once.

    What came back since for sales that it had paid, or an account behind it, goes back too. Refuses where the target's has less than came from it: whose money was spent nobody can say.
    """
    rows = ValueAccount.objects.filter(member__in=[source.pk, target.pk])
    held = locked(rows.values_list("pk", flat=True))
    old = next((one for one in held.values() if _closed_by(one, source, target)), None)
    if old is None or old.replaced_by is None:
        return
    new = held[successor(old.replaced_by).pk]
    came = ValueTxn.objects.filter(idem=f"merge:{document}:{old.pk}:{old.replaced_by_id}").first()
    principal, bonus = _returned_since(old)
    if came:
        principal, bonus = principal + came.principal, bonus + came.bonus
    if new.principal < principal or new.bonus < bonus:
        raise ValueRefused(
            f"没有撤销：合并时转入和后来退回的储值本金 {principal} 元、赠金 {bonus} 元，账户 {new.number} 现有"
            f"本金 {new.principal} 元、赠金 {new.bonus} 元，转来的钱已用掉，分不开了。"
        )
    old.status, old.replaced_by = Status.ACTIVE, None
    old.save(update_fields=["status", "replaced_by"])
    for account, sign in ((new, -1), (old, 1)) if principal or bonus else ():
        post(
            account=account,
            kind=Kind.IN if sign > 0 else Kind.OUT,
            document=document,
            idem=f"unmerge:{document}:{account.pk}",
            principal=sign * principal,
            bonus=sign * bonus,
            day=day,
            at=at,
            actor=actor,
            words=f"撤销会员合并，{new.number} → {old.number}",
        )


def _returned_since(old: ValueAccount) -> tuple[Yuan, Yuan]:
    """What refunds gave to its successor since a locked account was closed: principal and bonus."""
    behind, level = {old.pk}, {old.pk}
    while level:
        rows = ValueAccount.objects.filter(replaced_by__in=level, status=Status.CLOSED)
        level = set(rows.values_list("pk", flat=True)) - behind
        behind |= level
    # A closed account gets no rows: what is later than its last one came since.
    last = ValueTxn.objects.filter(account=old).aggregate(last=Max("pk"))["last"] or 0
    came = ValueTxn.objects.filter(
        kind=Kind.SPEND_CANCEL, reverses__account__in=behind, pk__gt=last
    ).exclude(account__in=behind)
    told = came.aggregate(principal=Sum("principal"), bonus=Sum("bonus"))
    return told["principal"] or ZERO, told["bonus"] or ZERO


def _closed_by(account: ValueAccount, source: Member, target: Member) -> bool:
    new = account.replaced_by
    return account.member_id == source.pk and new is not None and new.member_id == target.pk


@transaction.atomic
def bring_in(
    *,
    member: Member,
    principal: Yuan,
    bonus: Yuan,
    source: str,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> ValueTxn:
    """What a member had in an older system, as one row; `source` names the row it came from.

    Brought in twice under the same source, it is the first one. The limit of a card is not asked:
    the money was taken before.
    """
    account = open_named(member=member, station=member.home_station, at=at, actor=actor)
    held = locked_one(account)
    idem = f"import:{source}"[:100]
    known = ValueTxn.objects.filter(idem=idem).first()
    return known or post(
        account=held,
        kind=Kind.IMPORT,
        principal=principal,
        bonus=bonus,
        document=source[:40],
        idem=idem,
        day=day,
        at=at,
        actor=actor,
        words="旧系统余额",
    )
