"""The facts that a line tells, as the spool keeps them. Numbers are strings, times ISO with zone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from devices.line.settling import FoundFill, FoundGap, Meter
from devices.protocols.base import Decimals
from devices.spool import Body, Fact

FILL, GAP, TOTALS, METER, ALARM = "fill", "gap", "totals", "meter", "alarm"
COMMAND, AUTHORISATION, SWIPE, NOTHING = "command", "authorisation", "swipe", "nothing"
HALTED = "halted"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def millis(at: datetime) -> int:
    """Unix time in milliseconds, as the black box counts."""
    return int(at.timestamp() * 1000)


def fill(
    nozzle: int,
    found: FoundFill,
    *,
    at: datetime,
    ended_at: datetime,
    lifted_at: datetime | None,
    started_at: datetime | None,
    authorisation: int | None,
    frames: str,
) -> Fact:
    """A finished delivery."""
    body: Body = {
        "nozzle": nozzle,
        "litres": str(found.litres),
        "unit_price": str(found.price),
        "amount": str(found.amount),
        "meter_epoch": found.epoch,
        "totalizer_after": str(found.totalizer_after),
        "transaction_id": found.transaction_id,
        "source": "OFFLINE" if found.offline else "PUMP",
        "flags": list(found.flags),
        "authorisation": authorisation,
        "lifted_at": _time(lifted_at),
        "started_at": _time(started_at),
        "occurred_at": ended_at.isoformat(),
        "frames": frames,
    }
    after = f"{found.epoch}:{found.totalizer_after.normalize():f}"
    return Fact(f"fill:{nozzle}:{after}:{found.transaction_id}", FILL, body, at)


def gap(nozzle: int, found: FoundGap, price: Decimal | None, at: datetime) -> Fact:
    """Litres of a totalizer that no fill explains."""
    body: Body = {
        "nozzle": nozzle,
        "meter_epoch": found.epoch,
        "litres_from": str(found.litres_from),
        "litres_to": str(found.litres_to),
        "unit_price": _text(price),
        "found_at": at.isoformat(),
    }
    key = f"gap:{nozzle}:{found.epoch}:{found.litres_to.normalize():f}"
    return Fact(key, GAP, body, at)


def totals(
    nozzle: int, meter: Meter, *, kind: str, document: str, at: datetime, read_at: datetime
) -> Fact:
    """A totalizer at an instant: OPENING, HANDOVER, PRICE, PERIODIC, START."""
    body: Body = {
        "nozzle": nozzle,
        "meter_epoch": meter.epoch,
        "litres": str(meter.litres),
        "amount": _text(meter.amount),
        "kind": kind,
        "document": document,
        "occurred_at": read_at.isoformat(),
    }
    return Fact(f"totals:{nozzle}:{kind}:{document or millis(at)}", TOTALS, body, at)


def roll_over(nozzle: int, epoch: int, last: Decimal, at: datetime) -> Fact:
    """The totalizer went through nought; `last` is what it counts up to."""
    body: Body = {
        "nozzle": nozzle,
        "kind": "ROLL_OVER",
        "epoch": epoch,
        "last_litres": str(last),
        "first_litres": "0",
        "occurred_at": at.isoformat(),
    }
    return Fact(f"meter:{nozzle}:{epoch}", METER, body, at)


def rescaled(nozzle: int, kept: Meter, meter: Meter, at: datetime) -> Fact:
    """The decimals of the wiring were put right: the same totalizer, read as another number."""
    body: Body = {
        "nozzle": nozzle,
        "kind": "RESCALED",
        "epoch": meter.epoch,
        "last_litres": str(kept.litres),
        "first_litres": str(meter.litres),
        "occurred_at": at.isoformat(),
    }
    return Fact(f"meter:{nozzle}:{meter.epoch}", METER, body, at)


def alarm(
    *,
    kind: str,
    subject: str,
    text: str,
    at: datetime,
    station: int,
    nozzle: int | None = None,
    line: int | None = None,
    over: bool = False,
) -> Fact:
    """Something is wrong, or (over) no longer."""
    body: Body = {
        "kind": kind,
        "subject": subject,
        "text": text,
        "station": station,
        "nozzle": nozzle,
        "line": line,
        "over": over,
        "at": at.isoformat(),
    }
    word = "over" if over else "raised"
    return Fact(f"alarm:{kind}:{subject}:{word}:{millis(at)}", ALARM, body, at)


def command(id: int, status: str, answer: str, at: datetime) -> Fact:
    """What became of a command."""
    body: Body = {"id": id, "status": status, "answer": answer, "at": at.isoformat()}
    return Fact(f"command:{id}:{status}", COMMAND, body, at)


def authorisation(id: int, status: str, at: datetime) -> Fact:
    """What became of an authorisation."""
    body: Body = {"id": id, "status": status, "at": at.isoformat()}
    return Fact(f"authorisation:{id}:{status}", AUTHORISATION, body, at)


def nothing(nozzle: int, serial: str, authorisation: int | None, at: datetime) -> Fact:
    """A nozzle was out, was authorised, and no fuel flowed."""
    body: Body = {"nozzle": nozzle, "authorisation": authorisation, "at": at.isoformat()}
    return Fact(f"nothing:{nozzle}:{serial}", NOTHING, body, at)


def halted(station: int, kind: str, who: str, at: datetime) -> Fact:
    """An emergency stop, or its release, by the local socket."""
    body: Body = {"station": station, "kind": kind, "who": who, "at": at.isoformat()}
    return Fact(f"halted:{station}:{kind}:{millis(at)}", HALTED, body, at)


def swipe(*, reader: int, medium: str, text: str, secret: bool, at: datetime, key: str) -> Fact:
    """One read of a reader or scanner. `text` is masked already where it is secret."""
    body: Body = {
        "reader": reader,
        "medium": medium,
        "text": text,
        "secret": secret,
        "at": at.isoformat(),
    }
    return Fact(key, SWIPE, body, at)


def meter_body(meter: Meter, places: Decimals) -> Body:
    """As JSON, with the decimals under which it was read."""
    return {
        "epoch": meter.epoch,
        "litres": str(meter.litres),
        "amount": _text(meter.amount),
        "places": [places.totals, places.totals_amount],
    }


def point_body(
    meters: Mapping[int, Meter],
    foreign: Mapping[int, Decimals],
    wired: Decimals,
    visit: Body | None,
    told: str,
) -> Body:
    """What a point remembers, as JSON; `foreign` are meters kept under other decimals."""
    kept = {str(n): meter_body(meter, foreign.get(n, wired)) for n, meter in meters.items()}
    return {"meters": kept, "visit": visit, "told": told}


def read_places(body: Body, wired: Decimals) -> Decimals:
    """The decimals under which a kept meter was read; the wiring's where none were noted."""
    if "places" not in body:
        return wired
    totals, amount = body["places"]
    return replace(wired, totals=totals, totals_amount=amount)


def read_meter(body: Mapping[str, object]) -> Meter:
    amount = body["amount"]
    return Meter(
        int(str(body["epoch"])),
        Decimal(str(body["litres"])),
        None if amount is None else Decimal(str(amount)),
    )
