"""停售: a tank of which nothing is sold, because of the water in it.

The gauge's line obeys at once and tells of it here; here it is shown, asked before a nozzle is let
loose, and lifted by a person. What the machine says never refuses.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse

from devices.models import Alarm, Command, TankHold
from devices.services import alarms, commands
from station.errors import Refusal
from station.models import Tank, User
from station.services import audit


class NotHeld(Refusal):
    """The tank is sold of already."""


class ReasonMissing(Refusal):
    """A hold is lifted with a reason."""


@transaction.atomic
def begin(*, tank: int, water: Decimal, limit: Decimal, since: datetime) -> None:
    """Nothing of the tank (its id) is sold from `since` on; heights in mm. Twice is the same as once."""
    if TankHold.objects.filter(tank=tank, since=since).exists():
        return
    held = Tank.objects.select_related("station", "grade").get(pk=tank)
    if TankHold.objects.filter(tank=held, ended_at=None).update(ended_at=since):
        _clear(held, since)  # its end was lost
    hold = TankHold.objects.create(
        station=held.station, tank=held, since=since, water_height=water, water_limit=limit
    )
    alarms.raise_alarm(
        station=held.station,
        kind=Alarm.Kind.WATER,
        subject=str(held),
        text=f"{held}（{held.grade}）水高 {water:.1f} mm，超过上限 {limit:.1f} mm："
        "该罐油枪已停售，请排水后复测；水位降下后自动恢复",
        at=since,
        url=reverse("devices:hold", args=[hold.pk]),
    )


@transaction.atomic
def end(*, tank: int, at: datetime) -> None:
    """The water is below the limit again, says the machine. Twice is the same as once."""
    TankHold.objects.filter(tank=tank, ended_at=None, since__lte=at).update(ended_at=at)
    held = Tank.objects.select_related("station").get(pk=tank)
    if not TankHold.objects.filter(tank=tank, ended_at=None).exists():
        _clear(held, at)


@transaction.atomic
def lift(*, hold: TankHold, reason: str, actor: User, at: datetime) -> None:
    """Let the tank be sold of in spite of the water, until it was below the limit once.

    Refuses without a reason, and a hold that is over.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonMissing("停售未解除：请写明原因，例如「人工量水 8 mm，探棒浮子卡住」")
    moved = TankHold.objects.filter(pk=hold.pk, ended_at=None, lifted_at=None).update(
        lifted_at=at, lifted_by=actor, reason=reason
    )
    if not moved:
        raise NotHeld(f"{hold.tank}已经恢复销售，不需要再解除，请刷新页面")
    alarms.hush(station=hold.station, kind=Alarm.Kind.WATER, subject=str(hold.tank), at=at)
    commands.queue(kind=Command.Kind.REWIRE, station=hold.station, actor=actor, at=at, seconds=60)
    audit.record(
        at=at,
        actor=actor,
        action="devices.hold.lifted",
        station=hold.station,
        document=f"停售 {hold.pk}",
        reason=reason,
        after={"tank": hold.tank.number, "water_mm": str(hold.water_height)},
    )


def _clear(tank: Tank, at: datetime) -> None:
    alarms.clear_alarm(station=tank.station, kind=Alarm.Kind.WATER, subject=str(tank), at=at)
