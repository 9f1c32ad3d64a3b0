"""Discounts given and taken back, booked to their campaign in the sale's own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.timezone import localtime

from marketing.models import OfferUse, Promotion
from marketing.queries.quoting import Offer
from marketing.queries.uses import uses_left
from marketing.services import lock_uses
from station.errors import Refusal
from station.models import BusinessDay, User
from station.money import ZERO, Yuan, share_yuan


class CapReached(Refusal):
    """The member had his litres of the day meanwhile."""


def book(
    *, offer: Offer, document: str, day: BusinessDay, at: datetime, actor: User | None = None
) -> None:
    """Keep what an offer took off each line of a document. One statement, none without discounts.

    Refuses CapReached where a daily cap has been used up since the quote, and LockSpent where the
    litres of a locked price have.
    """
    given = [(line.position, one) for line in offer.lines for one in line.discounts]
    if given:
        told: dict[str, Any] = {
            "station": day.station_id,
            "day": day.pk,
            "document": document,
            "member": offer.member,
            "at": at,
            "lines": [position for position, _ in given],
            "kinds": [one.key[0] for _, one in given],
            "sources": [int(one.key[1:]) for _, one in given],
            "campaigns": [one.campaign for _, one in given],
            "names": [one.reason for _, one in given],
            "amounts": [one.amount for _, one in given],
        }
        with connection.cursor() as cursor:
            cursor.execute(_BOOK, told)
    for key, litres in offer.litres:
        _count_litres(offer.member, int(key[1:]), litres, offer.at)
    if offer.locked:
        lock_uses.take(litres=offer.locked, document=document, at=at, quoted=offer.at, actor=actor)


# The first letter of an offer's key says what it comes from: coupon, tier's benefit, promotion, lock.
_BOOK = """
INSERT INTO marketing_offeruse (station_id, day_id, document, line, coupon_id, benefit_id,
 promotion_id, lock_id, campaign, name, member_id, amount, occurred_at)
SELECT %(station)s, %(day)s, %(document)s, line, CASE kind WHEN 'C' THEN source END,
 CASE kind WHEN 'T' THEN source END, CASE kind WHEN 'P' THEN source END,
 CASE kind WHEN 'L' THEN source END, campaign, name, %(member)s, amount, %(at)s
FROM UNNEST(%(lines)s::int[], %(kinds)s::text[], %(sources)s::bigint[], %(campaigns)s::text[],
 %(names)s::text[], %(amounts)s::numeric[]) AS given (line, kind, source, campaign, name, amount)
"""

_COUNT = """
INSERT INTO marketing_daylitres (promotion_id, member_id, date, litres, cap)
SELECT id, %(member)s, %(day)s, %(litres)s, cap_litres_day FROM marketing_promotion
 WHERE id = %(promotion)s AND cap_litres_day >= %(litres)s
ON CONFLICT (promotion_id, member_id, date) DO UPDATE
 SET litres = marketing_daylitres.litres + EXCLUDED.litres
 WHERE marketing_daylitres.litres + EXCLUDED.litres <= marketing_daylitres.cap
RETURNING 1
"""


def _count_litres(member: int | None, promotion: int, litres: Decimal, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "member": member,
                "promotion": promotion,
                "day": localtime(at).date(),
                "litres": litres,
            },
        )
        if cursor.fetchone() is None:
            name = Promotion.objects.values_list("name", flat=True).get(pk=promotion)
            raise CapReached(f"没有收款：「{name}」今天的优惠升数刚用完。请重新算一次优惠再收。")


def take_back(
    *,
    sale: str,
    document: str,
    lines: Mapping[int, Yuan],
    whole: bool,
    day: BusinessDay,
    at: datetime,
) -> bool:
    """Take back of a sale's offers what a correction takes back of each line's discount (positive).

    Shared over what is left of the line's offers by largest remainder and never more than that: what
    was taken off by hand on top is no offer and comes last. `whole` takes back all that is left.
    Returns whether a locked price was among the offers. Two statements.
    """
    left = defaultdict(list)
    locked = False
    for use in uses_left(document=sale):
        left[use.line].append(use)
        locked = locked or use.lock_id is not None
    rows = []
    for position, uses in left.items():
        total = sum((one.left for one in uses), ZERO)  # type: ignore[attr-defined]
        part = total if whole else min(lines.get(position, ZERO), total)
        if part <= 0:
            continue
        shares = share_yuan(part, [one.left for one in uses])  # type: ignore[attr-defined]
        rows += [
            _taken(use, share, document=document, day=day, at=at)
            for use, share in zip(uses, shares, strict=True)
            if share
        ]
    OfferUse.objects.bulk_create(rows)
    return locked


def _taken(
    use: OfferUse, share: Yuan, *, document: str, day: BusinessDay, at: datetime
) -> OfferUse:
    return OfferUse(
        station_id=day.station_id,
        day=day,
        document=document,
        line=use.line,
        promotion_id=use.promotion_id,
        coupon_id=use.coupon_id,
        benefit_id=use.benefit_id,
        lock_id=use.lock_id,
        original=use,
        campaign=use.campaign,
        name=use.name,
        member_id=use.member_id,
        amount=-share,
        occurred_at=at,
    )
