"""A document's own history, for any page: {% load history %}{% history sale.number %}."""

from __future__ import annotations

from typing import Any

from django import template

from station.queries.audit import history_of

register = template.Library()


@register.inclusion_tag("station/_history.html")
def history(document: object) -> dict[str, Any]:
    """The audit entries of a document number, newest first."""
    return {"history": history_of(str(document))}
