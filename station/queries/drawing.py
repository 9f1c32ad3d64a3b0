"""Charts for paper: a small SVG without script, drawn from the same numbers as the screen's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from html import escape
from typing import Final

from station.money import round_to
from station.queries.charts import Chart, Series
from station.queries.columns import written
from station.queries.wording import SIDES, side

WIDE: Final = 680
HALF: Final = 340
HEIGHT: Final = 190
_LEFT, _TOP, _FOOT = 46, 24, 22
_GRADES: Final = {"92": "#1d5fd0", "95": "#b65000", "98": "#7b3fc4", "0": "#1c7a3e"}
_SPARE: Final = ("#0b5f73", "#b65000", "#7b3fc4", "#1c7a3e", "#1d5fd0")
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3", "1 2")
_TENTH: Final = Decimal("0.1")
_STEPS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


def svg(chart: Chart, width: int = WIDE) -> str:
    """The chart as SVG text, as wide as said. A pie becomes bars: paper is read with a ruler."""
    drawing = _Drawing(chart, width)
    body = [*([] if chart.kind == "line" else drawing.bars()), *drawing.lines()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}" font-family="Noto Sans SC" font-size="9">'
        f"{''.join(drawing.legend())}{''.join(drawing.axis())}{''.join(body)}</svg>"
    )


@dataclass(frozen=True)
class _Drawing:
    chart: Chart
    width: int

    @cached_property
    def span(self) -> tuple[Decimal, Decimal, Decimal]:
        """The lowest and the highest line of the picture and the step between; zero is in it."""
        chart = self.chart
        if chart.kind == "stack":
            values = [
                sum((Decimal(one.values[at] or 0) for one in chart.series), Decimal(0))
                for at in range(len(chart.labels))
            ]
        else:
            values = [
                Decimal(value) for one in chart.series for value in one.values if value is not None
            ]
        low, high = min([*values, Decimal(0)]), max([*values, Decimal(0)])
        rough = (high - low) / 4 or Decimal(1)
        ten = Decimal(1).scaleb(rough.adjusted())
        step = next(ten * by for by in _STEPS if ten * by >= rough)
        top, foot = step, Decimal(0)
        while top < high:
            top += step
        while foot > low:
            foot -= step
        return foot, top, step

    @cached_property
    def slot(self) -> Decimal:
        return Decimal(self.width - _LEFT) / max(1, len(self.chart.labels))

    def height(self, value: Decimal) -> Decimal:
        """From the top of the picture down to a value, in points."""
        foot, top, _ = self.span
        return _TOP + (top - value) / (top - foot) * (HEIGHT - _TOP - _FOOT)

    def axis(self) -> Iterator[str]:
        value, top, step = self.span
        while value <= top:
            y = _n(self.height(value))
            yield f'<path d="M{_LEFT} {y}H{self.width}" stroke="#ccc" stroke-width="0.5"/>'
            said = escape(_short(value, self.chart))
            yield f'<text x="{_LEFT - 5}" y="{y}" dy="3" text-anchor="end">{said}</text>'
            value += step
        every = max(1, -(-len(self.chart.labels) * 40 // self.width))
        for at in range(0, len(self.chart.labels), every):
            x = _n(_LEFT + self.slot * at + self.slot / 2)
            label = escape(self.chart.labels[at])
            yield f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>'

    def legend(self) -> Iterator[str]:
        if len(self.chart.series) < 2:
            return
        x = _LEFT
        for at, one in enumerate(self.chart.series):
            yield f'<rect x="{x}" y="4" width="9" height="9" fill="{_colour(one, at)}"/>'
            yield f'<text x="{x + 12}" y="12">{escape(one.name)}</text>'
            x += 26 + 9 * len(one.name)

    def bars(self) -> Iterator[str]:
        stacked = self.chart.kind == "stack"
        series = [(at, one) for at, one in enumerate(self.chart.series) if not one.line]
        beside = 1 if stacked else max(1, len(series))
        width = min(Decimal(32), self.slot * Decimal("0.7") / beside)
        for at in range(len(self.chart.labels)):
            left, base = _LEFT + self.slot * at + (self.slot - width * beside) / 2, Decimal(0)
            for order, one in series:
                value = Decimal(one.values[at] or 0)
                foot, head = self.height(base), self.height(base + value)
                yield (
                    f'<rect x="{_n(left)}" y="{_n(min(foot, head))}" width="{_n(width)}" '
                    f'height="{_n(abs(foot - head))}" fill="{_colour(one, order)}"/>'
                )
                if stacked:
                    base += value
                else:
                    left += width

    def lines(self) -> Iterator[str]:
        for order, one in enumerate(self.chart.series):
            if self.chart.kind != "line" and not one.line:
                continue
            path, pen = [], "M"
            for at, value in enumerate(one.values):
                if value is None:
                    pen = "M"  # a gap stays a gap
                    continue
                x = _n(_LEFT + self.slot * at + self.slot / 2)
                path.append(f"{pen}{x} {_n(self.height(Decimal(value)))}")
                pen = "L"
            solid = one.line or not _DASHES[order]
            dash = "" if solid else f' stroke-dasharray="{_DASHES[order]}"'
            yield (
                f'<path d="{" ".join(path)}" fill="none" stroke="{_colour(one, order)}" '
                f'stroke-width="1.8"{dash}/>'
            )


def _colour(series: Series, at: int) -> str:
    return _GRADES.get(series.colour, _SPARE[at % len(_SPARE)])


def _short(value: Decimal, chart: Chart) -> str:
    """A line's label: whole numbers, 万 where they are long; a variance has its word."""
    if value and chart.value in SIDES:
        return f"{side(value, chart.value)} {abs(value).normalize():f}"
    if chart.value in {"percent", "permille"}:
        return written(value, chart.value)
    if abs(value) >= 10000:
        return f"{(value / 10000).normalize():f}万"
    return f"{value.normalize():f}"


def _n(number: Decimal) -> str:
    return f"{round_to(number, _TENTH):f}"
