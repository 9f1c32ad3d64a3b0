"""The record of which requirement is proved by which test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = """
import pytest

@pytest.mark.req("AAA-01")
def test_proves_it(): assert True

@pytest.mark.req("AAA-01", "AAA-02")
def test_does_not(): assert False

@pytest.mark.req("AAA-03")
@pytest.mark.skip
def test_is_left_out(): assert True
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/requirements.tsv").write_text(
        "id\tpriority\ttitle\nAAA-01\tM\t一\nAAA-02\tM\t二\nAAA-03\tM\t三\n", encoding="utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    req(*rows): rows\n")
    return tmp_path


def run(project, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "station.runtime.pytest_plugin"]
    return subprocess.run(
        [*command, "-p", "xdist", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("spread", [[], ["-n", "2"]], ids=["one process", "two processes"])
def test_outcomes_are_written_per_row(project, spread):
    (project / "test_sample.py").write_text(SAMPLE)
    assert run(project, *spread).returncode == 1
    written = json.loads((project / "var/requirements.json").read_text())
    assert written == {
        "AAA-01": {
            "test_sample.py::test_does_not": "failed",
            "test_sample.py::test_proves_it": "passed",
        },
        "AAA-02": {"test_sample.py::test_does_not": "failed"},
        "AAA-03": {"test_sample.py::test_is_left_out": "skipped"},
    }


def test_a_later_run_of_one_test_keeps_the_others(project):
    (project / "test_sample.py").write_text(SAMPLE)
    run(project)
    (project / "test_sample.py").write_text(SAMPLE.replace("assert False", "assert True"))
    assert run(project, "test_sample.py::test_does_not").returncode == 0
    written = json.loads((project / "var/requirements.json").read_text())
    assert written["AAA-02"] == {"test_sample.py::test_does_not": "passed"}
    assert written["AAA-03"] == {"test_sample.py::test_is_left_out": "skipped"}


def test_a_row_that_does_not_exist_stops_the_run(project):
    (project / "test_sample.py").write_text(SAMPLE.replace("AAA-03", "AAA-99"))
    done = run(project)
    assert done.returncode == 4
    assert "AAA-99" in done.stdout + done.stderr
