"""Charts for paper: a small SVG without script, drawn from the same numbers as the screen's."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from typing import Final

from station.money import round_to
from station.queries.charts import Chart, Series
from station.queries.columns import written

WIDTH: Final = 680
HEIGHT: Final = 230
_LEFT, _TOP, _FOOT = 64, 26, 26
_GRADES: Final = {"92": "#1d5fd0", "95": "#b65000", "98": "#7b3fc4", "0": "#1c7a3e"}
_SPARE: Final = ("#0b5f73", "#b65000", "#7b3fc4", "#1c7a3e", "#1d5fd0")
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3", "1 2")
_TENTH: Final = Decimal("0.1")


def svg(chart: Chart) -> str:
    """The chart as SVG text of 680 × 230 points; a pie is drawn as bars of shares, told in words.

    On paper a bar can be read with a ruler and a pie cannot.
    """
    body = "".join(_lines(chart) if chart.kind == "line" else _bars(chart))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Noto Sans SC" font-size="10">'
        f"{''.join(_legend(chart))}{''.join(_axis(chart))}{body}</svg>"
    )


def _colour(series: Series, at: int) -> str:
    return _GRADES.get(series.colour, _SPARE[at % len(_SPARE)])


def _top(chart: Chart) -> tuple[Decimal, Decimal]:
    """The lowest and the highest value that the picture must hold; zero is always in it."""
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
    return (low, high) if high > low else (low, low + 1)


def _height(chart: Chart, value: Decimal) -> Decimal:
    """From the top of the picture down to a value, in points."""
    low, high = _top(chart)
    return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _FOOT)


def _n(number: Decimal) -> str:
    return f"{round_to(number, _TENTH):f}"


def _axis(chart: Chart) -> Iterator[str]:
    low, high = _top(chart)
    for part in range(5):
        value = low + (high - low) * part / 4
        y = _n(_height(chart, value))
        yield f'<path d="M{_LEFT} {y}H{WIDTH}" stroke="#ccc" stroke-width="0.5"/>'
        said = escape(written(value, chart.value))
        yield f'<text x="{_LEFT - 6}" y="{y}" dy="3" text-anchor="end">{said}</text>'
    step = max(1, -(-len(chart.labels) // 16))
    slot = Decimal(WIDTH - _LEFT) / max(1, len(chart.labels))
    for at in range(0, len(chart.labels), step):
        x = _n(_LEFT + slot * at + slot / 2)
        yield f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.labels[at])}</text>'


def _legend(chart: Chart) -> Iterator[str]:
    if len(chart.series) < 2:
        return
    x = _LEFT
    for at, one in enumerate(chart.series):
        yield f'<rect x="{x}" y="4" width="10" height="10" fill="{_colour(one, at)}"/>'
        yield f'<text x="{x + 14}" y="13">{escape(one.name)}</text>'
        x += 30 + 10 * len(one.name)


def _bars(chart: Chart) -> Iterator[str]:
    slot = Decimal(WIDTH - _LEFT) / max(1, len(chart.labels))
    stacked = chart.kind == "stack"
    width = min(Decimal(36), slot * Decimal("0.7") / (1 if stacked else max(1, len(chart.series))))
    for at in range(len(chart.labels)):
        start = _LEFT + slot * at + (slot - width * (1 if stacked else len(chart.series))) / 2
        base = Decimal(0)
        for order, one in enumerate(chart.series):
            value = one.values[at]
            if value is None:
                continue
            foot, head = _height(chart, base), _height(chart, base + Decimal(value))
            yield (
                f'<rect x="{_n(start)}" y="{_n(min(foot, head))}" width="{_n(width)}" '
                f'height="{_n(abs(foot - head))}" fill="{_colour(one, order)}"/>'
            )
            if stacked:
                base += Decimal(value)
            else:
                start += width


def _lines(chart: Chart) -> Iterator[str]:
    slot = Decimal(WIDTH - _LEFT) / max(1, len(chart.labels))
    for order, one in enumerate(chart.series):
        path, pen = [], "M"
        for at, value in enumerate(one.values):
            if value is None:
                pen = "M"
                continue
            x, y = _LEFT + slot * at + slot / 2, _height(chart, Decimal(value))
            path.append(f"{pen}{_n(x)} {_n(y)}")
            pen = "L"
        dash = f' stroke-dasharray="{_DASHES[order]}"' if _DASHES[order] else ""
        yield (
            f'<path d="{" ".join(path)}" fill="none" stroke="{_colour(one, order)}" '
            f'stroke-width="1.8"{dash}/>'
        )
