"""不记名卡的有效期: until when a card is good, and which cards come near it or are over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.timezone import localtime

from members.models import ValueAccount
from station.models import Station
from station.queries import settings

YEARS, WARN = "members.value_bearer_years", "members.value_bearer_warn_days"
LAW_LEAST = 3  # years


def last_day(*, on: date, years: int) -> date:
    """The same day so many years later, 1 March where there is no 29 February. Pure."""
    try:
        return on.replace(year=on.year + years)
    except ValueError:
        return date(on.year + years, 3, 1)


def last_day_from(*, station: Station, at: datetime) -> date:
    """Until when a bearer card is good that is sold or renewed now. One statement."""
    years = min(max(settings.whole(YEARS, station), LAW_LEAST), 100)
    return last_day(on=localtime(at).date(), years=years)


def warns_until(*, station: Station, at: datetime) -> date:
    """Cards whose last day is not after this one come near it, or are over. One statement."""
    days = min(settings.whole(WARN, station), 3650)
    return localtime(at).date() + timedelta(days=days)


def cards_until(*, stations: Iterable[Station], until: date) -> QuerySet[ValueAccount]:
    """Bearer cards with money on them whose last day is not after `until`."""
    rows = ValueAccount.objects.filter(kind=ValueAccount.Kind.BEARER, expires_on__lte=until)
    something = Q(principal__gt=0) | Q(bonus__gt=0)
    return rows.filter(something, station__in=list(stations)).order_by("expires_on", "pk")
