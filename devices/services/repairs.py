"""维修: reported, taken, done, and accepted by another person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from devices.models import Alarm, Equipment, MeterTest, Repair
from devices.queries.equipment import STANDS, open_repairs
from devices.queries.repairs import lacks_after_opening
from devices.services import equipment as register
from station.errors import Refusal
from station.models import Nozzle, User
from station.money import Yuan
from station.services import audit
from station.services.numbering import next_number

Status, State = Repair.Status, Equipment.State


class RepairRefused(Refusal):
    """The repair is in another state, or something is missing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: in words, and the alarm or the test that showed it."""

    symptom: str
    nozzle: Nozzle | None = None
    alarm: Alarm | None = None
    meter_test: MeterTest | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What was done to a machine: words, parts, yuan; whether the meter was opened, and whose."""

    text: str
    parts: str
    cost: Yuan
    meter_opened: bool
    nozzle: Nozzle | None = None


@transaction.atomic
def report(
    *, equipment: Equipment, fault: Fault, stop: bool, key: str, at: datetime, actor: User
) -> Repair:
    """报修. `stop` puts the machine out of use at once. The same key again is the same repair.

    Refuses without a symptom, a scrapped machine, and one that has an open repair already.
    """
    held = Equipment.objects.select_for_update(of=("self",)).get(pk=equipment.pk)
    key = f"{held.station_id}:{key}"
    if known := Repair.objects.filter(key=key).first():
        return known
    if not fault.symptom.strip():
        raise RepairRefused("没有报修：请写明故障现象")
    if held.state == State.SCRAPPED:
        raise RepairRefused("没有报修：这台设备已报废")
    if other := open_repairs().filter(equipment=held).first():
        raise RepairRefused(f"没有报修：这台设备已有未完的 {other.number}，请在那一张上处理")
    began = fault.alarm.raised_at if fault.alarm else at
    made = Repair.objects.create(
        station=held.station,
        number=next_number(station=held.station, kind="WX", day=localtime(at).date()),
        key=key,
        equipment=held,
        nozzle=fault.nozzle,
        alarm=fault.alarm,
        meter_test=fault.meter_test,
        symptom=fault.symptom.strip()[:200],
        down_from=min(began, at),
        reported_at=at,
        reported_by=actor,
    )
    _note(made, "devices.repair.reported", at, actor, fault.symptom)
    if stop and held.state == State.IN_USE:
        reason = f"报修 {made.number}"
        register.put(equipment=held, to=State.STOPPED, reason=reason, at=at, actor=actor)
    return made


@transaction.atomic
def take(*, repair: Repair, repairer: str, at: datetime, actor: User) -> None:
    """接单: who repairs it. Refuses one that is taken or over."""
    if not repairer.strip():
        raise RepairRefused("没有接单：请写明由谁维修")
    moved = Repair.objects.filter(pk=repair.pk, status=Status.REPORTED).update(
        status=Status.TAKEN, taken_at=at, taken_by=actor, repairer=repairer.strip()[:60]
    )
    if not moved:
        raise RepairRefused("没有接单：这张已经有人接了或已撤销，请刷新页面")
    _note(repair, "devices.repair.taken", at, actor, repairer)


