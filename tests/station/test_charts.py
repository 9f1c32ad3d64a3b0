from decimal import Decimal
from xml.etree import ElementTree

import pytest

from station.queries.charts import Chart, Series
from station.queries.drawing import HEIGHT, svg
from station.queries.reporting import changed

HOURS = ("8时", "9时", "10时")
SVG = "{http://www.w3.org/2000/svg}"


def chart(*values, kind="bar", value="litres", **fields):
    series = tuple(Series(f"9{2 + 3 * at}#", run) for at, run in enumerate(values))
    return Chart("各时段销量", HOURS, series, kind, value, "升", **fields)


@pytest.mark.req("RPT-06")
def test_a_chart_says_in_words_what_it_shows():
    told = chart((Decimal("120.50"), None, Decimal("80.25"))).alternative
    assert told == "各时段销量：92#最高 120.50（8时），最低 80.25（10时），合计 200.75。"
    stands = chart((Decimal(5), Decimal(4), Decimal(3)), summed=False).alternative
    assert "最低 3.00（10时）" in stands and "合计" not in stands
    assert chart((None, None, None)).alternative == "各时段销量：92#没有数据。"
    assert chart().alternative == "各时段销量：没有数据。"


@pytest.mark.req("RPT-06")
def test_the_table_of_a_chart_holds_the_same_numbers():
    made = chart((1, 2, 3), (Decimal(4), None, Decimal(6)), label="时段")
    assert [column.label for column in made.sheet.columns] == ["时段", "92#", "95#"]
    assert [[cell.value for cell in line.cells] for line in made.sheet.rows] == [
        ["8时", 1, 4], ["9时", 2, None], ["10时", 3, 6],
    ]  # fmt: skip


def test_amounts_reach_the_browser_as_text():
    numbers = chart((Decimal("0.10"), None, Decimal("9999999999.99"))).numbers()
    assert numbers["series"][0]["values"] == ["0.10", None, "9999999999.99"]
    assert numbers["series"][0]["colour"] == "92"


def test_a_chart_of_six_series_or_of_uneven_ones_is_a_mistake_of_the_maker():
    with pytest.raises(ValueError, match="at most 5"):
        chart(*([(1, 2, 3)] * 6))
    with pytest.raises(ValueError, match="as long as"):
        chart((1, 2))


@pytest.mark.parametrize("kind", ["bar", "stack", "pie"])
@pytest.mark.parametrize(
    "values", [(1, 2, 131), (Decimal("0.01"), 0, None), (-20, 5, 33), (0, 0, 0)]
)
def test_on_paper_every_bar_stands_inside_the_picture(kind, values):
    drawn = ElementTree.fromstring(svg(chart(values, values, kind=kind)))
    bars = [rect for rect in drawn.iter(f"{SVG}rect") if rect.get("width") != "9"]
    assert len(bars) == 6
    for bar in bars:
        top, tall = Decimal(bar.get("y")), Decimal(bar.get("height"))
        assert top >= 24 and top + tall <= HEIGHT - 22 + Decimal("0.2")


def test_on_paper_the_lines_of_the_axis_are_round_numbers():
    drawn = ElementTree.fromstring(svg(chart((13, 88, 131))))
    labels = [text.text for text in drawn.iter(f"{SVG}text")]
    assert labels == ["0", "50", "100", "150", "8时", "9时", "10时"]
    assert ">2万<" in svg(chart((50000, 100, 0)))


def test_on_paper_a_gap_in_a_line_stays_a_gap():
    drawn = ElementTree.fromstring(svg(chart((1, None, 3), kind="line")))
    [line] = [path for path in drawn.iter(f"{SVG}path") if path.get("stroke-width") == "1.8"]
    assert line.get("d").count("M") == 2 and "L" not in line.get("d")


@pytest.mark.parametrize(
    ("now", "before", "word", "text"),
    [
        (125, 100, "升", "25.0%"), (75, 100, "降", "25.0%"), (100, 100, "平", "0.0%"),
        (5, 0, "", "无可比"), (5, None, "", "无可比"), (None, 5, "", "无可比"),
        (-50, -100, "升", "50.0%"),
    ],
)  # fmt: skip
def test_a_change_has_a_word_and_a_share(now, before, word, text):
    change = changed(now, before)
    assert (change.word, change.text) == (word, text)


def test_shares_are_told_and_drawn_in_percent():
    made = chart((Decimal("0.1"), Decimal("0.25"), None), value="percent")
    assert "最高 25.0%（9时）" in made.alternative and "合计" not in made.alternative
    assert ">20.0%<" in svg(made)
