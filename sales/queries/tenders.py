"""Ways of paying by name, for whoever below asks by settings.TENDERS."""

from __future__ import annotations

from sales.models import Tender


def names() -> dict[str, str]:
    """The name of each way of paying in use, by its code in the till's order. One statement."""
    rows = Tender.objects.filter(active=True).order_by("position", "code")
    return dict(rows.values_list("code", "name"))
