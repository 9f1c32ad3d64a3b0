"""SIGKILL at every step of the spool: each fill is told, once, whatever the step was."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from devices.protocols import table
from devices.spool import Body
from tests.devices.line.killing import NEW, OLD

ROOT = Path(__file__).parents[3]
D = Decimal
LEAST_STEPS = 45  # three for each transaction of the story

pytestmark = pytest.mark.xdist_group("killed")  # each story is told once, in one process


@pytest.fixture(scope="module", params=sorted(table.PUMPS))
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Body]:
    """One with nobody killed, and one for each step at which the process dies."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.devices.line.killing", str(folder), request.param],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _bodies(story: Body, kind: str) -> list[Body]:
    return [body for told, body in story["told"] if told == kind]


def test_every_step_was_died_at_once(stories: list[Body]) -> None:
    assert len(stories) > LEAST_STEPS
    assert [(story["die_at"], story["deaths"]) for story in stories] == [
        (number, int(number > 0)) for number in range(len(stories))
    ]


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_no_fill_is_lost_and_none_is_told_twice(stories: list[Body]) -> None:
    for story in stories:
        fills, at = _bodies(story, "fill"), story["die_at"]
        assert len(fills) == 3, at
        litres = {
            nozzle: sum(D(fill["litres"]) for fill in fills if fill["nozzle"] == nozzle)
            for nozzle in (1, 2)
        }
        assert litres == {1: D(story["meters"][0]), 2: D(story["meters"][1])}, at
        assert litres[2] == 3, at  # the preset was kept by whoever gave it
        for fill in fills:
            worth = D(fill["litres"]) * D(fill["unit_price"])
            assert abs(worth - D(fill["amount"])) <= D("0.01"), at
        assert _bodies(story, "gap") == [], at
        assert {flag for fill in fills for flag in fill["flags"]} == set(), at
        odd = {body["kind"] for body in _bodies(story, "alarm") if not body["over"]}
        assert odd <= {"SILENCE"}, at


@pytest.mark.req("SAL-05")
def test_the_price_changes_once_and_its_totalizer_is_kept(stories: list[Body]) -> None:
    for story in stories:
        fills = [fill for fill in _bodies(story, "fill") if fill["nozzle"] == 1]
        assert [D(fill["unit_price"]) for fill in fills] == [OLD, NEW], story["die_at"]
        kept = [body for body in _bodies(story, "totals") if body["kind"] == "PRICE"]
        edge = {body["litres"] for body in kept if body["nozzle"] == 1}
        assert edge <= {fills[0]["totalizer_after"]}, story["die_at"]
        # where it died between the head's word and ours, `sales` takes the first fill at the new price
        if story["deaths"] == 0:
            assert len(kept) == 1


@pytest.mark.req("SAL-03")
def test_an_authorisation_that_let_fuel_flow_is_used_by_its_fill(stories: list[Body]) -> None:
    for story in stories:
        [fill] = [fill for fill in _bodies(story, "fill") if fill["nozzle"] == 2]
        states = {
            body["status"]
            for body in _bodies(story, "authorisation")
            if body["id"] == fill["authorisation"]
        }
        assert {"SENT", "USED"} <= states, story["die_at"]
