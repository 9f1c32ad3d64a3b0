"""A practice station never stands on live ground, opens no real wire, and sends nothing out."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from devices.line import port
from devices.line.paper import opened
from devices.line.port import Port, PortLost
from devices.protocols.base import SerialSettings
from devices.services import printers
from devices.simulator.ends import PtyEnd
from sales.queries.receipts import PRACTISED, Paper, Row
from station.channels import texts
from station.runtime import ground
from station.runtime.practice import (
    Ground,
    environment_of,
    hide_address,
    show_address,
    shown_address,
    why_not,
)
from tests import make

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.req("IMP-03")
KEY = "k" * 64
PRACTICE = Ground(Path("/srv/var/practice"), "station_practice", "unix:///s/valkey.sock", 2, KEY)
LIVE = Ground(Path("/srv/var"), "station", "unix:///s/valkey.sock", 0, KEY)


def test_practice_starts_on_its_own_ground_only():
    assert why_not(PRACTICE, practice=True) == ""
    for wrong, word in (
        (replace(PRACTICE, var=LIVE.var), "VAR_DIR"),
        (replace(PRACTICE, database=LIVE.database), "数据库"),
        (replace(PRACTICE, cache_db=0), "REDIS_URL"),
        (replace(PRACTICE, redis_url="redis://redis:6379/0"), "REDIS_URL"),
        (replace(PRACTICE, redis_url="redis://redis:6379/2", cache_db=1), "REDIS_URL"),
        (replace(PRACTICE, key=""), "PRACTICE_KEY"),
        (replace(PRACTICE, texts="somewhere.Adapter"), "TEXT_CHANNEL"),
    ):
        assert word in why_not(wrong, practice=True), wrong


def test_a_live_station_does_not_start_on_practice_ground():
    assert why_not(LIVE, practice=False) == ""
    assert "练习站" in why_not(replace(LIVE, var=PRACTICE.var), practice=False)
    assert "练习站" in why_not(replace(LIVE, database=PRACTICE.database), practice=False)


@pytest.mark.parametrize("redis", ["unix:///s/valkey.sock", "redis://redis:6379/0"])
def test_what_a_live_station_starts_beside_it_is_good_ground_and_shares_no_secret(redis):
    live = replace(LIVE, redis_url=redis)
    env = environment_of(
        live, database_url="postgresql://postgres@/station?host=/s", bind="0.0.0.0:8000"
    )
    assert env["DATABASE_URL"] == "postgresql://postgres@/station_practice?host=/s"
    assert (env["BIND"], env["LIVE_URL"]) == ("0.0.0.0:8001", ":8000")
    assert not any(env[name] for name in ("SECRET_KEY", "SITE_KEY", "SITE_KEY_PREVIOUS"))
    beside = Ground(
        Path(env["VAR_DIR"]), "station_practice", env["REDIS_URL"], int(env["CACHE_DB"]), KEY
    )
    assert why_not(beside, practice=True) == ""
    assert not set(beside.redis_databases) & set(live.redis_databases)
    assert len(set(beside.redis_databases)) == 2


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, ""),
        ({"VAR_DIR": "/tmp/live-var"}, "VAR_DIR=/tmp/live-var"),
        ({"DATABASE_URL": "postgresql://postgres@/station?host=/nowhere"}, "station"),
        ({"CACHE_DB": "0"}, "REDIS_URL"),
        ({"PRACTICE_KEY": ""}, "PRACTICE_KEY"),
        ({"PRACTICE": "0"}, "正式的油站不在上面启动"),
    ],
)
def test_no_process_gets_past_its_settings_on_the_wrong_ground(changed, word, tmp_path):
    env = {
        **os.environ,
        "PRACTICE": "1",
        "PRACTICE_KEY": KEY,
        "VAR_DIR": str(tmp_path / "practice"),
        "DATABASE_URL": "postgresql://postgres@/station_practice?host=/nowhere",
        "REDIS_URL": "unix:///nowhere/valkey.sock",
        "CACHE_DB": "2",
        **changed,
    }
    code = "import station.settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if word:
        assert done.returncode == 1
        assert word in done.stderr.splitlines()[-1]
    else:
        assert done.stdout.split() == ["practice_session", "practice_csrf"], done.stderr


def _make(*words: str) -> str:
    """What make prints when a person runs it, also where the tests are make's own child."""
    env = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    ).stdout


