"""Moves what the poller's spool holds into PostgreSQL, each fact once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError, transaction

from devices.models import Authorisation, Command, Line, MeterChange, Reader
from devices.services import alarms, commands, facts, gauges, holds, local_stop, reads
from station.errors import Refusal
from station.models import Nozzle, Station

log = structlog.get_logger(__name__)

Body: TypeAlias = dict[str, Any]
_REFUSED = (Refusal, IntegrityError, DataError, ObjectDoesNotExist, KeyError, ValueError)


@dataclass(frozen=True, slots=True)
class Moving:
    """One fact of the spool."""

    seq: int
    key: str
    kind: str
    body: Body
    at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """What may be forgotten, and what the database would not take, with the reason."""

    done: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


def move(waiting: Sequence[Moving]) -> Moved:
    """Store facts in their order; one that is refused stays behind and does not stop the others.

    All in one transaction where nothing is refused, which is the rule. Telling a fact again after
    a crash between our commit and the spool's changes nothing.
    """
    try:
        with transaction.atomic():
            for fact in waiting:
                _store(fact)
    except _REFUSED:
        return _one_by_one(waiting)
    return Moved(tuple(fact.seq for fact in waiting), ())


def _one_by_one(waiting: Sequence[Moving]) -> Moved:
    done: list[int] = []
    refused: list[tuple[int, str]] = []
    for fact in waiting:
        try:
            with transaction.atomic():
                _store(fact)
        except _REFUSED as error:
            refused.append((fact.seq, str(error)[:300]))
            log.warning("fact_refused", key=fact.key, error=str(error)[:300])
        else:
            done.append(fact.seq)
    return Moved(tuple(done), tuple(refused))


def _store(fact: Moving) -> None:
    store = _STORES.get(fact.kind)
    if store is None:
        log.info("fact_without_a_row", kind=fact.kind, key=fact.key, **fact.body)
        return
    store(fact)


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _fill(fact: Moving) -> None:
    body = fact.body
    facts.record_fill(
        facts.FillFact(
            nozzle=body["nozzle"],
            litres=Decimal(body["litres"]),
            unit_price=Decimal(body["unit_price"]),
            amount=Decimal(body["amount"]),
            totalizer_after=Decimal(body["totalizer_after"]),
            occurred_at=datetime.fromisoformat(body["occurred_at"]),
            meter_epoch=body["meter_epoch"],
            source=body["source"],
            transaction_id=body["transaction_id"],
            authorisation=_known_authorisation(body["authorisation"]),
            lifted_at=_time(body["lifted_at"]),
            started_at=_time(body["started_at"]),
            flags=tuple(body["flags"]),
            frames=body["frames"],
        )
    )


def _known_authorisation(pk: int | None) -> int | None:
    """The fuel has flowed: a document that is gone must not keep the fill out of the books."""
    if pk is None or not Authorisation.objects.filter(pk=pk).exists():
        return None
    return pk


def _totals(fact: Moving) -> None:
    body = fact.body
    facts.record_totals(
        facts.TotalsFact(
            nozzle=body["nozzle"],
            litres=Decimal(body["litres"]),
            occurred_at=datetime.fromisoformat(body["occurred_at"]),
            kind=body["kind"],
            meter_epoch=body["meter_epoch"],
            amount=_number(body["amount"]),
            document=body["document"],
        )
    )


def _gap(fact: Moving) -> None:
    body = fact.body
    facts.record_gap(
        nozzle=body["nozzle"],
        meter_epoch=body["meter_epoch"],
        litres_from=Decimal(body["litres_from"]),
        litres_to=Decimal(body["litres_to"]),
        unit_price=_number(body["unit_price"]),
        found_at=datetime.fromisoformat(body["found_at"]),
    )


def _meter(fact: Moving) -> None:
    body = fact.body
    facts.record_meter_change(
        nozzle=body["nozzle"],
        kind=body.get("kind", MeterChange.Kind.ROLL_OVER),
        epoch=body["epoch"],
        last_litres=Decimal(body["last_litres"]),
        first_litres=Decimal(body["first_litres"]),
        occurred_at=datetime.fromisoformat(body["occurred_at"]),
    )


def _alarm(fact: Moving) -> None:
    body = fact.body
    station = Station.objects.get(pk=body["station"])
    at = datetime.fromisoformat(body["at"])
    if body["over"]:
        alarms.clear_alarm(station=station, kind=body["kind"], subject=body["subject"], at=at)
        return
    nozzle = Nozzle.objects.filter(pk=body["nozzle"]).first() if body["nozzle"] else None
    line = Line.objects.filter(pk=body["line"]).first() if body["line"] else None
    alarms.raise_alarm(
        station=station,
        kind=body["kind"],
        subject=body["subject"],
        text=body["text"],
        at=at,
        nozzle=nozzle,
        line=line,
    )


def _command(fact: Moving) -> None:
    body = fact.body
    command = Command.objects.filter(pk=body["id"]).first()
    if command is not None:
        commands.finish(
            command=command,
            status=Command.Status(body["status"]),
            answer=body["answer"],
            at=datetime.fromisoformat(body["at"]),
        )


# What an authorisation may become, and from what. USED wins always: the fuel has flowed.
_STEPS = {
    "SENT": ("WAITING",),
    "FUELLING": ("WAITING", "SENT"),
    "CANCELLED": ("WAITING", "SENT", "FUELLING"),
    "EXPIRED": ("WAITING", "SENT", "FUELLING"),
    "FAILED": ("WAITING", "SENT", "FUELLING"),
    "USED": ("WAITING", "SENT", "FUELLING", "CANCELLED", "EXPIRED", "FAILED"),
}


def _authorisation(fact: Moving) -> None:
    status = fact.body["status"]
    Authorisation.objects.filter(pk=fact.body["id"], status__in=_STEPS[status]).update(
        status=status
    )


def _swipe(fact: Moving) -> None:
    body = fact.body
    reader = Reader.objects.select_related("line__station").get(pk=body["reader"])
    reads.record_read(
        reader=reader,
        key=fact.key,
        medium=body["medium"],
        text=body["text"],
        secret=body["secret"],
        at=datetime.fromisoformat(body["at"]),
    )


def _halted(fact: Moving) -> None:
    """A stop by the local socket, in its place among the orders; the page's own row counts as it."""
    body = fact.body
    at = datetime.fromisoformat(body["at"])
    station = Station.objects.get(pk=body["station"])
    local_stop.note(station=station, kind=Command.Kind(body["kind"]), who=body["who"], at=at)


