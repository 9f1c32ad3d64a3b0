"""客显: what a till wants its customer to read. The poller is woken and shows it at once."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from devices.models import DisplayState, PoleDisplay
from devices.protocols.displays import Shown, Shows
from devices.services.commands import CHANNEL

MOST = Decimal(10) ** 8


class NotShown(ValueError):
    """A figure that no till has."""


@transaction.atomic
def show(*, display: PoleDisplay, shown: Shown, at: datetime) -> None:
    """Show it. The same twice is once; the newest stands. Raises NotShown for an odd figure."""
    body = {"what": str(shown.what)}
    if shown.what is not Shows.IDLE:
        body |= {name: f"{_figure(getattr(shown, name)):.2f}" for name in _FIGURES}
    held, new = DisplayState.objects.get_or_create(
        display=display, defaults={"body": body, "asked_at": at}
    )
    if not new and held.body == body:
        return
    DisplayState.objects.filter(display=display).update(body=body, asked_at=at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


_FIGURES = tuple(one.name for one in fields(Shown) if one.name not in ("what", "idle"))


def _figure(value: Decimal) -> Decimal:
    if not value.is_finite() or not -MOST < value < MOST:
        raise NotShown(f"{value} is nothing that a till shows")
    return value
