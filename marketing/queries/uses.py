"""Discounts that were given: of a document, of a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from marketing.models import OfferUse
from station.fields import YuanField
from station.models import Station
from station.money import ZERO


def uses_of(*, document: str) -> list[OfferUse]:
    """The discounts of a document, line by line in the order in which they were given."""
    return list(OfferUse.objects.filter(document=document).order_by("line", "pk"))


def uses_left(*, document: str) -> list[OfferUse]:
    """The same with `left`: what corrections have not taken back yet."""
    back = Coalesce(Sum("taken_back__amount"), ZERO, output_field=YuanField())
    rows = OfferUse.objects.filter(document=document, original=None)
    return list(rows.annotate(left=F("amount") + back).order_by("line", "pk"))


def costs(
    *, stations: Iterable[Station], since: date, until: date
) -> QuerySet[OfferUse, dict[str, object]]:
    """What each campaign cost between two business days, both included, less what was taken back."""
    rows = OfferUse.objects.filter(
        station__in=list(stations), day__date__gte=since, day__date__lte=until
    )
    return (
        rows.values("campaign")
        .annotate(
            names=Count("name", distinct=True),
            documents=Count("document", distinct=True, filter=Q(original=None)),
            given=Coalesce(Sum("amount", filter=Q(original=None)), ZERO, output_field=YuanField()),
            back=Coalesce(
                -Sum("amount", filter=Q(original__isnull=False)), ZERO, output_field=YuanField()
            ),
            cost=Sum("amount"),
        )
        .order_by("-cost", "campaign")
    )
