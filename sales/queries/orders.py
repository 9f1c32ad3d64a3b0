"""订单付油: the fills that documents of a shift took, whichever shift they were delivered in."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from station.models import Shift
from station.money import NO_LITRES, ZERO, Litres, Yuan

# A claim counts for the shift of its document, and against the shift of the one that released it;
# a drive-off that was recovered is a sale from then on.
_TAKEN = """
SELECT f.nozzle_id,
       SUM(CASE WHEN f.shift_id = %(shift)s THEN f.litres * c.sign ELSE 0 END),
       SUM(CASE WHEN f.shift_id <> %(shift)s THEN f.litres * c.sign ELSE 0 END),
       SUM(f.amount * c.sign)
FROM (
    SELECT k.fill_id, 1 AS sign
    FROM sales_sale s JOIN sales_fillclaim k ON k.document = s.number AND k.kind = 'SALE'
    WHERE s.shift_id = %(shift)s
    UNION ALL
    SELECT k.fill_id, 1
    FROM sales_driveoff d JOIN sales_fillclaim k ON k.document = d.number AND k.kind = 'DRIVE_OFF'
    WHERE d.shift_id = %(shift)s
    UNION ALL
    SELECT k.fill_id, -1
    FROM sales_sale s JOIN sales_fillclaim k
        ON k.released_by_document = s.number AND k.released_by_document <> ''
        AND k.kind = 'SALE'
    WHERE s.shift_id = %(shift)s
    UNION ALL
    SELECT d.fill_id, -1
    FROM sales_sale s JOIN sales_driveoff d ON d.recovered_by_sale_id = s.id
    WHERE s.shift_id = %(shift)s
) c
JOIN devices_fill f ON f.id = c.fill_id
GROUP BY f.nozzle_id
"""


@dataclass(frozen=True)
class Taken:
    """Litres of one nozzle that documents of a shift took: of its own run, and of earlier ones."""

    own: Litres = NO_LITRES
    other: Litres = NO_LITRES
    amount: Yuan = ZERO


def taken(shift: Shift) -> dict[int, Taken]:
    """Litres and yuan (as the pumps said) under documents of a shift, by nozzle id. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, {"shift": shift.pk})
        return {row[0]: Taken(*row[1:]) for row in cursor.fetchall()}
