"""自助终端: a screen asks to be one, the manager types the code it shows, and revokes it again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from devices.models import Kiosk, KioskPairing, Printer, Reader
from devices.queries.kiosks import token_digest
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

PAIRING_LIFE = timedelta(minutes=10)
MOST_ASKING = 20  # screens that ask at one time; nobody fills the table from outside
SEEN_EVERY = timedelta(minutes=10)


class TooManyAsking(Refusal):
    """More screens ask to be kiosks than a station has."""


class NotPaired(Refusal):
    """The code is no screen's, or the name or reader is another kiosk's."""


@dataclass(frozen=True)
class Asking:
    """The code that the screen shows, and the token that only its cookie knows."""

    code: str
    token: str


@transaction.atomic
def ask(*, at: datetime) -> Asking:
    """A screen asks to be a kiosk: good for ten minutes, and opens nothing until it is paired.

    Refuses TooManyAsking.
    """
    with connection.cursor() as cursor:  # two screens that ask at once count each other
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kiosk-pairing'))")
    KioskPairing.objects.filter(expires_at__lte=at).delete()
    if KioskPairing.objects.count() >= MOST_ASKING:
        raise TooManyAsking("没有配对码：正在配对的终端太多，请十分钟后再试。")
    taken = set(KioskPairing.objects.values_list("code", flat=True))
    code = next(one for one in iter(_digits, "") if one not in taken)
    token = secrets.token_urlsafe(32)
    KioskPairing.objects.create(
        code=code, token_hash=token_digest(token), asked_at=at, expires_at=at + PAIRING_LIFE
    )
    return Asking(code, token)


def _digits() -> str:
    return f"{secrets.randbelow(10**6):06d}"


def pair(
    *,
    station: Station,
    name: str,
    code: str,
    printer: Printer | None,
    reader: Reader | None,
    at: datetime,
    actor: User,
) -> Kiosk:
    """Register the screen that shows a code as a kiosk of a station. Audited.

    Refuses NotPaired a code that no screen shows now, and a name or reader of another kiosk.
    """
    try:
        with transaction.atomic():
            return _pair(station, name.strip(), code, printer, reader, at, actor)
    except IntegrityError:
        raise NotPaired(
            f"没有登记：本站已有终端“{name.strip()}”，或这台读卡器已属于另一台终端。请核对。"
        ) from None


def _pair(
    station: Station,
    name: str,
    code: str,
    printer: Printer | None,
    reader: Reader | None,
    at: datetime,
    actor: User,
) -> Kiosk:
    rows = KioskPairing.objects.select_for_update()
    asking = rows.filter(code=code.strip(), expires_at__gt=at).first()
    if asking is None:
        raise NotPaired("没有登记：没有终端显示这个配对码，或已过十分钟。请在终端上重新取码。")
    kiosk = Kiosk.objects.create(
        station=station,
        name=name,
        printer=printer,
        reader=reader,
        token_hash=asking.token_hash,
        paired_at=at,
        paired_by=actor,
    )
    asking.delete()
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="devices.kiosk.paired",
        document=f"kiosk:{kiosk.pk}",
        after={
            "名称": name,
            "打印机": printer.name if printer else "",
            "读卡器": str(reader) if reader else "",
        },
    )
    return kiosk


@transaction.atomic
def revoke(*, kiosk: Kiosk, at: datetime, actor: User) -> None:
    """The terminal's token opens nothing any more. Twice is once. Audited."""
    if not Kiosk.objects.filter(pk=kiosk.pk, revoked_at=None).update(revoked_at=at):
        return
    audit.record(
        at=at,
        actor=actor,
        station=kiosk.station,
        action="devices.kiosk.revoked",
        document=f"kiosk:{kiosk.pk}",
        after={"名称": kiosk.name},
    )


def seen(*, kiosk: Kiosk, at: datetime) -> None:
    """The terminal is at work. Writes at most every ten minutes."""
    if kiosk.seen_at is None or at - kiosk.seen_at >= SEEN_EVERY:
        Kiosk.objects.filter(pk=kiosk.pk).update(seen_at=at)
