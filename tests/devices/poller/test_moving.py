"""SIGKILL at every statement on the way from the spool to PostgreSQL: each fact is one row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from devices.models import Alarm, Command, Fill, TotalizerGap, TotalizerReading
from devices.spool import Spool
from tests import make
from tests.devices.poller.kit import ROOT
from tests.devices.poller.moving import LITRES

pytestmark = pytest.mark.django_db(transaction=True)

BATCHES = 80  # more than there are statements
LEAST_DEATHS = 20


def _address() -> str:
    told = connection.get_connection_params()
    return f"postgresql://{told.get('user', 'postgres')}@/{told['dbname']}?host={told['host']}"


@pytest.mark.req("DEV-01", "SAL-02")
def test_killed_at_any_statement_on_the_way_up_each_fact_is_one_row(tmp_path: Path) -> None:
    station = make.station()
    make.shift(station)
    nozzle = make.nozzle(station)
    Command.objects.bulk_create(
        Command(
            kind="STOP", station=station, nozzle=nozzle, status="TAKEN", asked_at=make.NOW,
            valid_until=make.NOW,
        )
        for _ in range(BATCHES)
    )  # fmt: skip
    ids = [f"{pk}" for pk in Command.objects.order_by("pk").values_list("pk", flat=True)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.devices.poller.moving", tmp_path, f"{station.pk}", f"{nozzle.pk}", *ids],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=100,
        env={
            **os.environ, "DATABASE_URL": _address(), "VAR_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "station.settings",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    deaths = int(done.stdout)
    assert deaths >= LEAST_DEATHS
    told = deaths + 2  # and the first and the last, which lived
    fills = Fill.objects.order_by("totalizer_after").values_list("totalizer_after", flat=True)
    assert list(fills) == [2 * LITRES * number + LITRES for number in range(told)]
    assert TotalizerGap.objects.count() == TotalizerReading.objects.count() == told
    assert Alarm.objects.count() == told
    assert Command.objects.filter(status="DONE").count() == told
    spool = Spool(tmp_path / "spool" / "spool.sqlite3")
    assert spool.depth() == (0, None) and spool.troubled() == []
    spool.close()
