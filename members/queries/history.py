"""What a member bought: every sale line with its money and points; totals equal the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from members.models import Member, Purchase
from members.queries.merged import ids_of
from station.models import Station
from station.money import ZERO, Yuan
from station.queries.listing import within

KINDS = (("FUEL", "加油"), ("GOODS", "便利店"), ("SERVICE", "服务"))


@dataclass(frozen=True, slots=True)
class Sums:
    """What all of it comes to, refunds taken off."""

    visits: int
    litres: Decimal
    net: Yuan
    points: int


def purchases_of(
    member: Member,
    *,
    since: date | None = None,
    until: date | None = None,
    kind: str = "",
    station: Station | None = None,
    product: str = "",
) -> QuerySet[Purchase]:
    """Lines bought by a member and by those merged into him; refunds are negative lines."""
    rows = Purchase.objects.filter(member__in=ids_of(member)).select_related("station")
    rows = within(rows, "occurred_at", since=since, until=until)
    if kind:
        rows = rows.filter(kind=kind)
    if station:
        rows = rows.filter(station=station)
    if product:
        rows = rows.filter(product__icontains=product)
    return rows


def sums_of(member: Member) -> Sums:
    """The totals over everything a member bought. Two statements."""
    found = purchases_of(member).aggregate(
        visits=Count("document", distinct=True, filter=Q(net__gt=0)),
        litres=Sum("quantity", filter=Q(kind="FUEL")),
        net=Sum("net"),
        points=Sum("points"),
    )
    return Sums(
        found["visits"],
        found["litres"] or Decimal(0),
        found["net"] or ZERO,
        found["points"] or 0,
    )


def latest(member: Member, *, most: int = 10) -> list[Purchase]:
    """What a member bought last, refunds among it as negative rows."""
    return list(purchases_of(member).order_by("-occurred_at", "-id")[:most])
