"""Discounts that were given: of a document, of a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from marketing.models import OfferUse
from station.fields import YuanField
from station.models import Station
from station.money import ZERO, Yuan


def uses_of(*, document: str) -> list[OfferUse]:
    """The discounts of a document, line by line in the order in which they were given."""
    return list(OfferUse.objects.filter(document=document).order_by("line", "pk"))


def uses_left(*, document: str) -> list[OfferUse]:
    """The same with `left`: what corrections have not taken back yet."""
    back = Coalesce(Sum("taken_back__amount"), ZERO, output_field=YuanField())
    rows = OfferUse.objects.filter(document=document, original=None)
    return list(rows.annotate(left=F("amount") + back).order_by("line", "pk"))


@dataclass(frozen=True)
class Cost:
    """What a campaign cost: `given` less what refunds took `back`."""

    campaign: str
    documents: int
    given: Yuan
    back: Yuan

    @property
    def cost(self) -> Yuan:
        """What is left."""
        return self.given - self.back


def costs(*, stations: Iterable[Station], since: date, until: date) -> list[Cost]:
    """What each campaign cost between two business days, both included, dearest first."""
    rows = OfferUse.objects.filter(
        station__in=list(stations), day__date__gte=since, day__date__lte=until
    )
    given, back = Q(original=None), Q(original__isnull=False)
    sums = rows.values_list("campaign").annotate(
        documents=Count("document", distinct=True, filter=given),
        plus=Sum("amount", filter=given),
        minus=Sum("amount", filter=back),
    )
    found = [
        Cost(campaign, documents, plus or ZERO, -(minus or ZERO))
        for campaign, documents, plus, minus in sums
    ]
    return sorted(found, key=lambda one: (-one.cost, one.campaign))
