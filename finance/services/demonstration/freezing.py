"""Close days of the demo's past as the wizard would have: differences accepted, then frozen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from finance.queries.closing import readiness
from finance.queries.figures import figures_of_facts
from finance.services.closing import DayNotReady, accept_difference, close_day, close_days
from finance.services.freezing import Closing
from station.models import BusinessDay, User

REMARKS = "演示数据"


def freeze_demo_days(*, days: Sequence[Closing], owner: User, manager: User) -> None:
    """Close cut days in their order, each at its instant; accept what the owner would have accepted."""
    try:
        with transaction.atomic():
            close_days(days=days, actor=manager, remarks=REMARKS)
    except DayNotReady:
        for day, at in days:
            _accept(day, at, owner)
            close_day(day=day, at=at, actor=manager, remarks=REMARKS)


def _accept(day: BusinessDay, at: datetime, owner: User) -> None:
    for row in readiness(day=day, figures=figures_of_facts(day=day)).undecided:
        accept_difference(
            day=day,
            kind=row.kind,
            subject=row.subject,
            reason="已当面核实，按制度处理并跟踪",
            at=at,
            actor=owner,
        )
