"""券码: random, long enough not to be guessed, and slow to be tried."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction

from marketing.models import CodeTry
from station.errors import Refusal
from station.models import Station
from station.queries import settings

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWX"  # thirty letters, none that is read as another
LENGTH = 14
WINDOW = timedelta(minutes=10)


class TooManyTries(Refusal):
    """Wrong codes were typed too often."""


def new_code() -> str:
    """A code of fourteen letters: 5·10²⁰ of them."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_code(text: str) -> str:
    """A code as it is kept: capitals without blanks and dashes."""
    return "".join(one for one in text.upper() if one.isalnum())[:20]


def check_tries(*, subject: str, station: Station, at: datetime) -> None:
    """Refuses TooManyTries a subject that typed too many wrong codes in the last ten minutes."""
    most = settings.whole("marketing.wrong_codes", station)
    row = CodeTry.objects.filter(subject=subject, since__gt=at - WINDOW).first()
    if row is not None and row.wrong >= most:
        raise TooManyTries("没有查券：输错太多次。请过十分钟再试，或让顾客出示二维码。")


_WRONG = """
INSERT INTO marketing_codetry (subject, since, wrong) VALUES (%(subject)s, %(at)s, %(wrong)s)
ON CONFLICT (subject) DO UPDATE SET
 wrong = CASE WHEN marketing_codetry.since > %(window)s
   THEN LEAST(marketing_codetry.wrong + EXCLUDED.wrong, 30000) ELSE EXCLUDED.wrong END,
 since = CASE WHEN marketing_codetry.since > %(window)s
   THEN marketing_codetry.since ELSE EXCLUDED.since END
"""


def note_wrong(*, subject: str, wrong: int, at: datetime) -> None:
    """Count wrong codes; outside of what they were typed for, whatever becomes of that."""
    if not wrong:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _WRONG, {"subject": subject[:80], "at": at, "wrong": wrong, "window": at - WINDOW}
        )
