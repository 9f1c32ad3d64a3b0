"""A member's stored value on his phone: balance, and the rows in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from members.models import Member, ValueAccount
from members.queries.value import account_of_member, in_words, rows_of
from station.money import ZERO, Yuan

PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One movement as a member reads it, with what it left; `key` pages on from it."""

    key: int
    at: datetime
    words: str
    change: Yuan
    left: Yuan
    where: str
    document: str


@dataclass(frozen=True, slots=True)
class ValuePage:
    """What the page shows; no account where he never topped up. `older` is 0 where no more follow."""

    account: ValueAccount | None = None
    rows: tuple[Row, ...] = ()
    older: int = 0

    @property
    def total(self) -> Yuan:
        return self.account.principal + self.account.bonus if self.account else ZERO

    @property
    def state(self) -> str:
        return self.account.status if self.account else ""


def value_page(*, member: Member, before: int = 0) -> ValuePage:
    """The page of a member; `before` is the key of the last row known. Two statements."""
    account = account_of_member(member.pk)
    if account is None:
        return ValuePage()
    rows = rows_of(account).order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    shown = tuple(
        Row(
            one.pk,
            one.occurred_at,
            in_words(one),
            one.principal + one.bonus,
            one.principal_after + one.bonus_after,
            one.station.name,
            one.document,
        )
        for one in found[:PAGE]
    )
    return ValuePage(account, shown, shown[-1].key if len(found) > PAGE else 0)
