"""The shape of the code: sizes, rooms, clocks, actions with words, migrations with a way back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from station.queries.audit import ACTIONS
from tests.architecture.test_models import FLOORS

ROOT = Path(__file__).resolve().parents[2]
WORDS = ROOT / "station" / "queries" / "audit.py"
MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_FILE = 400


def our_files(*, with_tests: bool = False) -> Iterator[Path]:
    folders = [*FLOORS, "tests", "bench"] if with_tests else FLOORS
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def long_functions(tree: ast.AST) -> list[tuple[str, int]]:
    return [
        (node.name, length)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]


def test_functions_stay_short():
    wrong = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in our_files()
        for name, lines in long_functions(tree_of(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_long_function_is_caught():
    body = "\n".join("    x = 1" for _ in range(MOST_LINES_OF_A_FUNCTION))
    assert long_functions(ast.parse(f"def f():\n{body}\n")) == [("f", 51)]


def test_files_stay_short():
    wrong = {
        str(path.relative_to(ROOT)): lines
        for path in our_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES_OF_A_FILE
    }
    assert not wrong


def test_rooms_are_called_what_they_hold():
    wrong = [
        str(path.relative_to(ROOT))
        for path in our_files()
        if path.stem in {"utils", "helpers", "common", "misc", "signals", "managers"}
    ]
    assert not wrong


def test_a_packages_front_door_hands_nothing_on():
    wrong = []
    for path in our_files():
        if path.name != "__init__.py" or path.parent.name == "models":
            continue
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree_of(path).body):
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


# The rooms below the edge are told the time; only the edge reads the clock.
CLOCKS = {"now", "localtime", "today", "utcnow", "localdate"}
TOLD = {"models", "queries", "services", "forms"}


def clock_reads(tree: ast.AST) -> list[int]:
    """Calls that read the clock: now(), timezone.now(), localtime() without a moment, today()."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in CLOCKS and not node.args and not (name == "now" and _is_now_expression(node)):
            found.append(node.lineno)
    return found


def _is_now_expression(node: ast.Call) -> bool:
    return bool(node.keywords)


def test_only_the_edge_reads_the_clock():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in our_files()
        if TOLD & set(path.relative_to(ROOT).parts[1:2])
        for line in clock_reads(tree_of(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_clock_below_the_edge_is_caught():
    assert clock_reads(ast.parse("a = timezone.now()\nb = localtime(at)\nc = now()")) == [1, 3]


# ---------------------------------------------------------------------------------- audit


ACT = re.compile(rf"export|({'|'.join(FLOORS)})(\.[a-z_]+)+")


# What floors call the function that writes an entry.
RECORDERS = {"record", "_note", "note", "_audit", "_record", "_tell", "_leave_traces"}


def written_actions() -> dict[str, str]:
    """Every action that the code writes into the audit, with where."""
    found = {}
    for path in our_files():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call):
                continue
            func = node.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in RECORDERS:
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and ACT.fullmatch(str(part.value)):
                        found[part.value] = f"{path.relative_to(ROOT)}:{part.lineno}"
    return found


@pytest.mark.req("SEC-08")
def test_every_act_in_the_audit_has_words():
    missing = {act: where for act, where in written_actions().items() if act not in ACTIONS}
    assert not missing


def composed_actions() -> list[re.Pattern[str]]:
    """Actions that the code puts together, such as devices.card.{state}."""
    return [
        re.compile("".join(_piece(piece) for piece in node.values))
        for path in our_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.JoinedStr)
        and isinstance(node.values[0], ast.Constant)
        and re.match(rf"({'|'.join(FLOORS)})\.[a-z_.]*$", str(node.values[0].value))
    ]


def _piece(piece: ast.expr) -> str:
    return re.escape(str(piece.value)) if isinstance(piece, ast.Constant) else "[a-z_]+"


def test_no_act_is_named_that_nobody_does():
    code = "\n".join(path.read_text(encoding="utf-8") for path in our_files() if path != WORDS)
    composed = composed_actions()
    assert not [
        act
        for act in ACTIONS
        if f'"{act}"' not in code and not any(one.fullmatch(act) for one in composed)
    ]


# ----------------------------------------------------------------------------- migrations


def ours() -> list[migrations.Migration]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return [one for (app, _), one in loader.disk_migrations.items() if app in FLOORS]


def one_way(migration: migrations.Migration) -> list[str]:
    return [
        f"{migration.app_label}.{migration.name}: {operation}"
        for operation in migration.operations
        if not operation.reversible
    ]


def test_every_migration_can_be_taken_back():
    wrong = [text for migration in ours() for text in one_way(migration)]
    assert not wrong, "\n".join(wrong)


def test_a_migration_without_a_way_back_is_caught():
    migration = migrations.Migration("9999_wrong", "station")
    migration.operations = [migrations.RunSQL("SELECT 1")]
    assert len(one_way(migration)) == 1


def test_migrations_are_named_for_what_they_do():
    wrong = [
        f"{one.app_label}.{one.name}"
        for one in ours()
        if re.search(r"_auto_|_alter_|_rename_|_remove_.*_and_", one.name)
    ]
    assert not wrong
