"""What of a sale may still be given back: by line, and by tender."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from sales.models import Payment, Sale, SaleLine, Tender
from station.money import NO_LITRES, ZERO, Yuan

LIVE = [Payment.Status.SUCCESS, Payment.Status.PENDING, Payment.Status.CREATED]


@dataclass(frozen=True)
class LineLeft:
    """A line of a sale and what of it was not given back yet."""

    line: SaleLine
    quantity: Decimal
    list_amount: Yuan
    net: Yuan


def lines_left(*, sale: Sale) -> list[LineLeft]:
    """Every line with what is left of its quantity and net after earlier refunds. One statement."""
    lines = sale.lines.select_related("fill__nozzle", "grade", "item__category").annotate(
        back_quantity=Sum("refunds__quantity"),
        back_list=Sum("refunds__list_amount"),
        back_net=Sum("refunds__net"),
    )
    return [
        LineLeft(
            line=line,
            quantity=line.quantity + (line.back_quantity or NO_LITRES),
            list_amount=line.list_amount + (line.back_list or ZERO),
            net=line.net + (line.back_net or ZERO),
        )
        for line in lines.order_by("position")
    ]


def tenders_left(*, sale: Sale) -> dict[Tender, Yuan]:
    """What each tender brought in, less change and what went back; cash last. Two statements."""
    sums = dict(
        Payment.objects.filter(sale__in=[sale.pk, *_corrections(sale)], status__in=LIVE)
        .values_list("tender")
        .annotate(total=Sum("amount"))
    )
    tenders = Tender.objects.filter(pk__in=sums)
    ordered = sorted(tenders, key=lambda one: (one.kind == Tender.Kind.CASH, one.position))
    return {tender: sums[tender.pk] for tender in ordered if sums[tender.pk] > 0}


def _corrections(sale: Sale) -> list[int]:
    return list(sale.corrections.values_list("pk", flat=True))
