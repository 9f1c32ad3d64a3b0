"""待处理, open ones first."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.db.models.functions import Abs

from sales.models import Discrepancy
from station.models import Station
from station.queries import wording

# What a sum of them involves: money that came in twice does not make up for money that did not.
INVOLVED = Sum(Abs("amount"))


def discrepancies_of(
    *, station: Station, status: str = "", kind: str = ""
) -> QuerySet[Discrepancy]:
    """What did not fit at a station, by status and kind."""
    rows = Discrepancy.objects.filter(station=station).select_related("resolved_by", "day")
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    return rows


def worth(one: Discrepancy) -> Decimal | str:
    """涉及金额; where it is how much more or less was taken, with that word and no sign."""
    if one.kind == Discrepancy.Kind.AMOUNT_DIFFERS:
        return wording.more_less_yuan(one.amount)
    amount: Decimal = one.amount
    return amount
