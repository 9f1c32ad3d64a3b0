"""The code of a member's phone: who shows it, and until when it is good.

``HY`` and 28 signs: the second of its making, the member under a mask of that second, and a keyed
digest over both. Two codes of one member have nothing in common, so that a picture of one tells
nothing of him.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.crypto import salted_hmac

from members.models import Presence
from members.queries.signins import same

LIFE: Final = timedelta(seconds=60)
PATTERN: Final = re.compile(r"HY([A-Z2-7]{28})")
_MEMBER, _SEAL = 5, 8  # bytes


@dataclass(frozen=True)
class Shown:
    """What a code says: whose it is and when it was made."""

    member_id: int
    made: int  # seconds since 1970

    def is_fresh(self, at: datetime) -> bool:
        """Whether the code is at most a minute old, and not of tomorrow."""
        return 0 <= int(at.timestamp()) - self.made <= int(LIFE.total_seconds())


def code_for(*, member_id: int, at: datetime) -> str:
    """The code that a member's phone shows from now on, good for a minute."""
    made = int(at.timestamp()).to_bytes(4, "big")
    masked = _xor(member_id.to_bytes(_MEMBER, "big"), _mask(made))
    body = made + masked
    packed = base64.b32encode(body + _seal(body)).decode().rstrip("=")
    return f"HY{packed}"


def read_code(text: str) -> Shown | None:
    """What a code says; None for one that was not made here. Says nothing of its age or use."""
    found = PATTERN.fullmatch(text.strip().upper())
    if found is None:
        return None
    try:
        blob = base64.b32decode(found[1] + "====")
    except binascii.Error:
        return None
    if base64.b32encode(blob).decode().rstrip("=") != found[1]:
        return None  # the last sign holds bits that say nothing: one code has one spelling
    body, seal = blob[:-_SEAL], blob[-_SEAL:]
    if not same(_seal(body).hex(), seal.hex()):
        return None
    member = _xor(body[4:], _mask(body[:4]))
    return Shown(int.from_bytes(member, "big"), int.from_bytes(body[:4], "big"))


def is_present(*, member_id: int, station_id: int, at: datetime, within: timedelta) -> bool:
    """Whether the member's code was read at a station a short while ago. One statement."""
    rows = Presence.objects.filter(member=member_id, station=station_id)
    return rows.filter(occurred_at__gt=at - within, occurred_at__lte=at).exists()


def _mask(made: bytes) -> bytes:
    return salted_hmac("members.presence.mask", made, algorithm="sha256").digest()[:_MEMBER]


def _seal(body: bytes) -> bytes:
    return salted_hmac("members.presence.seal", body, algorithm="sha256").digest()[:_SEAL]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
