"""What was bought comes down from the sale, in the sale's own transaction."""

from __future__ import annotations

from collections.abc import Sequence

from members.models import Purchase
from members.services.tier_measures import measure


def hand_down(rows: Sequence[Purchase], *, held: int | None = None) -> None:
    """Keep the purchases of one sale, refund or reversal (negative rows). One statement.

    With a member they count for his tier, which may rise at once. `held`: the member whom the
    caller has locked. The caller holds the transaction: a purchase without its sale cannot be.
    """
    Purchase.objects.bulk_create(rows)
    measure(rows, held=held)
