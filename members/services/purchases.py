"""What was bought comes down from the sale, in the sale's own transaction."""

from __future__ import annotations

from collections.abc import Sequence

from members.models import Purchase


def hand_down(rows: Sequence[Purchase]) -> None:
    """Keep the purchases of one sale, refund or reversal (negative rows). One statement.

    The caller holds the transaction: a purchase without its sale cannot be.
    """
    Purchase.objects.bulk_create(rows)
