"""换表: the meter of a nozzle was changed; from here on its totalizer counts in the next epoch."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from devices.models import Command, MeterChange, NozzleState
from devices.queries.totalizers import Reading, latest
from devices.services import commands
from station.errors import Refusal
from station.models import Nozzle, User
from station.money import Litres
from station.services import audit

State = NozzleState.State


class MeterRefused(Refusal):
    """The change of a meter cannot be as it was told."""


@transaction.atomic
def change_meter(
    *,
    nozzle: Nozzle,
    last_litres: Litres,
    first_litres: Litres,
    reason: str,
    actor: User,
    at: datetime,
) -> MeterChange:
    """Record that a nozzle counts on with another meter, from `first_litres` on.

    `last_litres` is what the old meter showed when it was taken off. Refuses while the nozzle is
    in use, without a reason, and a last figure below what the pump has told already.
    """
    known = latest(station=nozzle.station).get(nozzle.pk)
    _check(nozzle=nozzle, known=known, last=last_litres, first=first_litres, reason=reason)
    epoch = (known.epoch if known else 0) + 1
    change = _write(
        MeterChange(
            nozzle=nozzle,
            kind=MeterChange.Kind.SWAP,
            epoch=epoch,
            last_litres=last_litres,
            first_litres=first_litres,
            occurred_at=at,
            actor=actor,
            reason=reason.strip()[:200],
        )
    )
    commands.queue(kind=Command.Kind.REWIRE, station=nozzle.station, actor=actor, at=at, seconds=60)
    audit.record(
        at=at,
        actor=actor,
        action="devices.meter.changed",
        station=nozzle.station,
        document=f"{nozzle}",
        reason=reason,
        before={"litres": str(last_litres)},
        after={"litres": str(first_litres), "epoch": epoch},
    )
    return change


def _check(
    *, nozzle: Nozzle, known: Reading | None, last: Litres, first: Litres, reason: str
) -> None:
    if not reason.strip():
        raise MeterRefused("换表未登记：请写明原因和铅封号")
    state = NozzleState.objects.filter(nozzle=nozzle).first()
    if state and state.state in (State.AUTHORISED, State.FUELLING, State.SUSPENDED):
        raise MeterRefused(f"换表未登记：{nozzle} 正在使用，请等它挂枪后再登记")
    if known is not None and last < known.litres:
        raise MeterRefused(f"换表未登记：旧表止码 {last} 小于已读到的 {known.litres}，请核对")
    if first < 0:
        raise MeterRefused("换表未登记：新表起码不能小于 0")


def _write(change: MeterChange) -> MeterChange:
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError as error:
        if "one_change_per_meter_epoch" not in str(error):
            raise
        raise MeterRefused(
            f"换表未登记：{change.nozzle} 的这次换表已经登记过，请刷新页面"
        ) from error
    return change