def _gauge(fact: Moving) -> None:
    gauges.record_readings(
        [gauges.ReadingFact.of(one) for one in fact.body["tanks"]],
        at=datetime.fromisoformat(fact.body["at"]),
        format=fact.body["format"],
    )


def _gauge_delivery(fact: Moving) -> None:
    gauges.record_delivery(gauges.DeliveryFact.of(fact.body))


def _gauge_alarms(fact: Moving) -> None:
    body = fact.body
    gauges.take_alarms(
        tank=body["tank"], types=body["types"], at=datetime.fromisoformat(body["at"])
    )


def _water_hold(fact: Moving) -> None:
    body = fact.body
    at = datetime.fromisoformat(body["at"])
    if body["over"]:
        holds.end(tank=body["tank"], at=at)
        return
    holds.begin(
        tank=body["tank"], water=Decimal(body["water"]), limit=Decimal(body["limit"]), since=at
    )


_STORES: dict[str, Callable[[Moving], None]] = {
    "fill": _fill,
    "totals": _totals,
    "gap": _gap,
    "meter": _meter,
    "alarm": _alarm,
    "command": _command,
    "authorisation": _authorisation,
    "swipe": _swipe,
    "halted": _halted,
    "gauge": _gauge,
    "gauge_delivery": _gauge_delivery,
    "gauge_alarms": _gauge_alarms,
    "water_hold": _water_hold,
}
