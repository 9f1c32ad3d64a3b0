"""What a scene leaves behind is put right, and nothing else: the next attempt finds its pump free."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from devices.models import Command
from devices.queries.commands import last_stop
from devices.services.authorising import release_all
from finance.queries.practice.scene import Scene
from finance.services.practice import virtual
from finance.services.practice.forecourt import wish
from sales.models import FillUse, Prepay
from sales.services import prepay_changes, prepaying
from sales.services.disposals import use_fill
from sales.services.leasing import put_back
from station.errors import Refusal
from station.models import TillSession


def clear_up(scene: Scene, *, at: datetime) -> None:
    """Mend, give power, release, hang up, and take what was left unpaid off the till as own use.

    Refuses ForecourtAway.
    """
    if "line" in scene.facts:
        wish("mend", line=scene.facts["line"])
    if scene.attempt.scenario == "power_cut" and "cut_at" in scene.facts:
        wish("power", on=True)
    _release(scene, at)
    if "nozzle" in scene.facts:
        wish("away", dispenser=scene.nozzle.dispenser.number)
        _take_back(scene, at)
        _off_the_till(scene, at)


def _release(scene: Scene, at: datetime) -> None:
    alarm = scene.moment("alarm_at")
    stopped = alarm and scene.ordered(Command.Kind.STOP_ALL, since=alarm)
    if stopped and last_stop(scene.attempt.station) is not None:
        lead = virtual.lead(scene)
        release_all(station=scene.attempt.station, actor=lead, at=at, reason="练习收场")


def _take_back(scene: Scene, at: datetime) -> None:
    prepay = scene.prepay
    if prepay is not None and prepay.status == Prepay.Status.OPEN:
        with suppress(Refusal):  # fuel flows: it is settled like any other
            prepay_changes.cancel(prepay=prepay, reason="练习收场", actor=scene.trainee, at=at)
    session = _session(scene)
    owes = prepay is not None and prepay.refund_due and prepay.refunded_at is None
    if prepay is not None and owes and session is not None:
        with suppress(Refusal):
            prepaying.pay_refund(
                prepay=prepay, reference="", session=session, actor=scene.trainee, at=at
            )


def _off_the_till(scene: Scene, at: datetime) -> None:
    fill, session = scene.fill, _session(scene)
    if fill is None or scene.claim is not None or session is None:
        return
    put_back(fill_ids=[fill.pk], session=session)
    with suppress(Refusal):  # on somebody else's ticket: then it is his
        use_fill(
            fill=fill,
            kind=FillUse.Kind.OWN_USE,
            reason="练习收场",
            session=session,
            actor=scene.trainee,
            approver=virtual.lead(scene),
            at=at,
        )


def _session(scene: Scene) -> TillSession | None:
    rows = TillSession.objects.filter(
        cashier=scene.trainee, station=scene.attempt.station, status=TillSession.Status.OPEN
    )
    return rows.first()
