"""What every test run needs: throw-away servers, and a record of which requirement is proved.

Loaded by `-p` in pyproject.toml, since the servers must stand before Django reads its settings.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from station.runtime.browser import ARGUMENTS, find_chromium, is_ci, lend_chinese_font
from station.runtime.clusters import TEMPLATE, lend_migrated_cluster
from station.runtime.embedded import Postgres, Valkey, database_url, redis_url

ROOT = Path(__file__).resolve().parents[2]
ROWS = Path("docs", "requirements.tsv")
OUTCOMES = Path("var", "requirements.json")

servers: list[Postgres | Valkey] = []
folders: list[Path] = []
NO_CHROMIUM = "浏览器测试没有运行：找不到 Chromium"
outcomes: dict[str, dict[str, str]] = {}
IN_GROUP = re.compile(r"@[\w.]+$")  # xdist adds the group to the name of a test


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Start throw-away servers for what the environment does not name.

    A wrapper, because pytest-django reads the settings in this same hook. The workers of xdist
    inherit the two addresses and start nothing, but each keeps to databases of its own in Valkey.
    """
    lend_chinese_font(ROOT / "var")
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop
    if not os.environ.get("VAR_DIR"):
        # A station may be running in this folder: a test's emergency stop must not reach its pumps.
        os.environ["VAR_DIR"] = str(_folder())
    if not os.environ.get("DATABASE_URL"):
        var = _folder()
        lend_migrated_cluster(ROOT, var)
        postgres = Postgres(var, durable=False)
        postgres.start()
        servers.append(postgres)
        os.environ["DATABASE_URL"] = database_url(postgres.var)
        os.environ["TEST_TEMPLATE"] = TEMPLATE
    if not os.environ.get("REDIS_URL"):
        valkey = Valkey(_folder())
        valkey.start()
        servers.append(valkey)
        os.environ["REDIS_URL"] = redis_url(valkey.var)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["CACHE_DB"] = str(2 * int(worker.removeprefix("gw")))
    try:
        return (yield)
    except BaseException:  # settings that do not load: no other hook will be called
        pytest_unconfigure()
        raise


def pytest_unconfigure() -> None:
    while servers:
        servers.pop().stop()
    while folders:
        shutil.rmtree(folders.pop(), ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="station-test-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account
    folders.append(folder)
    return folder


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Playwright starts the machine's Chromium; it downloads none."""
    return {"executable_path": find_chromium(), "args": list(ARGUMENTS)}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = known_rows(config.rootpath)
    chromium = find_chromium()
    files = sorted({item.path for item in items if "browser" in item.keywords})
    for item in items:
        if "browser" in item.keywords:
            # Two groups of files: a browser for each of two workers, and never a third.
            group = files.index(item.path) % 2
            item.add_marker(pytest.mark.xdist_group(f"browser{group}"))
            if chromium is None and not is_ci():
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))
        for mark in item.iter_markers("req"):
            for row in mark.args:
                if row not in known:
                    raise pytest.UsageError(f"{item.nodeid}: docs/requirements.tsv 没有 {row}")
                # Properties, unlike markers, travel from the workers of xdist.
                item.user_properties.append(("req", row))


@pytest.hookimpl(specname="pytest_collection_modifyitems", trylast=True)
def long_ones_first(items: list[pytest.Item]) -> None:
    """What may take long begins first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    missed = sum(NO_CHROMIUM in str(report.longrepr) for report in skipped)
    if missed:
        terminalreporter.write_line(f"!! {missed} 项{NO_CHROMIUM}", red=True, bold=True)


def known_rows(root: Path) -> set[str]:
    lines = (root / ROWS).read_text(encoding="utf-8").splitlines()[1:]
    return {line.split("\t", 1)[0] for line in lines if line}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" and report.passed:
        return
    for name, row in report.user_properties:
        if name == "req":
            seen = outcomes.setdefault(str(row), {})
            test = IN_GROUP.sub("", report.nodeid)
            # A tear-down that fails spoils a test that passed.
            if seen.get(test, "passed") == "passed":
                seen[test] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add this run's outcomes to those of earlier runs; `make test` begins with an empty file."""
    if hasattr(session.config, "workerinput") or not outcomes:
        return
    path = session.config.rootpath / OUTCOMES
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for row, tests in outcomes.items():
        earlier[row] = earlier.get(row, {}) | tests
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(earlier, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text, encoding="utf-8")