def test_make_run_starts_it_beside_and_hands_the_word_to_no_process(tmp_path):
    assert "run_station --with-practice" in _make("--dry-run", "run", "PRACTICE=1")
    probe = tmp_path / "Makefile"
    rule = next(
        x for x in (ROOT / "Makefile").read_text().splitlines() if x.startswith("unexport PRAC")
    )
    probe.write_text(f'{rule}\nshow:\n\t@echo "[$$PRACTICE]"\n')
    assert _make("-f", str(probe), "show", "PRACTICE=1").strip() == "[]"


def test_its_address_is_shown_while_it_runs(tmp_path):
    assert shown_address(tmp_path) == ""
    show_address(tmp_path, "0.0.0.0:8001")
    assert shown_address(tmp_path) == ":8001"
    (tmp_path / "address").write_text("999999999 :8001")  # it was killed
    assert shown_address(tmp_path) == ""
    hide_address(tmp_path)
    hide_address(tmp_path)


# ------------------------------------------------------------------ the database's own mark


@pytest.mark.django_db(transaction=True)
def test_a_database_with_stations_and_without_the_mark_is_taken_for_live(settings):
    make.station()
    settings.PRACTICE = True
    with pytest.raises(ground.WrongGround, match="不是练习站自己建的"):
        ground.refuse_the_other_kind()


@pytest.mark.django_db(transaction=True)
def test_a_marked_database_serves_practice_and_never_a_live_station(settings):
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{ground.MARK}'")
    try:
        with pytest.raises(ground.WrongGround, match="是练习站的"):
            ground.refuse_the_other_kind()
        settings.PRACTICE = True
        ground.refuse_the_other_kind()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'COMMENT ON DATABASE "{name}" IS NULL')


# ------------------------------------------------------------------ wires, papers, texts


@pytest.fixture
def confined(tmp_path):
    folder = tmp_path / "sim"
    folder.mkdir()
    port.confine(folder)
    yield folder
    port.confine(None)


def test_practice_opens_the_simulators_pseudo_terminals_and_nothing_else(confined, tmp_path):
    serial = SerialSettings(9600, 8, "N", 1)
    own, live = PtyEnd(confined / "line-1"), PtyEnd(tmp_path / "line-1")
    Port(str(confined / "line-1"), serial).close()
    (confined / "null").symlink_to("/dev/null")
    for url in (
        str(tmp_path / "line-1"),  # the live station's, or another's
        "/dev/ttyS0",
        "socket://127.0.0.1:40552",
        "rfc2217://127.0.0.1:40552",
        str(confined / "null"),  # a link that was moved
        str(confined / ".." / "line-1"),
    ):
        with pytest.raises(PortLost, match="练习站只接自己的模拟线路"):
            Port(url, serial)
    own.break_off()
    with pytest.raises(PortLost, match="线断了"):
        Port(str(confined / "line-1"), serial)
    own.close()
    live.close()


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "target"), [("NETWORK", "127.0.0.1:9"), ("SERIAL", "/dev/null")])
def test_practice_prints_into_files_only(settings, kind, target, tmp_path):
    settings.PRACTICE, settings.VAR_DIR = True, tmp_path
    till = make.till()
    with pytest.raises(printers.Misplaced, match="不碰真的打印机"):
        printers.open_paper(make.printer(till, target, kind=kind))
    with opened(printers.open_paper(make.printer(till, "till-1.bin"))) as paper:
        paper.send(b"x")
    assert (tmp_path / "receipts" / "till-1.bin").read_bytes() == b"x"


def test_every_paper_of_practice_says_so(settings):
    assert Paper((Row("单号"),), "1").rows == (Row("单号"),)
    settings.PRACTICE = True
    assert Paper((Row("单号"),), "1").rows == (PRACTISED, Row("单号"), PRACTISED)
    assert "练习 非交易凭证" in PRACTISED.left


def test_texts_of_practice_stay_here_whatever_is_set(settings):
    settings.PRACTICE, settings.TEXT_CHANNEL = True, "no.such.Adapter"
    assert texts.is_local()
