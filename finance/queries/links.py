"""Where a figure opens onto: the pages of other floors, by name, as the menu reaches them."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse


def link(name: str, *args: object, **query: object) -> str:
    """The address of a named page with a query; nothing where the house has no such page."""
    if not name:
        return ""
    try:
        address = reverse(name, args=args or None)
    except NoReverseMatch:
        return ""
    return f"{address}?{urlencode(query)}" if query else address


def on(day: date) -> dict[str, date]:
    """The query of a list for one business day."""
    return {"since": day, "until": day}
