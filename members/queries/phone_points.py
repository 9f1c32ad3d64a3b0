"""A member's points on his phone: the five figures, what expires when, and the ledger in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Sum

from members.models import Member, PointsAccount, PointsLot
from members.queries.points import (
    Entry,
    Wallet,
    account_of,
    in_words,
    ledger_of,
    sentences,
    wallet_at,
)
from members.queries.points_expiry import last_day

PAGE = 20
DATES = 12  # as many last days as a phone shows without scrolling for ever


@dataclass(frozen=True, slots=True)
class Bar:
    """Points of one last day; `share` in percent of the largest, for the bar beside it."""

    until: date | None
    points: int
    share: int


@dataclass(frozen=True, slots=True)
class PointsPage:
    """What the page shows. `older` is the key of the last row where more follow, else 0."""

    wallet: Wallet
    bars: tuple[Bar, ...]
    entries: tuple[Entry, ...]
    older: int


def points_page(*, member: Member, at: datetime, before: int = 0) -> PointsPage:
    """The page of a member; `before` is the key of the last row known. Six statements at most."""
    account = account_of(member_id=member.pk)
    if account is None:
        return PointsPage(Wallet(), (), (), 0)
    rows = ledger_of(account).order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    shown = found[:PAGE]
    return PointsPage(
        wallet_at(account=account, at=at),
        _bars(account, at),
        tuple(Entry(one, in_words(one), sentences(one)) for one in shown),
        shown[-1].pk if len(found) > PAGE else 0,
    )


def _bars(account: PointsAccount, at: datetime) -> tuple[Bar, ...]:
    """What can still be used, by its last day; None: for ever. Points that wait are among them."""
    lots = PointsLot.objects.filter(account=account, remaining__gt=0)
    sums: dict[date | None, int] = {}
    rows = lots.values_list("expires_at").annotate(points=Sum("remaining")).order_by("expires_at")
    for expires, points in rows:  # what never expires comes last
        if expires is None or expires > at:
            until = last_day(expires) if expires else None
            sums[until] = sums.get(until, 0) + points
    most = max(sums.values(), default=1)
    return tuple(
        Bar(until, points, max(1, points * 100 // most))
        for until, points in list(sums.items())[:DATES]
    )
