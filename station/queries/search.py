"""The one search field: what a provider answers, and asking them all.

Providers are named in settings.SEARCH, so that the ground floor reaches the floors above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from station.models import Station, User

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: 会员, 销售单, 商品…; where it opens; a line that tells it from its likes."""

    kind: str
    title: str
    href: str
    note: str = ""


Provider = Callable[..., list[Hit]]


@cache
def providers() -> tuple[Provider, ...]:
    """The functions that settings.SEARCH names; a name that leads nowhere is logged, not fatal."""
    found = []
    for name in settings.SEARCH:
        try:
            found.append(import_string(name))
        except ImportError:
            log.error("search_provider_missing", name=name)
    return tuple(found)


def search(*, query: str, user: User, stations: QuerySet[Station]) -> list[Hit]:
    """Ask every provider for a document number, plate, phone or barcode. Nothing for an empty query."""
    query = query.strip()
    if not query:
        return []
    return [hit for ask in providers() for hit in ask(query=query, user=user, stations=stations)]
