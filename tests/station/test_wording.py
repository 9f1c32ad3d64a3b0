import ast
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from station.queries import wording
from station.queries.columns import SIGNED, written


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("12345.67", "¥12,345.67"),
        ("-12", "-¥12.00"),
        ("0", "¥0.00"),
        ("0.005", "¥0.01"),
        ("1234567.895", "¥1,234,567.90"),
    ],
)
def test_yuan_has_two_places_and_its_sign_before_the_currency(amount, text):
    assert wording.yuan(Decimal(amount)) == text


def test_litres_show_two_of_their_three_places_rounded_half_up():
    assert wording.litres(Decimal("1234.565")) == "1,234.57"


def test_a_ratio_is_written_in_percent_and_a_share_in_permille_as_it_is():
    assert wording.percent(Decimal("0.12345")) == "12.3%"
    assert wording.permille(Decimal("-1.234")) == "-1.23‰"


def test_counts_are_whole_unless_they_are_not():
    assert wording.count(12345) == "12,345"
    assert wording.count(Decimal("2.500")) == "2.5"
    assert wording.count(Decimal("200.000")) == "200"


@pytest.mark.parametrize(
    ("volume", "text"),
    [("-12.345", "损 12.35 L"), ("12.3", "溢 12.30 L"), ("0.004", "平 0.00 L"), ("0", "平 0.00 L")],
)
def test_loss_and_gain_are_words_and_never_a_bare_sign(volume, text):
    assert wording.gain_loss(Decimal(volume)) == text


@pytest.mark.parametrize(
    ("amount", "text"), [("-20", "短 ¥20.00"), ("20", "长 ¥20.00"), ("0", "平 ¥0.00")]
)
def test_over_and_short_are_words(amount, text):
    assert wording.over_short(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (wording.loss_rate(Decimal("-0.424")), "损 0.42‰"),
        (wording.loss_rate(Decimal("0.1")), "溢 0.10‰"),
        (wording.loss_rate(Decimal("-0.004")), "平 0.00‰"),
        (wording.loss_percent(Decimal("-0.0012")), "损 0.12%"),
        (wording.loss_percent(Decimal("0.00004")), "平 0.00%"),
        (wording.more_less(Decimal("-0.5")), "少 0.50 L"),
        (wording.more_less_yuan(Decimal("3.9")), "多 ¥3.90"),
        (wording.meter_error(Decimal("0.125")), "多计 0.125%"),
        (wording.meter_error(Decimal("-0.3")), "少计 0.300%"),
        (wording.meter_error(Decimal("0.0002")), "平 0.000%"),
    ],
)
def test_every_other_variance_has_its_word_too(written, text):
    assert written == text


def columns_of(path):
    """(label, kind) of every Column that a module names with a plain label."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Column" and node.args:
            label = getattr(node.args[0], "value", None)
            kind = next((one.value for one in node.keywords if one.arg == "kind"), None)
            kind = kind or (node.args[2] if len(node.args) > 2 else None)
            if isinstance(label, str):
                yield label, getattr(kind, "value", "text")


def test_no_column_of_a_variance_shows_a_bare_sign():
    """Rates, litres and money that may fall either way are of a kind that writes a word."""
    variance = re.compile("损溢|损耗|累计率|差异升数|差异金额|长短款")
    found = [
        (path.name, label, kind)
        for floor in ("sales", "inventory", "finance", "station")
        for path in sorted(Path(floor).rglob("*.py"))
        for label, kind in columns_of(path)
        if variance.search(label)
    ]
    assert len(found) > 20
    assert not [one for one in found if one[2] not in SIGNED]


def test_a_moment_is_written_in_the_stations_time_with_its_weekday():
    assert wording.local(datetime(2026, 4, 22, 12, 5, tzinfo=UTC)) == "2026-04-22 周三 20:05"
    assert wording.local(date(2026, 4, 26)) == "2026-04-26 周日"
    assert wording.clock(datetime(2026, 4, 22, 16, 5, 9, tzinfo=UTC)) == "00:05:09"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (45, "45 秒"),
        (185, "3 分 05 秒"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 小时 05 分"),
        (timedelta(days=3, hours=2), "3 天 2 小时"),
        (-5, "0 秒"),
    ],
)
def test_a_duration_says_its_two_largest_units(span, text):
    assert wording.duration(span) == text


def test_phones_and_plates_are_masked_even_when_they_are_odd():
    assert wording.masked_phone("13812345678") == "138****5678"
    assert wording.masked_phone("12345") == "*****"
    assert wording.masked_plate("云A12345") == "云A***45"
    assert wording.masked_plate("云AD12345") == "云A****45"
    assert wording.masked_plate("abc") == "***"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("92#", "92"), ("E95号", "95"), ("98# 车用汽油", "98"), ("0#", "0"), ("-10#", "0"),
        ("车用柴油", "0"), ("充电", "other"), ("892", "other"), ("0# 车用柴油", "0"),
    ],
)  # fmt: skip
def test_a_grade_has_the_same_colour_everywhere(name, key):
    assert wording.grade_key(name) == key


@pytest.mark.parametrize(
    "writer",
    [
        wording.yuan, wording.litres, wording.count, wording.percent, wording.permille,
        wording.gain_loss, wording.loss_rate, wording.loss_percent, wording.over_short,
        wording.more_less, wording.more_less_yuan, wording.meter_error, wording.local, wording.clock, wording.duration,
        wording.masked_phone, wording.masked_plate,
    ],
)  # fmt: skip
def test_what_is_not_known_is_a_dash_and_never_a_zero(writer):
    assert writer(None) == "—"


def test_a_cell_writes_its_value_by_the_kind_of_its_column():
    assert written(True, "text") == "是"
    assert written(None, "yuan") == "—"
    assert written("", "yuan") == ""
    assert written("合计", "litres") == "合计"
    assert written(Decimal("3"), "litres") == "3.00"
