"""Stored value that comes from elsewhere: from another member's account, or from an older system."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Member, ValueTxn
from members.queries.value import account_of_member
from members.services.value_accounts import open_named
from members.services.value_keeping import Kind, Status, locked, locked_one, post
from station.models import BusinessDay, User
from station.money import Yuan


@transaction.atomic
def move(*, source: Member, target: Member, day: BusinessDay, at: datetime, actor: User) -> None:
    """Move stored value from one member to another and close the account it was in. Twice is once.

    The limit of a card is not asked: no money comes in. What the closed account paid for comes back
    to the target's. Accounts are locked in the order of their keys.
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
                document=old.number,
                idem=f"merge:{old.pk}:{account.pk}",
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
