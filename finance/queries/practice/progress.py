"""How far a trainee is: scenarios of his role first, with the best he has done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from finance.queries.practice.table import BY_SLUG, SCENARIOS, Scenario
from station.models import PracticeAttempt, User


@dataclass(frozen=True)
class Line:
    """One scenario with what a trainee has made of it."""

    scenario: Scenario
    tries: int
    passed: bool
    best: int


@dataclass(frozen=True)
class Told:
    """What the trainee saw, and when."""

    at: datetime | None
    text: str


@dataclass(frozen=True)
class Course:
    """The scenarios of a role in their order (the guided tour), and the others."""

    own: list[Line]
    others: list[Line]

    @property
    def passed(self) -> int:
        return sum(line.passed for line in self.own)

    @property
    def next(self) -> Line | None:
        """What comes next on the tour; None when all of it is passed."""
        return next((line for line in self.own if not line.passed), None)


def course(*, user: User, role: str) -> Course:
    """All scenarios for a trainee. One statement."""
    tried: dict[str, list[PracticeAttempt]] = {}
    for attempt in PracticeAttempt.objects.filter(user=user, ended_at__isnull=False):
        tried.setdefault(attempt.scenario, []).append(attempt)
    lines = [_line(one, tried.get(one.slug, [])) for one in SCENARIOS]
    own = [line for line in lines if role in line.scenario.roles]
    return Course(own, [line for line in lines if line not in own])


def _line(scenario: Scenario, tried: list[PracticeAttempt]) -> Line:
    passed = [one for one in tried if one.passed]
    best = max((one.points for one in passed or tried), default=0)
    return Line(scenario, len(tried), bool(passed), best)


def told_of(attempt: PracticeAttempt) -> list[Told]:
    """What has happened so far, the latest first."""
    return [Told(parse_datetime(one["at"]), one["text"]) for one in reversed(attempt.told)]


def hints_of(attempt: PracticeAttempt) -> tuple[tuple[str, ...], bool]:
    """The hints that are shown, and whether there is another one."""
    hints = BY_SLUG[attempt.scenario].hints
    return hints[: attempt.hints], attempt.hints < len(hints)


def running_of(user: User) -> PracticeAttempt | None:
    """The attempt that a trainee is in."""
    return PracticeAttempt.objects.filter(user=user, ended_at=None).first()