@transaction.atomic
def finish(*, repair: Repair, work: Work, done_at: datetime, at: datetime, actor: User) -> None:
    """完工: what was done. A machine whose meter was opened is out of use until it is accepted.

    Refuses one that nobody has taken or that is done, no words, and times outside the repair.
    """
    if not work.text.strip():
        raise RepairRefused("没有登记完工：请写明做了什么")
    # A time is typed to the minute, a report has its seconds.
    if not repair.reported_at.replace(second=0, microsecond=0) <= done_at <= at:
        raise RepairRefused("没有登记完工：完工时间应在报修之后、现在之前，请核对")
    changed: dict[str, Any] = {"nozzle": work.nozzle} if work.nozzle else {}
    if work.meter_opened:  # what was opened once, before it was sent back, stays opened
        changed["meter_opened"] = True
    moved = Repair.objects.filter(pk=repair.pk, status=Status.TAKEN).update(
        status=Status.DONE,
        done_at=max(done_at, repair.reported_at),
        done_by=actor,
        work=work.text.strip()[:400],
        parts=work.parts.strip()[:200],
        cost=work.cost,
        **changed,
    )
    if not moved:
        raise RepairRefused("没有登记完工：这张还没有接单，或已登记完工，请刷新页面")
    held = _machine(repair)
    if work.meter_opened and held.state == State.IN_USE:
        reason = f"{repair.number} 打开过计量部分，待检定、施封"
        register.put(equipment=held, to=State.STOPPED, reason=reason, at=at, actor=actor)
    after = {
        "费用": str(work.cost),
        "配件": work.parts,
        "打开计量部分": "是" if work.meter_opened else "否",
    }
    _note(repair, "devices.repair.done", at, actor, work.text, after)


@transaction.atomic
def send_back(*, repair: Repair, reason: str, at: datetime, actor: User) -> None:
    """返修: what was done is not good; the repair goes on. Refuses without a reason."""
    if not reason.strip():
        raise RepairRefused("没有返修：请写明哪里不合格")
    moved = Repair.objects.filter(pk=repair.pk, status=Status.DONE).update(status=Status.TAKEN)
    if not moved:
        raise RepairRefused("没有返修：这张不在待验收，请刷新页面")
    _note(repair, "devices.repair.returned", at, actor, reason)


@transaction.atomic
def accept(*, repair: Repair, word: str, at: datetime, actor: User) -> None:
    """验收 by another person than who recorded the work; the machine is in use again.

    Refuses one's own work, a repair that is not done, and an opened meter without a verification
    and a seal of after the repair.
    """
    held = Repair.objects.select_for_update(of=("self",)).get(pk=repair.pk)
    if held.status != Status.DONE:
        raise RepairRefused("没有验收：这张不在待验收，请刷新页面")
    if held.done_by == actor:
        raise RepairRefused("没有验收：完工是您登记的，须由另一人验收")
    if lacking := lacks_after_opening(held):
        raise RepairRefused(
            f"没有验收：这次维修打开过计量部分，还缺 {'、'.join(lacking)}。"
            "请先在“检定与自校”登记检定、在设备页登记铅封，再来验收"
        )
    Repair.objects.filter(pk=held.pk).update(
        status=Status.ACCEPTED, ended_at=at, ended_by=actor, word=word.strip()[:200]
    )
    _note(repair, "devices.repair.accepted", at, actor, word)
    machine = _machine(held)
    if machine.state == State.STOPPED:
        reason = f"{held.number} 验收合格"
        register.put(equipment=machine, to=State.IN_USE, reason=reason, at=at, actor=actor)


@transaction.atomic
def withdraw(*, repair: Repair, reason: str, at: datetime, actor: User) -> None:
    """撤销 what was reported in error, before work was done. Refuses without a reason.

    The machine stays as it is: whoever withdraws puts it back in use on its own page.
    """
    if not reason.strip():
        raise RepairRefused("没有撤销：请写明原因")
    moved = Repair.objects.filter(
        pk=repair.pk, status__in=[Status.REPORTED, Status.TAKEN], meter_opened=False
    ).update(status=Status.WITHDRAWN, ended_at=at, ended_by=actor, word=reason.strip()[:200])
    if not moved:
        raise RepairRefused("没有撤销：已登记过完工或已结束的维修不能撤销，请刷新页面")
    _note(repair, "devices.repair.withdrawn", at, actor, reason)


def _machine(repair: Repair) -> Equipment:
    rows = Equipment.objects.select_for_update(of=("self",)).select_related("station", *STANDS)
    return rows.get(pk=repair.equipment_id)


def _note(
    repair: Repair,
    action: str,
    at: datetime,
    actor: User,
    reason: str,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=repair.station,
        document=repair.number,
        reason=reason.strip(),
        after=after,
    )
