"""From a bare machine to an installed project."""

import subprocess
import sys
from pathlib import Path

import pytest

from station.runtime import bootstrap

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one lock, with an environment that only pretends."""
    (tmp_path / "requirements").mkdir()
    for lock in ("embedded", "dev"):
        (tmp_path / "requirements" / f"{lock}.txt").write_text(f"{lock}==1\n")
    (tmp_path / ".venv").mkdir()
    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "LOG": tmp_path / "var/setup.log",
    }.items():
        monkeypatch.setattr(bootstrap, name, path)
    return tmp_path


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_quick_step_is_one_line(project, capsys):
    bootstrap.run("很快的一步", ["true"])
    assert capsys.readouterr().out.startswith("  ✓ 很快的一步（")


def test_a_step_longer_than_two_seconds_says_how_long_it_has_taken(project, capsys):
    bootstrap.run("很慢的一步", ["sleep", "2.4"])
    first, last = capsys.readouterr().out.splitlines()
    assert first == "  … 很慢的一步（已 2 秒）"
    assert last.startswith("  ✓ 很慢的一步（2.")


def test_a_failed_step_shows_its_last_lines_and_stops(project, capsys):
    with pytest.raises(bootstrap.StepFailed):
        bootstrap.run("会失败的一步", ["sh", "-c", "echo 原因在此; exit 3"])
    assert "原因在此" in capsys.readouterr().err
    assert "原因在此" in (project / "var/setup.log").read_text()


def test_the_second_way_is_tried_when_the_first_fails(project, capsys):
    bootstrap.run("两条路", ["/no/such/program"], ["true"])
    assert "✓ 两条路" in capsys.readouterr().out


@pytest.mark.parametrize("uv_works", [True, False], ids=["uv", "pip where uv fails"])
def test_a_lock_is_installed_once_by_uv_or_else_by_pip(project, uv_works):
    calls = project / "calls"
    script(project / ".venv/bin/uv", f"echo uv >> {calls}; exit {0 if uv_works else 1}")
    script(project / ".venv/bin/python", f'echo "$*" >> {calls}; exit 0')
    bootstrap.install("dev")
    lines = calls.read_text().splitlines()
    assert lines[1:] == (["uv"] if uv_works else ["uv", lines[-1]])
    if not uv_works:
        assert "pip install" in lines[-1]
        assert "--require-hashes" in lines[-1]
    calls.unlink()
    bootstrap.install("dev")
    bootstrap.install("embedded")  # what tests need holds what running needs
    assert not calls.exists()
    (project / "requirements/dev.txt").write_text("dev==2\n")
    bootstrap.install("dev")
    assert calls.exists()


def test_a_mirror_of_pip_is_told_to_uv(project, monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    script(project / ".venv/bin/python", "echo https://mirror.example/simple")
    python = str(project / ".venv/bin/python")
    assert bootstrap._mirror_for_uv(python) == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://chosen.example/simple")
    assert bootstrap._mirror_for_uv(python) == {}


def test_served_files_carry_no_source_map(project):
    (project / "package-lock.json").write_text("{}")
    for source in bootstrap.FRONT_END:
        path = project / "node_modules" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        end = (
            "/*# sourceMappingURL=x.css.map */"
            if path.suffix == ".css"
            else "//# sourceMappingURL=x.js.map"
        )
        path.write_text(f"body\n{end}\n")
    bootstrap.copy_front_end()
    for name in bootstrap.FRONT_END.values():
        assert (project / "assets/vendor" / name).read_text() == "body\n"


def test_the_bootstrap_needs_the_standard_library_only():
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "station/runtime/bootstrap.py"), "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "From a bare machine" in done.stderr
