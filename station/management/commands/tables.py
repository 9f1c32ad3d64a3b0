"""Print docs/tables.md: rights, figures, beat tasks, jobs and database tables, from the code itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from celery.schedules import crontab
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from station.access import may_do
from station.models.people import Role
from station.queries.settings import DECLARED
from station.rights import RIGHTS, TITLES

# From the ground up.
FLOORS = ("station", "devices", "inventory", "members", "marketing", "sales", "staff", "finance")
HEAD = """# Tables

What the code holds as tables: [rights](#rights-角色权限), [figures](#figures-限额与参数),
[beat tasks](#beat-tasks-定时任务), [jobs](#jobs-后台任务), and
[every table of the database](#database-数据表) with its meaning.
Written by `manage.py tables > docs/tables.md`; a test holds it equal to the code.
"""


class Command(BaseCommand):
    help = "打印 docs/tables.md：角色权限、限额与参数、定时任务、后台任务、数据表"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(tables(), ending="")


def tables() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_rights(), *_figures(), *_beat(), *_jobs(), *_models()])


def _table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"## {title}"
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _rights() -> Iterator[str]:
    yield from _table(
        "Rights (角色权限)",
        ["right", "权限", *(role.label for role in Role)],
        (
            [f"`{right}`", TITLES[right], *("✓" if may_do(r, right) else "" for r in Role)]
            for right in RIGHTS
        ),
    )


def _figures() -> Iterator[str]:
    yield from _table(
        "Figures (限额与参数)",
        ["name", "名称", "默认", "单位", "依据"],
        ([f"`{line.name}`", line.title, line.default, line.unit, line.source] for line in DECLARED),
    )


def _beat() -> Iterator[str]:
    yield from _table(
        "Beat tasks (定时任务)",
        ["task", "when", "what"],
        (
            [f"`{name}`", _when(entry["schedule"]), _what(str(entry["task"]))]
            for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
        ),
    )


def _jobs() -> Iterator[str]:
    yield from _table(
        "Jobs (后台任务)",
        ["kind", "名称"],
        ([f"`{kind}`", title] for kind, (title, _) in settings.JOBS.items())
        if settings.JOBS
        else [["none", "还没有"]],
    )


def _models() -> Iterator[str]:
    """Our own floors from the ground up; Django's tables are its own."""
    models = [model for floor in FLOORS for model in apps.get_app_config(floor).get_models()]
    yield from _table(
        "Database (数据表)",
        ["table", "what"],
        (
            [f"`{model._meta.db_table}`", _first(model.__doc__ or "").replace("|", "\\|")]
            for model in models
        ),
    )


def _first(words: str) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(words.strip().split("\n\n")[0].split())


def _when(schedule: Any) -> str:
    if isinstance(schedule, crontab):
        # Celery's typing stubs leave these sets out.
        times: Any = schedule
        minute = f"{min(times.minute):02d}"
        hourly = len(times.hour) == 24
        return f"each hour at :{minute}" if hourly else f"daily at {min(times.hour):02d}:{minute}"
    return f"every {int(schedule.total_seconds())} s"


def _what(path: str) -> str:
    return _first(import_string(path).run.__doc__ or "")
