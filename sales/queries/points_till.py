"""Points on the till's screen and on receipts: what a member has, what a basket would earn."""

from __future__ import annotations

from typing import Any

from members.queries.points import points_of
from sales.models import Sale


def gained_by(sale: Sale) -> dict[str, Any] | None:
    """What a sale did to its member's points, for the screen; None without a member."""
    if sale.member_id is None:
        return None
    told = points_of(document=sale.number)
    return {"earned": told.earned, "spent": told.spent, "balance": told.balance}
