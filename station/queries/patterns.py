"""班次制度: which slot follows which, and which ends the day."""

from __future__ import annotations

from django.db.models import QuerySet

from station.models import ShiftPattern, ShiftSlot, Station


def slots(station: Station) -> list[ShiftSlot]:
    """The slots of the station's pattern in order; empty where it has none."""
    if station.shift_pattern_id is None:
        return []
    return list(ShiftSlot.objects.filter(pattern=station.shift_pattern_id).order_by("ordinal"))


def next_name(*, station: Station, after: str) -> str:
    """The name of the shift that follows one by name; the first of the pattern where none fits."""
    names = [slot.name for slot in slots(station)]
    if not names:
        return "全天班"
    if after not in names:
        return names[0]
    return names[(names.index(after) + 1) % len(names)]


def ends_the_day(*, station: Station, name: str) -> bool:
    """Whether a shift of that name is the last of the day; without a pattern every shift is."""
    names = [slot.name for slot in slots(station)]
    return not names or name not in names or name == names[-1]


def patterns() -> QuerySet[ShiftPattern]:
    """Every pattern with its slots."""
    return ShiftPattern.objects.prefetch_related("slots").order_by("name")
