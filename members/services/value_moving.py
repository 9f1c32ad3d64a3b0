"""Two members become one: what one's account holds moves to the other's."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Member
from members.queries.value import account_of_member
from members.services.value_accounts import open_named
from members.services.value_keeping import Kind, Status, locked, post
from station.models import BusinessDay, User


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
