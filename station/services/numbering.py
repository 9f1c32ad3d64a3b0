"""Document numbers: 站-机-日-序 in a series of the till, so that tills never wait for each other."""

from __future__ import annotations

from datetime import date

from django.db import connection

from station.models import Station


def next_number(*, station: Station, kind: str, day: date, till: int = 0) -> str:
    """The next number of a series, such as ``S01-1-20260422-0007`` for kind "S" at till 1.

    Kinds are one to three capital letters, one per sort of document. Till 0 is the back office.
    A number given back by a rolled-back transaction is given again; gaps cannot appear within one
    till's series. One statement.
    """
    return next_in(f"{kind}{station.code}-{till}-{day:%Y%m%d}-", width=4)


def next_in(prefix: str, *, width: int) -> str:
    """The next number of a series that goes on for ever, such as ``MS01000001``. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO station_numberseries (prefix, last) VALUES (%s, 1)"
            " ON CONFLICT (prefix) DO UPDATE SET last = station_numberseries.last + 1 RETURNING last",
            [prefix],
        )
        (last,) = cursor.fetchone()
    return f"{prefix}{last:0{width}d}"


def next_block(prefix: str, *, width: int, count: int) -> list[str]:
    """`count` numbers of a series at once, for what is taken in by thousands. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO station_numberseries (prefix, last) VALUES (%(prefix)s, %(count)s)"
            " ON CONFLICT (prefix) DO UPDATE SET last = station_numberseries.last + %(count)s"
            " RETURNING last",
            {"prefix": prefix, "count": count},
        )
        (last,) = cursor.fetchone()
    return [f"{prefix}{number:0{width}d}" for number in range(last - count + 1, last + 1)]
