"""Look for members who are one person: by a plate both had, by phone tail and name, by birthday."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from difflib import SequenceMatcher
from itertools import combinations

from django.db import connection, transaction

from members.models import DuplicatePair, Member
from members.services.noting import about
from station.models import User
from station.services.sealing import unseal

ALIKE = 0.65  # of two names, from 0 to 1
MOST_OF_A_TAIL = 30  # a tail that more share says nothing; equal names are asked for by index

_LIVING = "{0}.status IN ('ACTIVE', 'FROZEN')"
_BY_PLATE = f"""
SELECT DISTINCT a.member_id, b.member_id FROM members_vehicle a
JOIN members_vehicle b ON b.plate_index = a.plate_index AND b.member_id > a.member_id
JOIN members_member m ON m.id = a.member_id JOIN members_member n ON n.id = b.member_id
WHERE a.plate_index <> '' AND {_LIVING.format("m")} AND {_LIVING.format("n")}
"""
_BY_NAME = f"""
SELECT m.id, n.id, m.phone_tail_index = n.phone_tail_index FROM members_member m
JOIN members_member n ON n.name_index = m.name_index AND n.id > m.id
WHERE m.name_index <> '' AND {_LIVING.format("m")} AND {_LIVING.format("n")} AND (
 (m.phone_tail_index <> '' AND m.phone_tail_index = n.phone_tail_index)
 OR (m.birthday_index <> '' AND m.birthday_index = n.birthday_index))
"""
_TAILS = """
SELECT array_agg(id ORDER BY id) FROM members_member
WHERE phone_tail_index <> '' AND status IN ('ACTIVE', 'FROZEN')
GROUP BY phone_tail_index HAVING count(*) BETWEEN 2 AND %s
"""

Pairs = dict[tuple[int, int], dict[str, int]]


def find(*, at: datetime) -> int:
    """Propose every pair that is not proposed yet; returns how many. Run again it adds nothing.

    The pairs that somebody dismissed stay dismissed.
    """
    pairs: Pairs = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_BY_PLATE)
        for first, second in cursor.fetchall():
            pairs[first, second]["用过同一车牌"] = 90
        cursor.execute(_BY_NAME)
        for first, second, tail in cursor.fetchall():
            pairs[first, second]["姓名和手机尾号相同" if tail else "姓名和生日相同"] = 85
        cursor.execute(_TAILS, [MOST_OF_A_TAIL])
        groups = [row[0] for row in cursor.fetchall()]
    _by_likeness(groups, pairs)
    before = DuplicatePair.objects.count()
    DuplicatePair.objects.bulk_create(
        (
            DuplicatePair(
                first_id=first,
                second_id=second,
                reasons="，".join(why)[:100],
                score=min(99, max(why.values()) + 5 * (len(why) - 1)),
                found_at=at,
            )
            for (first, second), why in sorted(pairs.items())
        ),
        ignore_conflicts=True,
        batch_size=2000,
    )
    return DuplicatePair.objects.count() - before


def _by_likeness(groups: Iterable[list[int]], pairs: Pairs) -> None:
    """Names that are alike among those whose phones end alike: opened here, kept nowhere."""
    groups = list(groups)
    wanted = [pk for group in groups for pk in group]
    rows = Member.objects.filter(pk__in=wanted).select_related("key")
    names = {row.pk: unseal(row.key, row.name_sealed) for row in rows.iterator(chunk_size=2000)}
    for group in groups:
        for first, second in combinations(group, 2):
            one, other = names.get(first, ""), names.get(second, "")
            if not one or not other or one == other:
                continue
            like = SequenceMatcher(None, one, other).ratio()
            if like >= ALIKE:
                pairs[first, second]["手机尾号相同，姓名相近"] = round(like * 80)


@transaction.atomic
def dismiss(*, pair: DuplicatePair, at: datetime, actor: User) -> None:
    """They are two persons; the pair is not shown again. Twice is once."""
    rows = DuplicatePair.objects.filter(pk=pair.pk, dismissed_at=None)
    if rows.update(dismissed_at=at, dismissed_by=actor):
        told = {"不是同一人": f"{pair.first.number}，{pair.second.number}"}
        about(pair.first).note("members.pair.dismissed", at, actor, after=told)
