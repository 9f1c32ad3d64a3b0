"""现金保管: who holds which cash now, until the bank has it.

Takings (cash counted less the float that stays with the till) are with the person who accepted
them, safe drops in the safe, and what is not accepted yet with its cashier.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from sales.models import CashMovement, Deposit
from sales.queries.sessions import takings
from station.models import Station, TillSession
from station.money import ZERO, Yuan

Status = TillSession.Status


@dataclass(frozen=True)
class Holding:
    """One heap of cash that is not in the bank."""

    holder: str
    what: str
    amount: Yuan
    since: datetime
    session: TillSession | None = None
    drop: CashMovement | None = None


@dataclass(frozen=True)
class Holder:
    """Everything one person (or the safe) holds."""

    name: str
    amount: Yuan
    since: datetime
    count: int


@dataclass(frozen=True)
class Custody:
    """未缴存: cash that is counted or dropped and not in the bank, by who holds it."""

    holdings: tuple[Holding, ...]
    counting: tuple[TillSession, ...]
    selling: tuple[TillSession, ...]

    @property
    def total(self) -> Yuan:
        """Yuan not yet banked. What is still in drawers that nobody counted is not in it."""
        return sum((holding.amount for holding in self.holdings), ZERO)

    @property
    def holders(self) -> list[Holder]:
        """Who holds how much, the largest first."""
        heaps: dict[str, list[Holding]] = defaultdict(list)
        for holding in self.holdings:
            heaps[holding.holder].append(holding)
        rows = [
            Holder(
                name,
                sum((holding.amount for holding in heap), ZERO),
                min(holding.since for holding in heap),
                len(heap),
            )
            for name, heap in heaps.items()
        ]
        return sorted(rows, key=lambda row: (-row.amount, row.name))


def custody(*, station: Station) -> Custody:
    """Who holds the station's cash now. Three statements."""
    sessions = TillSession.objects.filter(station=station).select_related(
        "till", "cashier", "count__accepted_by", "shift__day"
    )
    waiting = sessions.filter(status=Status.CLOSED, deposit_line=None).order_by("closed_at", "pk")
    holdings = [
        Holding(
            holder=str(session.count.accepted_by),
            what=f"{session.shift} {session.till} {session.cashier} 营业款",
            amount=takings(session),
            since=session.closed_at or session.opened_at,
            session=session,
        )
        for session in waiting
    ]
    holdings += [
        Holding(
            holder="保险柜",
            what=f"{drop.session.till} {drop.session.cashier} 中途缴款 {drop.number}",
            amount=-drop.amount,
            since=drop.occurred_at,
            drop=drop,
        )
        for drop in undeposited_drops(station)
    ]
    live = list(
        sessions.filter(status__in=[Status.OPEN, Status.ENDED, Status.COUNTED]).order_by("pk")
    )
    return Custody(
        holdings=tuple(holdings),
        counting=tuple(session for session in live if session.status != Status.OPEN),
        selling=tuple(session for session in live if session.status == Status.OPEN),
    )


def undeposited_drops(station: Station) -> QuerySet[CashMovement]:
    """Safe drops that no deposit took to the bank, oldest first."""
    return (
        CashMovement.objects.filter(station=station, kind=CashMovement.Kind.DROP, deposit_line=None)
        .select_related("session__till", "session__cashier")
        .order_by("occurred_at", "pk")
    )


def deposits(*, station: Station) -> QuerySet[Deposit]:
    """What was brought to the bank, to be ordered by the list."""
    return Deposit.objects.filter(station=station).select_related("actor", "day")
