"""The wizard of the day close: its steps, what each still wants, and whose it is."""

from __future__ import annotations

from finance.queries.closing import Blocker, Readiness
from station.models import BusinessDay
from station.queries.columns import Step

ORDER = (
    ("DAY", "截止营业日"),
    ("SHIFT", "各班班结"),
    ("SESSION", "点款交接"),
    ("PAYMENT", "款项查明"),
    ("UPLOAD", "断网销售入账"),
    ("CHECK", "勾稽核对"),
)


def steps_of(ready: Readiness) -> list[Step]:
    """Six kinds of open work, the differences, and the freezing itself."""
    closed = ready.day.status == BusinessDay.Status.CLOSED
    steps = [_work(kind, title, ready.blockers, closed) for kind, title in ORDER]
    undecided = ready.undecided
    steps.append(
        Step(
            "差异处理",
            "done" if closed or not undecided else "open",
            "#differences",
            "老板" if undecided and not closed else "",
            f"{len(undecided)} 项未决" if undecided and not closed else "",
        )
    )
    if closed:
        steps.append(Step("冻结", "done", "#close"))
    else:
        steps.append(
            Step(
                "冻结",
                "open" if ready.is_ready else "blocked",
                "#close",
                "站长",
                here=ready.is_ready,
            )
        )
    return steps


def _work(kind: str, title: str, blockers: tuple[Blocker, ...], closed: bool) -> Step:
    found = [row for row in blockers if row.kind == kind]
    if closed or not found:
        return Step(title, "done")
    whose = "、".join(dict.fromkeys(row.whose for row in found))
    return Step(title, "open", "#blockers", whose, f"{len(found)} 项未完")
