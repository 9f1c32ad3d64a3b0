"""Who has just arrived with priority: a card read at an island, of a member whose tier gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection

from station.models import Island, Station

SHOWN = timedelta(minutes=5)

# Only readers at islands are asked, each for its last reads.
_SQL = """
SELECT DISTINCT ON (i.number) i.number, i.name, t.name, b.words
FROM devices_reader r JOIN station_island i ON i.id = r.island_id AND i.station_id = %(station)s
CROSS JOIN LATERAL (SELECT * FROM devices_swipe w WHERE w.reader_id = r.id ORDER BY w.id DESC LIMIT 3) w
JOIN devices_card c ON c.id = w.card_id AND c.status = 'ACTIVE' AND c.meaning = 'MEMBER_CARD'
JOIN members_member m0 ON m0.number = c.document
JOIN members_member m ON m.id = COALESCE(m0.merged_into_id, m0.id) AND m.status = 'ACTIVE'
JOIN members_membertier h ON h.member_id = m.id AND h.since <= %(at)s
 AND (h.until IS NULL OR h.until > %(at)s)
JOIN members_tier t ON t.id = h.tier_id
JOIN members_tierbenefit b ON b.tier_id = t.id AND b.kind = 'PRIORITY' AND b.since <= %(at)s
 AND (b.until IS NULL OR b.until > %(at)s)
WHERE w.occurred_at > %(since)s AND w.occurred_at <= %(at)s
ORDER BY i.number, t.rank DESC, w.id DESC
"""


def arrived(*, station: Station, at: datetime) -> Mapping[str, str]:
    """What the wall says at an island where such a member waits, by the island's name. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"station": station.pk, "at": at, "since": at - SHOWN})
        return {
            str(Island(number=number, name=name)): f"{tier} {words}"
            for number, name, tier, words in cursor.fetchall()
        }
