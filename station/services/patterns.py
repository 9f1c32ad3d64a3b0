"""Keep 班次制度: the named slots of a day, and which pattern a station works by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.db import transaction

from station.errors import Refusal
from station.models import ShiftPattern, ShiftSlot, Station, User
from station.services import audit


class BadPattern(Refusal):
    """The slots do not make a day."""


@dataclass(frozen=True)
class Slot:
    """One named part of the day; an end not after its start lies past midnight."""

    name: str
    starts_at: time
    ends_at: time


@transaction.atomic
def save_pattern(
    *,
    name: str,
    slots: Sequence[Slot],
    at: datetime,
    actor: User,
    pattern: ShiftPattern | None = None,
) -> ShiftPattern:
    """Make a pattern or change one. Its slots follow each other and fill 24 hours.

    Shifts that have begun keep the names they had. Refuses with BadPattern.
    """
    _check(name, slots, pattern)
    kept = pattern or ShiftPattern()
    before = {"slots": _said(kept)} if pattern else None
    kept.name = name.strip()
    kept.save()
    kept.slots.all().delete()
    ShiftSlot.objects.bulk_create(
        ShiftSlot(
            pattern=kept,
            ordinal=ordinal,
            name=slot.name.strip(),
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
        )
        for ordinal, slot in enumerate(slots, start=1)
    )
    audit.record(
        at=at,
        actor=actor,
        action="station.pattern.saved",
        document=f"班次制度 {kept.name}",
        before=before,
        after={"slots": _said(kept)},
    )
    return kept


@transaction.atomic
def work_by(*, station: Station, pattern: ShiftPattern, at: datetime, actor: User) -> None:
    """Let a station work by a pattern from its next shift on. Audited."""
    before = station.shift_pattern
    station.shift_pattern = pattern
    station.save(update_fields=["shift_pattern"])
    audit.record(
        at=at,
        actor=actor,
        action="station.pattern.chosen",
        station=station,
        document=f"班次制度 {pattern.name}",
        before={"pattern": before.name if before else ""},
        after={"pattern": pattern.name},
    )


def _check(name: str, slots: Sequence[Slot], pattern: ShiftPattern | None) -> None:
    if not name.strip() or not slots:
        raise BadPattern("请填写制度名称，并至少填写一个班次。")
    taken = ShiftPattern.objects.filter(name=name.strip())
    if pattern is not None:
        taken = taken.exclude(pk=pattern.pk)
    if taken.exists():
        raise BadPattern(f"已有名为“{name.strip()}”的班次制度，请换一个名称。")
    names = [slot.name.strip() for slot in slots]
    if not all(names) or len(set(names)) != len(names):
        raise BadPattern("每个班次都要有不重复的班名，请检查。")
    turns = [*slots[1:], slots[0]]
    for slot, following in zip(slots, turns, strict=True):
        if slot.ends_at != following.starts_at:
            raise BadPattern(
                f"{slot.name}结束于 {slot.ends_at:%H:%M}，{following.name}却从 "
                f"{following.starts_at:%H:%M} 开始：各班须首尾相接，排满 24 小时。"
            )
    minutes = sum(_minutes(slot) for slot in slots)
    if minutes != 24 * 60:
        raise BadPattern(f"各班合计 {minutes // 60} 小时，须正好 24 小时，请检查起止时间。")


def _minutes(slot: Slot) -> int:
    start = slot.starts_at.hour * 60 + slot.starts_at.minute
    end = slot.ends_at.hour * 60 + slot.ends_at.minute
    return end - start if end > start else end - start + 24 * 60


def _said(pattern: ShiftPattern) -> list[str]:
    return [
        f"{slot.name} {slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}"
        for slot in pattern.slots.order_by("ordinal")
    ]
