"""The list of requirements and what is said of them."""

import re
from pathlib import Path

from station.runtime.requirements import lines, verdict

ROWS = (Path(__file__).resolve().parents[2] / "docs/requirements.tsv").read_text().splitlines()


def test_every_row_has_its_own_id_a_priority_and_a_title():
    rows = [line.split("\t") for line in ROWS[1:]]
    assert len(rows) == 237
    assert len({row for row, _, _ in rows}) == 237
    for row, priority, title in rows:
        assert re.fullmatch(r"[A-Z0-9]{2,3}-\d{2}", row)
        assert priority in ("M", "S", "C")
        assert title.strip() == title != ""


def test_a_row_is_proved_only_when_all_its_tests_pass():
    assert verdict({}) == "—"
    assert verdict({"a": "passed"}) == "✓"
    assert verdict({"a": "passed", "b": "failed"}) == "✗"
    assert verdict({"a": "passed", "b": "skipped"}) == "…"


def test_the_list_names_a_test_per_row_and_counts():
    rows = [("A-01", "M", "一"), ("A-02", "M", "二"), ("A-03", "S", "三")]
    told = lines(rows, {"A-01": {"t::x": "passed", "t::y": "passed"}, "A-03": {"t::z": "failed"}})
    assert told[0] == "✓ A-01    M 一：t::x 等 2 项"
    assert told[1] == "— A-02    M 二：没有测试"
    assert told[2] == "✗ A-03    S 三：t::z"
    assert told[3] == "必须（M）：1/2 条有通过的测试"
    assert told[4] == "应当（S）：0/1 条有通过的测试"
