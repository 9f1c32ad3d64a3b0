"""储值负债: what is owed to customers at the end of a day, and how it came there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from django.db.models import QuerySet, Sum

from members.models import ValueTxn
from station.models import Station
from station.money import ZERO, Yuan

Kind = ValueTxn.Kind
# Which column of the report a kind of row stands in.
COLUMNS: dict[str, str] = {
    Kind.TOPUP: "topped_up",
    Kind.BONUS: "topped_up",
    Kind.SPEND: "spent",
    Kind.SPEND_CANCEL: "spent",
    Kind.REFUND: "refunded",
    Kind.RECOVER: "recovered",
    Kind.OUT: "moved",
    Kind.IN: "moved",
    Kind.ADJUST: "moved",
    Kind.IMPORT: "moved",
}


@dataclass(frozen=True)
class Side:
    """Principal or bonus over a range: opening + topped up − spent − refunded − recovered ± moved."""

    opening: Yuan = ZERO
    topped_up: Yuan = ZERO
    spent: Yuan = ZERO
    refunded: Yuan = ZERO
    recovered: Yuan = ZERO
    moved: Yuan = ZERO

    @property
    def closing(self) -> Yuan:
        """What is owed at the end. Spent, refunded and recovered are negative already."""
        return sum((getattr(self, one.name) for one in fields(self)), ZERO)


@dataclass(frozen=True)
class Liability:
    """What some stations' customers are owed, principal and bonus apart."""

    principal: Side = Side()
    bonus: Side = Side()
    accounts: int = 0

    @property
    def closing(self) -> Yuan:
        return self.principal.closing + self.bonus.closing


def liability(*, stations: Iterable[Station], since: date, until: date) -> Liability:
    """Movements booked at some stations from one day to another, both included. Two statements.

    By business day: a closed day says the same for ever.
    """
    rows = ValueTxn.objects.filter(station__in=list(stations))
    before = rows.filter(day__date__lt=since).aggregate(
        principal=Sum("principal", default=ZERO), bonus=Sum("bonus", default=ZERO)
    )
    within = rows.filter(day__date__gte=since, day__date__lte=until)
    sums = _by_column(within)
    return Liability(
        principal=Side(opening=before["principal"], **sums["principal"]),
        bonus=Side(opening=before["bonus"], **sums["bonus"]),
        accounts=within.values("account").distinct().count(),
    )


def by_day(
    *, stations: Iterable[Station], since: date, until: date
) -> list[tuple[date, Side, Side]]:
    """Each day on which something moved: its date, principal and bonus. Opening stays out."""
    rows = ValueTxn.objects.filter(
        station__in=list(stations), day__date__gte=since, day__date__lte=until
    )
    found: dict[date, dict[str, dict[str, Yuan]]] = {}
    for day, kind, principal, bonus in (
        rows.order_by()
        .values_list("day__date", "kind")
        .annotate(p=Sum("principal"), b=Sum("bonus"))
        .order_by("day__date")
    ):
        sides = found.setdefault(day, {"principal": {}, "bonus": {}})
        column = COLUMNS[kind]
        for side, amount in (("principal", principal), ("bonus", bonus)):
            sides[side][column] = sides[side].get(column, ZERO) + amount
    return [
        (day, Side(**sides["principal"]), Side(**sides["bonus"])) for day, sides in found.items()
    ]


def _by_column(rows: QuerySet[ValueTxn]) -> dict[str, dict[str, Yuan]]:
    sums: dict[str, dict[str, Yuan]] = {"principal": {}, "bonus": {}}
    for kind, principal, bonus in (
        rows.order_by().values_list("kind").annotate(p=Sum("principal"), b=Sum("bonus"))
    ):
        column = COLUMNS[kind]
        sums["principal"][column] = sums["principal"].get(column, ZERO) + principal
        sums["bonus"][column] = sums["bonus"].get(column, ZERO) + bonus
    return sums
