"""What members bought per day, kept with each purchase and rebuilt from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import localdate

from members.models import Purchase
from members.queries.standing import held_standing
from members.queries.tier_rules import terms_at
from members.queries.tier_standings import Whose
from members.services import tiers
from station.money import NO_LITRES, ZERO


@dataclass(frozen=True)
class _Bought:
    """What one document adds to a member's date; a refund's figures are negative."""

    member_id: int
    at: datetime
    spend: Decimal
    litres: Decimal
    document: str
    original: str


def measure(rows: Sequence[Purchase], *, held: int | None = None) -> None:
    """Count purchases for the tiers of their members, and let the tiers follow at once.

    A visit is a sale of which something is paid and not given back. A refund counts on the date of
    its sale. No statement without a member; four with one whose tier stays, three where the caller
    has locked him (`held`). The caller holds the transaction and has written the purchases.
    """
    known = sorted(
        (row for row in rows if row.member_id is not None),
        key=lambda row: (row.member_id or 0, row.document),
    )
    for (member_id, document), lines in groupby(
        known, key=lambda row: (row.member_id or 0, row.document)
    ):
        # A refund names who bought, perhaps merged since.
        whose = member_id if member_id == held else held_standing(member_id).member_id
        _count(_bought(member_id, document, list(lines)), whose)


def _bought(member_id: int, document: str, lines: Sequence[Purchase]) -> _Bought:
    fuel = [Decimal(one.quantity) for one in lines if one.kind == "FUEL"]
    return _Bought(
        member_id=member_id,
        at=lines[0].occurred_at,
        spend=sum((Decimal(one.net) for one in lines), ZERO),
        litres=sum(fuel, NO_LITRES),
        document=document,
        original=lines[0].original,
    )


def _count(one: _Bought, whose: int) -> None:
    if one.original:
        began, left = _left_of(one)
        visits = int(left > 0) - int(left - one.spend > 0)
    else:
        began, visits = one.at, int(one.spend > 0)
    _add(replace(one, member_id=whose), began, visits)
    terms = terms_at(localdate(one.at))
    if terms is None:
        return
    if one.original:
        tiers.take_back(terms=terms, member_id=whose, at=one.at)
    tiers.evaluate(terms=terms, whose=Whose(ids=(whose,)), at=one.at)


def _left_of(one: _Bought) -> tuple[datetime, Decimal]:
    """When the sale of a refund was made, and what is left of it with the refund taken off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(MIN(occurred_at) FILTER (WHERE original = ''), MIN(occurred_at)),"
            " SUM(net) FROM members_purchase"
            " WHERE member_id = %(member)s AND (document = %(root)s OR original = %(root)s)",
            {"member": one.member_id, "root": one.original},
        )
        began, left = cursor.fetchone()
    return began, left


_ADD = """
INSERT INTO members_tiermeasuredaily AS own (member_id, date, spend, litres, visits)
VALUES (%(member)s, %(date)s, %(spend)s, %(litres)s, %(visits)s)
ON CONFLICT (member_id, date) DO UPDATE SET spend = own.spend + EXCLUDED.spend,
    litres = own.litres + EXCLUDED.litres, visits = own.visits + EXCLUDED.visits
"""


def _add(one: _Bought, began: datetime, visits: int) -> None:
    values: dict[str, Any] = {
        "member": one.member_id,
        "date": localdate(began),
        "spend": one.spend,
        "litres": one.litres,
        "visits": visits,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)


# The measures as the purchases give them: each document with its refunds, on the sale's own date, for
# whom a merged member became.
_FROM = """
SELECT member_id, (began AT TIME ZONE %(zone)s)::date AS date, SUM(spend) AS spend,
    SUM(litres) AS litres, COUNT(*) FILTER (WHERE spend > 0) AS visits
FROM (
    SELECT COALESCE(one.merged_into_id, one.id) AS member_id,
        COALESCE(NULLIF(original, ''), document) AS root, SUM(net) AS spend,
        COALESCE(SUM(quantity) FILTER (WHERE kind = 'FUEL'), 0) AS litres,
        COALESCE(MIN(occurred_at) FILTER (WHERE original = ''), MIN(occurred_at)) AS began
    FROM members_purchase bought JOIN members_member one ON one.id = bought.member_id
    WHERE {which} GROUP BY 1, root) AS documents
GROUP BY member_id, date
"""


FROM_PURCHASES = _FROM.format(which="TRUE")


@transaction.atomic
def rebuild() -> int:
    """Make the measures anew from the purchases; returns how many rows were wrong or missing.

    Tills wait while it runs (the table is locked), so that no sale is counted twice or not at all.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE members_tiermeasuredaily IN EXCLUSIVE MODE")
    return _rebuilt(FROM_PURCHASES, "TRUE", [])


@transaction.atomic(savepoint=False)
def rebuild_of(*, member_ids: Sequence[int]) -> int:
    """The same for some members, after a merge or its undoing; the caller holds them."""
    theirs = _FROM.format(which="COALESCE(one.merged_into_id, one.id) = ANY(%(ids)s)")
    return _rebuilt(theirs, "own.member_id = ANY(%(ids)s)", member_ids)


def _rebuilt(good: str, which: str, ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH good AS ({good}), gone AS (DELETE FROM members_tiermeasuredaily own"
            f" WHERE {which} AND NOT EXISTS (SELECT FROM good WHERE good.member_id = own.member_id"
            "  AND good.date = own.date) RETURNING 1), put AS ("
            " INSERT INTO members_tiermeasuredaily AS own (member_id, date, spend, litres, visits)"
            " SELECT * FROM good ON CONFLICT (member_id, date) DO UPDATE SET spend = EXCLUDED.spend,"
            "  litres = EXCLUDED.litres, visits = EXCLUDED.visits"
            "  WHERE (own.spend, own.litres, own.visits)"
            "   IS DISTINCT FROM (EXCLUDED.spend, EXCLUDED.litres, EXCLUDED.visits) RETURNING 1)"
            " SELECT (SELECT COUNT(*) FROM gone) + (SELECT COUNT(*) FROM put)",
            {"zone": settings.TIME_ZONE, "ids": list(ids)},
        )
        (changed,) = cursor.fetchone()
    return int(changed)
