"""Commands on their way from the database to the poller."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from devices.models import Authorisation, Command

LOST = "采集程序重启，命令没有得到确认，请看油枪状态后重试"


@dataclass(frozen=True, slots=True)
class TakenGrant:
    """The authorisation of a command."""

    id: int
    nozzle: int
    limit_amount: Decimal | None
    limit_litres: Decimal | None
    unit_price: Decimal | None
    asked_at: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A command that the poller has taken: nobody else will."""

    id: int
    kind: str
    station: int
    nozzle: int | None
    grant: TakenGrant | None
    arguments: dict[str, Any]
    document: str
    valid_until: datetime


@transaction.atomic
def take(*, stations: Collection[int], at: datetime) -> list[Taken]:
    """Take what waits for these stations, oldest first; what is late is void and not taken."""
    waiting = (
        Command.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=Command.Status.WAITING, station__in=stations)
        .select_related("authorisation")
        .order_by("id")
    )
    taken = []
    for command in waiting:
        if command.valid_until < at:
            _void(command, at)
            continue
        taken.append(_taken(command))
    Command.objects.filter(pk__in=[one.id for one in taken]).update(status=Command.Status.TAKEN)
    return taken


@transaction.atomic
def give_up_lost(
    *, stations: Collection[int], journaled: Collection[int], granted: Collection[int], at: datetime
) -> int:
    """After a restart: fail what was taken and of which nothing is known. Returns how many.

    `journaled` are the commands whose end the spool knows; `granted` the authorisations that a
    point still holds, whose end it will tell.
    """
    lost = Command.objects.filter(status=Command.Status.TAKEN, station__in=stations).exclude(
        pk__in=journaled
    )
    Authorisation.objects.filter(
        commands__in=lost.filter(kind=Command.Kind.AUTHORISE),
        status=Authorisation.Status.WAITING,
    ).exclude(pk__in=granted).update(status=Authorisation.Status.FAILED)
    return lost.update(status=Command.Status.FAILED, answer=LOST, finished_at=at)


def _void(command: Command, at: datetime) -> None:
    Command.objects.filter(pk=command.pk).update(
        status=Command.Status.VOID, answer="超时未下发，已作废", finished_at=at
    )
    if command.kind == Command.Kind.AUTHORISE and command.authorisation_id:
        Authorisation.objects.filter(
            pk=command.authorisation_id, status=Authorisation.Status.WAITING
        ).update(status=Authorisation.Status.EXPIRED)


def _taken(command: Command) -> Taken:
    held = command.authorisation
    grant = None
    if held is not None:
        grant = TakenGrant(
            id=held.pk,
            nozzle=held.nozzle_id,
            limit_amount=held.limit_amount,
            limit_litres=held.limit_litres,
            unit_price=held.unit_price,
            asked_at=held.asked_at,
            valid_until=held.valid_until,
        )
    return Taken(
        id=command.pk,
        kind=command.kind,
        station=command.station_id,
        nozzle=command.nozzle_id,
        grant=grant,
        arguments=dict(command.arguments),
        document=command.document,
        valid_until=command.valid_until,
    )
