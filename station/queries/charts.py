"""Charts as values. The same numbers are a picture, a table and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from station.queries.columns import Cell, Column, Kind, Line, Sheet, written
from station.queries.wording import SIDES, grade_key

Picture = Literal["bar", "line", "stack", "pie"]
KINDS: Final = (
    ("bar", "柱状", "chart-bar"),
    ("line", "折线", "chart-line"),
    ("pie", "饼图", "chart-pie"),
    ("table", "表格", "table"),
)
MOST_SERIES: Final = 5


@dataclass(frozen=True, slots=True)
class Series:
    """One named run of numbers, as long as the chart's labels. A grade's name brings its colour."""

    name: str
    values: tuple[Decimal | int | None, ...]
    line: bool = False  # over the bars of the others, as what runs up over what each adds

    @property
    def colour(self) -> str:
        """The grade whose colour is used, or nothing: then by position."""
        key = grade_key(self.name)
        return "" if key == "other" else key


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of at most five series over the same labels.

    `value` is the kind of the numbers (yuan, litres, count, …) and decides how they are written.
    """

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    kind: Picture = "bar"
    value: Kind = "count"
    unit: str = ""
    label: str = "项目"
    summed: bool = True  # False: of what stands, such as a level, there is no sum

    def __post_init__(self) -> None:
        if len(self.series) > MOST_SERIES:
            raise ValueError(f"a chart has at most {MOST_SERIES} series")
        if any(len(one.values) != len(self.labels) for one in self.series):
            raise ValueError("every series is as long as the labels")

    def numbers(self) -> dict[str, object]:
        """What the browser draws; amounts as text, so that nothing is rounded on the way."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "value": self.value,
            "sides": SIDES.get(self.value),  # the words of a variance instead of its sign
            "labels": list(self.labels),
            "series": [
                {
                    "name": one.name,
                    "colour": one.colour,
                    "line": one.line,
                    "values": [None if number is None else str(number) for number in one.values],
                }
                for one in self.series
            ],
        }

    @property
    def sheet(self) -> Sheet:
        """The same numbers as a table."""
        columns = (
            Column(self.label),
            *(Column(one.name, kind=self.value) for one in self.series),
        )
        rows = tuple(
            Line(
                tuple(
                    Cell(column, value)
                    for column, value in zip(
                        columns, (label, *(one.values[at] for one in self.series)), strict=True
                    )
                )
            )
            for at, label in enumerate(self.labels)
        )
        return Sheet(columns, rows)

    @property
    def alternative(self) -> str:
        """The chart in words: per series the sum or the span, the highest and the lowest."""
        if not self.labels or not self.series:
            return f"{self.title}：没有数据。"
        told = "；".join(_told(one, self.labels, self.value, self.summed) for one in self.series)
        return f"{self.title}：{told}。"


def _told(series: Series, labels: Sequence[str], kind: Kind, summed: bool) -> str:
    pairs = zip(series.values, labels, strict=True)
    known = [(value, label) for value, label in pairs if value is not None]
    if not known:
        return f"{series.name}没有数据"
    most, least = max(known, key=lambda pair: pair[0]), min(known, key=lambda pair: pair[0])
    said = (
        f"{series.name}最高 {written(most[0], kind)}（{most[1]}），"
        f"最低 {written(least[0], kind)}（{least[1]}）"
    )
    if summed and kind in {"yuan", "litres", "count"}:
        said += f"，合计 {written(sum((value for value, _ in known), Decimal(0)), kind)}"
    return said
