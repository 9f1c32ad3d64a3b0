"""Orders to the poller: a row with a short life, and a NOTIFY that wakes it on commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from devices.models import Authorisation, Command
from station.models import Nozzle, Station, User

CHANNEL = "devices_command"
UNDER_WAY = (Command.Status.WAITING, Command.Status.TAKEN)


@transaction.atomic
def queue(
    *,
    kind: Command.Kind | str,
    station: Station,
    actor: User | None,
    at: datetime,
    nozzle: Nozzle | None = None,
    authorisation: Authorisation | None = None,
    arguments: Mapping[str, Any] | None = None,
    document: str = "",
    seconds: int = 10,
) -> Command:
    """Queue one command for the poller, valid for `seconds`; the poller is woken on commit.

    Never refuses. The command is DONE only when the poller has read its effect back; one that is
    late is void and has no effect. Amounts and litres in `arguments` go as strings.
    """
    command = Command.objects.create(
        kind=kind,
        station=station,
        nozzle=nozzle,
        authorisation=authorisation,
        arguments=dict(arguments or {}),
        document=document,
        actor=actor,
        asked_at=at,
        valid_until=at + timedelta(seconds=seconds),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(command.pk)])
    return command


def finish(*, command: Command, status: Command.Status, answer: str, at: datetime) -> bool:
    """Write what became of a command; False when somebody else had finished it already."""
    moved = Command.objects.filter(pk=command.pk, status__in=UNDER_WAY).update(
        status=status, answer=answer[:200], finished_at=at
    )
    return bool(moved)


@transaction.atomic
def void_late(*, at: datetime) -> int:
    """Void what the poller never took in time: an order of a minute ago must not move a pump now.

    The authorisation of such an order ends with it, so that the nozzle is free for another.
    """
    late = Command.objects.filter(status=Command.Status.WAITING, valid_until__lt=at)
    never_sent = list(
        late.filter(kind=Command.Kind.AUTHORISE).values_list("authorisation_id", flat=True)
    )
    voided = late.update(status=Command.Status.VOID, answer="超时未下发，已作废", finished_at=at)
    Authorisation.objects.filter(
        pk__in=never_sent,
        status=Authorisation.Status.WAITING,
        commands__status=Command.Status.VOID,
    ).update(status=Authorisation.Status.EXPIRED)
    return voided


def void_waiting(*, station: Station, why: str, at: datetime) -> int:
    """Void every order of a station that is still waiting, as an emergency stop does."""
    return Command.objects.filter(
        station=station,
        status=Command.Status.WAITING,
        kind__in=[
            Command.Kind.AUTHORISE,
            Command.Kind.CANCEL,
            Command.Kind.SUSPEND,
            Command.Kind.RESUME,
            Command.Kind.RELEASE_ALL,
        ],
    ).update(status=Command.Status.VOID, answer=why, finished_at=at)
