"""The device register: machines taken in, changed, stopped and scrapped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from devices.models import Equipment
from devices.queries.equipment import STANDS, open_repairs
from devices.services import certificates
from station.errors import Refusal
from station.models import Station, User
from station.services import audit
from station.services.numbering import next_in

State = Equipment.State
TAKEN = {
    "a_machine_stands_at_one_place": "未保存：加油机、油枪、油罐、加油岛、收银台只能选一个",
    "one_machine_per_serial_number": "未保存：这个厂家的出厂编号已在台账里，请核对铭牌",
    "one_meter_in_use_per_nozzle": "未保存：这把枪已有一台在用的计量器，请先把旧的停用或报废",
    "one_machine_in_use_per_dispenser": "未保存：这台加油机在台账里已有一台在用，请先把旧的停用或报废",
}
# What is kept in the audit of a machine, by the words people know.
TOLD = {
    "kind": "类别", "make": "厂家", "model": "型号", "serial_no": "出厂编号", "dispenser": "加油机",
    "nozzle": "油枪", "tank": "油罐", "island": "加油岛", "till": "收银台", "line": "线路",
    "place": "位置", "bought_on": "购置日期", "price": "购置价", "warranty_until": "保修至",
    "supplier": "供应商", "note": "备注",
}  # fmt: skip


class EquipmentRefused(Refusal):
    """The register would say what cannot be."""


@transaction.atomic
def save(
    *,
    row: Equipment | None,
    values: Mapping[str, Any],
    key: str,
    station: Station,
    at: datetime,
    actor: User,
) -> Equipment:
    """Take a machine in, or change what is known of it; `values` are columns of the register.

    The same key again is the same machine. Refuses two places, a serial number that is there, a
    second machine in use at one meter or dispenser, a scrapped one, and a meter without nozzle.
    """
    _check(row, values)
    key = f"{station.pk}:{key}"
    if row is None and (known := Equipment.objects.filter(key=key).first()):
        return known
    before = _told(row) if row else None
    try:
        with transaction.atomic():
            saved = _write(row, values, key, station, at)
    except IntegrityError as error:
        if "devices_equipment_key" in str(error):  # the same form, sent twice at once
            return Equipment.objects.get(key=key)
        raise refusal_of(error) from error
    audit.record(
        at=at,
        actor=actor,
        action="devices.equipment.saved",
        station=station,
        document=saved.number,
        before=before,
        after=_told(saved),
    )
    return saved


def _check(row: Equipment | None, values: Mapping[str, Any]) -> None:
    if row is not None and row.state == State.SCRAPPED:
        raise EquipmentRefused("未保存：这台设备已报废，台账不再改动")
    if values["kind"] == Equipment.Kind.METER and values["nozzle"] is None:
        raise EquipmentRefused("未保存：计量器要选它是哪把油枪的")
    if values["kind"] == Equipment.Kind.DISPENSER and values["dispenser"] is None:
        raise EquipmentRefused("未保存：加油机要选它是站里的几号机")
    bought, until = values["bought_on"], values["warranty_until"]
    if bought and until and until < bought:
        raise EquipmentRefused("未保存：保修期不能早于购置日期")


def _write(
    row: Equipment | None, values: Mapping[str, Any], key: str, station: Station, at: datetime
) -> Equipment:
    rows = Equipment.objects.select_related(*STANDS)
    if row is None:
        number = next_in(f"EQ{station.code}-", width=4)
        made = Equipment.objects.create(
            station=station, number=number, key=key, added_at=at, **values
        )
        return rows.get(pk=made.pk)
    Equipment.objects.filter(pk=row.pk).update(**values)
    return rows.get(pk=row.pk)


@transaction.atomic
def move(*, equipment: Equipment, to: str, reason: str, at: datetime, actor: User) -> None:
    """停用, 恢复在用 or 报废. Twice is the same as once. Audited.

    Refuses without a reason, out of 报废, and back to work or to scrap while a repair is open:
    a repair puts its machine back itself once it is accepted.
    """
    if not reason.strip():
        raise EquipmentRefused("状态没有改：请写明原因")
    held = Equipment.objects.select_for_update(of=("self",)).get(pk=equipment.pk)
    if held.state == to:
        return
    if held.state == State.SCRAPPED:
        raise EquipmentRefused("状态没有改：已报废的设备不能再用，新设备请另登一台")
    repair = open_repairs().filter(equipment=held).first()
    if repair is not None and to != State.STOPPED:
        raise EquipmentRefused(
            f"状态没有改：{repair.number} 还没有验收。修好并验收后自动恢复在用；误报的先撤销维修单"
        )
    put(equipment=held, to=to, reason=reason, at=at, actor=actor)
    if to == State.SCRAPPED:
        certificates.remind_of(equipment=held, at=at)


def put(*, equipment: Equipment, to: str, reason: str, at: datetime, actor: User) -> None:
    """Write the state of a machine that the caller holds; refuses a place that another has taken."""
    before = equipment.get_state_display()
    try:
        with transaction.atomic():
            Equipment.objects.filter(pk=equipment.pk).update(state=to)
    except IntegrityError as error:
        raise refusal_of(error, "状态没有改") from error
    equipment.state = to
    audit.record(
        at=at,
        actor=actor,
        action="devices.equipment.moved",
        station=equipment.station,
        document=equipment.number,
        reason=reason.strip(),
        before={"状态": before},
        after={"状态": equipment.get_state_display()},
    )


def refusal_of(error: IntegrityError, what: str = "未保存") -> Exception:
    """What the database refused, in words; the error itself where nobody named it."""
    for name, words in TAKEN.items():
        if name in str(error):
            return EquipmentRefused(words.replace("未保存", what))
    return error


def _told(row: Equipment) -> dict[str, Any]:
    found: dict[str, Any] = {"类别": row.get_kind_display()}
    for name, word in TOLD.items():
        value = getattr(row, name)
        if name != "kind" and value not in ("", None):
            plain = isinstance(value, models.Model | date) or not isinstance(value, str)
            found[word] = str(value) if plain else value
    return found
