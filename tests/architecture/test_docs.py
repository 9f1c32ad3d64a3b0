"""What a person may set, be given or wait for is named in docs/."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.conf import settings

from station.management.commands.tables import tables
from station.queries.settings import DECLARED
from station.rights import RIGHTS
from tests.architecture.test_code import ROOT

DOCS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))


def environment() -> list[str]:
    """Names that settings read from the environment."""
    code = (ROOT / "station" / "settings.py").read_text(encoding="utf-8")
    asked = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", code)
    return [*dict.fromkeys([*asked, *re.findall(r"_secret\(\"([A-Z_]+)\"", code)])]


def missing(names: Iterable[str]) -> list[str]:
    return [name for name in names if f"`{name}`" not in DOCS]


def test_every_setting_of_the_environment_is_documented():
    assert len(environment()) > 10
    assert not missing(environment())


def test_rights_figures_tasks_and_jobs_stand_in_the_docs_as_in_the_code():
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == tables(), "run: manage.py tables > docs/tables.md"
    assert not missing(RIGHTS)
    assert not missing(line.name for line in DECLARED)
    assert not missing([*settings.CELERY_BEAT_SCHEDULE, *settings.JOBS])


def test_docs_speak_only_of_the_project():
    assert not re.search(r"/tmp/|/work/|localhost:\d{5}", DOCS)
