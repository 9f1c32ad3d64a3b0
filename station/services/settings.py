"""Change figures of the declared table; every change is audited with its old value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction

from station.errors import Refusal
from station.models import Setting, Station, User
from station.queries import settings as table
from station.queries.figures import Declared, Kind
from station.services import audit

# More than any station has of anything; what is written out must fit its column.
MOST = 10**12


class BadValue(Refusal):
    """The text is no figure of the declared kind; `name` says which setting."""

    def __init__(self, line: Declared, text: str) -> None:
        super().__init__(f"「{line.title}」{text}")
        self.name = line.name


def get(name: str, station: Station) -> str | Decimal | int:
    """A declared figure as its kind says; `queries.settings` has one typed function per kind."""
    kind = table.declared(name).kind
    if kind == Kind.TEXT:
        return table.text(name, station)
    if kind == Kind.WHOLE:
        return table.whole(name, station)
    return table.number(name, station)


@transaction.atomic
def change_all(*, values: Mapping[str, str], station: Station, at: datetime, actor: User) -> int:
    """Set several figures, all or none; returns how many changed. Refuses with BadValue."""
    return sum(
        change(name=name, station=station, value=value, at=at, actor=actor)
        for name, value in values.items()
    )


@transaction.atomic
def change(*, name: str, station: Station, value: str, at: datetime, actor: User) -> bool:
    """Set a figure at a station; tells whether it changed. Refuses with BadValue."""
    line = table.declared(name)
    written = _checked(line, value.strip())
    before = table.text(name, station)
    if written == before:
        return False
    Setting.objects.update_or_create(station=station, name=name, defaults={"value": written})
    audit.record(
        at=at,
        actor=actor,
        action="station.setting.changed",
        station=station,
        document=f"setting:{name}",
        before={line.title: before},
        after={line.title: written},
    )
    return True


def _checked(line: Declared, value: str) -> str:
    if line.kind == Kind.TEXT:
        if not value or len(value) > 200:
            raise BadValue(line, "不能为空，也不能超过 200 字。")
        return value
    try:
        figure = Decimal(value)
    except InvalidOperation:
        raise BadValue(line, f"应当是数字，单位 {line.unit}。") from None
    if not figure.is_finite() or figure < 0:
        raise BadValue(line, f"不能是负数，单位 {line.unit}。")
    if figure < line.least:
        raise BadValue(line, f"不能小于 {line.least} {line.unit}（{line.source}）。")
    if figure >= MOST:
        raise BadValue(line, f"太大了：应小于 {MOST:,}。")
    places = {Kind.WHOLE: 0, Kind.YUAN: 2, Kind.LITRES: 3, Kind.RATE: 3}[line.kind]
    exponent = figure.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise BadValue(line, f"最多 {places} 位小数。")
    return f"{figure:f}"
