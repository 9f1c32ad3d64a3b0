"""Close a day of the demo's past as the wizard would have: differences accepted, then frozen."""

from __future__ import annotations

from datetime import datetime

from finance.queries.closing import readiness
from finance.queries.figures import figures_of_facts
from finance.services.closing import accept_difference, close_day
from station.models import BusinessDay, User


def freeze_demo_day(*, day: BusinessDay, at: datetime, owner: User, manager: User) -> None:
    """Accept what the owner would have accepted of a cut day, and freeze it."""
    ready = readiness(day=day, figures=figures_of_facts(day=day))
    for row in ready.undecided:
        accept_difference(
            day=day,
            kind=row.kind,
            subject=row.subject,
            reason="已当面核实，按制度处理并跟踪",
            at=at,
            actor=owner,
        )
    close_day(day=day, at=at, actor=manager, remarks="演示数据")
