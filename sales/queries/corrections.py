"""订正: which frozen figures of a shift may be corrected, and what each says now."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import TankBook
from sales.models import SessionTender, ShiftCorrection, ShiftNozzle
from station.models import Shift

_NOZZLE = (
    ("closing", "交班泵码", "升"),
    ("tests", "检定回罐", "升"),
    ("own_use", "自用", "升"),
    ("claimed", "订单付油升数", "升"),
)
_TENDER = (("counted", "实点", "元"), ("expected", "应有", "元"))
_TANK = (("physical_l", "实存", "升"), ("received_l", "卸油", "升"))


@dataclass(frozen=True)
class Subject:
    """One frozen figure: its key in forms, its name on paper, what was frozen, what it says now."""

    key: str
    label: str
    unit: str
    frozen: str
    current: str

    @property
    def corrected(self) -> bool:
        return self.frozen != self.current


def subjects(shift: Shift) -> list[Subject]:
    """Every figure of a closed shift that may be corrected, in the order of the form.

    Empty before the close: until then the facts themselves are mended. Four statements.
    """
    if shift.status != Shift.Status.CLOSED:
        return []
    said = {
        row.subject: row.new_value
        for row in ShiftCorrection.objects.filter(shift=shift).order_by("pk")
    }
    found: list[tuple[str, str, str, str]] = []
    for nozzle in (
        ShiftNozzle.objects.filter(shift=shift).select_related("nozzle").order_by("nozzle__number")
    ):
        for name, title, unit in _NOZZLE:
            key = f"nozzle:{nozzle.nozzle_id}:{name}"
            found.append((key, f"{nozzle.nozzle} {title}", unit, str(getattr(nozzle, name))))
    for tank in (
        TankBook.objects.filter(shift=shift).select_related("tank").order_by("tank__number")
    ):
        for name, title, unit in _TANK:
            value = getattr(tank, name)
            key = f"tank:{tank.tank_id}:{name}"
            found.append(
                (key, f"{tank.tank} {title}", unit, "未量" if value is None else str(value))
            )
    for row in (
        SessionTender.objects.filter(session__shift=shift)
        .select_related("session__till", "session__cashier", "tender")
        .order_by("session_id", "tender__position")
    ):
        for name, title, unit in _TENDER:
            key = f"tender:{row.session_id}:{row.tender_id}:{name}"
            label = f"{row.session.till} {row.session.cashier} {row.tender}{title}"
            found.append((key, label, unit, str(getattr(row, name))))
    return [
        Subject(key, label[:60], unit, frozen, said.get(label[:60], frozen))
        for key, label, unit, frozen in found
    ]
