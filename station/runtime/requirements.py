"""`make requirements`: each row with the tests that proved it in the last run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "docs" / "requirements.tsv"
OUTCOMES = ROOT / "var" / "requirements.json"
PRIORITIES = {"M": "必须", "S": "应当", "C": "可以"}


def verdict(tests: dict[str, str]) -> str:
    """A row is proved when it has a passing test and none that fails or did not run."""
    if not tests:
        return "—"
    if all(outcome == "passed" for outcome in tests.values()):
        return "✓"
    return "✗" if "failed" in tests.values() else "…"


def lines(rows: list[tuple[str, str, str]], outcomes: dict[str, dict[str, str]]) -> list[str]:
    """One line per row with its first test, then how many of each priority are proved."""
    written, proved, wanted = [], Counter[str](), Counter[str]()
    for row, priority, title in rows:
        tests = outcomes.get(row, {})
        mark = verdict(tests)
        wanted[priority] += 1
        proved[priority] += mark == "✓"
        named = min(tests, default="没有测试")
        more = f" 等 {len(tests)} 项" if len(tests) > 1 else ""
        written.append(f"{mark} {row:<7} {priority} {title}：{named}{more}")
    for priority, word in PRIORITIES.items():
        if wanted[priority]:
            written.append(
                f"{word}（{priority}）：{proved[priority]}/{wanted[priority]} 条有通过的测试"
            )
    written.append("✓ 通过　✗ 失败　… 未运行　— 没有测试")
    return written


def main() -> None:
    text = ROWS.read_text(encoding="utf-8").splitlines()[1:]
    rows = [(row, priority, title) for row, priority, title in (line.split("\t") for line in text)]
    outcomes = json.loads(OUTCOMES.read_text(encoding="utf-8")) if OUTCOMES.exists() else {}
    print("\n".join(lines(rows, outcomes)))
    if not outcomes:
        print("还没有测试记录：先运行 make test。")


if __name__ == "__main__":
    main()
