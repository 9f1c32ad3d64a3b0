"""Tables as values: what a column is, what a cell holds, and what an empty page says.

Lists, reports, charts and exports are made of these, so that a figure is written the same on each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, Literal

from station.queries import wording

Kind = Literal[
    "text",  # words
    "code",  # document numbers, plates, nozzles: tabular type, never broken
    "state",  # a word with a colour; the cell's tone decides which
    "grade",  # 92#, 95#, …: with the grade's colour
    "yuan",
    "price",  # yuan per unit
    "litres",
    "count",
    "percent",  # a ratio
    "permille",  # in ‰ already
    "gain_loss",  # litres, physical less book
    "loss_rate",  # 损溢率, in ‰ already
    "loss_percent",  # 损耗率, a ratio
    "over_short",  # yuan, counted less due
    "more_less",  # litres, one count less another
    "more_less_yuan",  # yuan, likewise
    "meter_error",  # a meter against its standard, in per cent already
    "moment",
    "date",
    "duration",  # seconds
]
Tone = Literal["", "good", "wait", "bad", "info", "off"]
Value = str | Decimal | int | datetime | date | bool | None

MONEY: Final = frozenset({"yuan", "price", "over_short", "more_less_yuan"})
VOLUME: Final = frozenset({"litres", "gain_loss", "more_less"})
SIGNED: Final = frozenset(wording.SIDES)  # the sign is a word, on screens, paper and in files
NUMBERS: Final = MONEY | VOLUME | SIGNED | {"count", "percent", "permille", "duration"}
_WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "yuan": wording.yuan,
    "price": wording.yuan,
    "litres": wording.litres,
    "count": wording.count,
    "percent": wording.percent,
    "permille": wording.permille,
    "gain_loss": wording.gain_loss,
    "loss_rate": wording.loss_rate,
    "loss_percent": wording.loss_percent,
    "over_short": wording.over_short,
    "more_less": wording.more_less,
    "more_less_yuan": wording.more_less_yuan,
    "meter_error": wording.meter_error,
    "moment": wording.local,
    "date": wording.local,
    "duration": wording.duration,
}


def written(value: object, kind: str) -> str:
    """The text of a value on a screen or on paper."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return wording.NOTHING
    writer = _WRITERS.get(kind)
    return writer(value) if writer and not isinstance(value, str) else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` is an attribute path of the row ("nozzle.tank.grade") or a function of it.

    `href` and `tone` are functions of the row. `sum` names what the total row shows: a key of the
    list's totals. `minor` columns leave the screen first when it is narrow; exports hold them all.
    """

    label: str
    value: str | Callable[[Any], Value] = ""
    kind: Kind = "text"
    href: Callable[[Any], str] | None = None
    tone: Callable[[Any], Tone] | None = None
    sum: str = ""
    minor: bool = False
    width: int = 0  # characters in a spreadsheet; 0 lets the kind decide

    def of(self, row: object) -> Value:
        """The row's value in this column. A path that meets None gives None."""
        if callable(self.value):
            return self.value(row)
        try:
            found: Value = attrgetter(self.value)(row)
        except AttributeError:
            head, _, rest = self.value.partition(".")
            if rest and getattr(row, head) is None:
                return None
            raise
        return found

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in its column, with the page it opens."""

    column: Column
    value: Value
    href: str = ""
    tone: Tone = ""

    @property
    def text(self) -> str:
        return written(self.value, self.column.kind)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of cells; `href` is the page that the whole row opens."""

    cells: tuple[Cell, ...]
    href: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A finished table: what templates and exports draw."""

    columns: tuple[Column, ...]
    rows: Sequence[Line]
    totals: tuple[Cell, ...] = ()
    title: str = ""
    note: str = ""
    empty: str = "这个期间没有记录。"


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty page says: what would be here, and the button that makes the first one."""

    title: str
    text: str = ""
    action: str = ""
    href: str = ""
    icon: str = "inbox"

    def leading(self, to: Action | None) -> Empty:
        """The same with the button of an action, where the person has it."""
        return replace(self, action=to.label, href=to.href) if to else self


@dataclass(frozen=True, slots=True)
class Action:
    """The one primary action of a page."""

    label: str
    href: str
    icon: str = "plus"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a wizard: done, open, blocked or here, and whose it is."""

    label: str
    state: Literal["done", "open", "blocked"] = "open"
    href: str = ""
    whose: str = ""
    note: str = ""
    here: bool = field(default=False, kw_only=True)

    @property
    def word(self) -> str:
        return {"done": "已完成", "open": "待办", "blocked": "还不能做"}[self.state]

    @property
    def icon(self) -> str:
        return {"done": "check", "open": "circle", "blocked": "lock"}[self.state]


def line(columns: Iterable[Column], row: object, href: str = "", tone: Tone = "") -> Line:
    """One object as a line of the table."""
    return Line(
        tuple(
            Cell(
                column,
                column.of(row),
                column.href(row) if column.href else "",
                column.tone(row) if column.tone else "",
            )
            for column in columns
        ),
        href,
        tone,
    )


def totals(columns: Sequence[Column], sums: Mapping[str, Value]) -> tuple[Cell, ...]:
    """The sum row: 合计, then the sums under their columns. Empty where nothing is summed."""
    if not any(column.sum for column in columns):
        return ()
    cells = [Cell(column, sums.get(column.sum) if column.sum else "") for column in columns]
    if not columns[0].sum:
        cells[0] = Cell(Column(columns[0].label), "合计")
    return tuple(cells)
