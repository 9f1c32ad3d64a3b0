"""A sped-up day in which the poller is killed 200 times and PostgreSQL 50 times, at any moment.

Cars come to two nozzles without a pause, fuel flows four times as fast, and one frame in fifty is
damaged each way. Both are killed by SIGKILL, the database by its postmaster, so that it recovers
from its log. At the end what the heads delivered is held against the rows.

`KILLS=10,3 make bench ARGS=kills` is a short one.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

POLLER, DATABASE = (int(one) for one in os.environ.get("KILLS", "200,50").split(","))
FLOWS = 4  # status of a DART head
DAMAGED = 50  # one frame in so many, each way


def main() -> bool:
    """Print what was lost and what was told twice; True when nothing was."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "station.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
    from tests.flows.server import own_server

    with own_server() as server, tempfile.TemporaryDirectory(prefix="kills-") as name:
        return _day(server, Path(name))


def _day(server: Any, var: Path) -> bool:
    from django.conf import settings

    from tests.devices.poller.kit import Process, Wired, until

    settings.VAR_DIR = var
    dice = random.Random(20260422)
    wired = Wired(var)
    wired.heads.bus.faults.damaged = wired.heads.bus.faults.unheard = DAMAGED
    cars = Cars(wired, random.Random(7))
    cars.start()
    moments = ["poller"] * POLLER + ["database"] * DATABASE
    dice.shuffle(moments)
    process, began = Process(var, server.url), time.monotonic()
    for number, what in enumerate(moments):
        time.sleep(dice.uniform(2, 7))
        if what == "poller":
            process.kill()
            process = Process(var, server.url)
        else:
            kill_postgres(server)
            time.sleep(dice.uniform(0, 1))
            server.start()
        if number % 25 == 24:
            print(f"   {number + 1} 次，{len(cars.filled)} 笔加油", flush=True)
    cars.ending.set()
    cars.join()
    with contextlib.suppress(AssertionError):
        until(lambda: _recorded(wired) == wired.delivered(), 60)
    process.end()
    spent = time.monotonic() - began
    well = _report(wired, cars, spent)
    wired.close()
    return well


def _recorded(wired: Any) -> Decimal:
    from django.db import DatabaseError, InterfaceError, connection

    try:
        litres: Decimal = wired.recorded()
    except (DatabaseError, InterfaceError):
        connection.close()  # of the server that was killed
        return Decimal(-1)
    return litres


def _report(wired: Any, cars: Cars, spent: float) -> bool:
    from devices.models import Alarm, Fill

    told = Counter(Fill.objects.values_list("litres", "amount"))
    filled = Counter(cars.filled)
    lost, more = filled - told, told - filled
    keys = Counter(Fill.objects.values_list("nozzle", "meter_epoch", "totalizer_after"))
    doubled = sum(count - 1 for count in keys.values())
    gaps = Alarm.objects.filter(kind__in=["GAP", "BACKWARDS", "SCALE"]).count()
    print(
        f"杀采集程序 {POLLER} 次、数据库 {DATABASE} 次，{spent:.0f} 秒，{len(cars.filled)} 笔加油"
    )
    print(
        f"   丢失 {lost.total()} 笔，多出 {more.total()} 笔，重复 {doubled} 笔，缺口告警 {gaps} 条"
    )
    print(f"   机上 {wired.delivered()} 升，入库 {wired.recorded()} 升")
    return not lost and not more and not doubled and wired.delivered() == wired.recorded()


def kill_postgres(server: Any) -> None:
    """SIGKILL for the postmaster; its children end by themselves, as after a crash."""
    folder = server._postgres.data
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    server.stop()


class Cars(threading.Thread):
    """One car after the other; `filled` is what each display showed when the nozzle was hung."""

    def __init__(self, wired: Any, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self._wired, self._dice = wired, dice
        self.ending = threading.Event()
        self.filled: list[tuple[Decimal, Decimal]] = []

    def run(self) -> None:
        while not self.ending.is_set():
            self._car(self._dice.randrange(1, 3), self._dice.randrange(500, 4000))
            self.ending.wait(self._dice.uniform(0.1, 1))

    def _car(self, position: int, wanted: int) -> None:
        pump, lock = self._wired.pump, self._wired.heads.lock
        with lock:
            before = pump.meters[position].volume
            pump.lift(position)
            pump.squeeze(Decimal(4))
        patience = self._dice.uniform(1, 20)  # then he hangs it, filled or not
        until = time.monotonic() + patience
        while time.monotonic() < until and not (
            pump.status == FLOWS and pump.shown.volume > wanted
        ):
            time.sleep(0.01)
        with lock:
            pump.hang()
            litres = Decimal(pump.meters[position].volume - before).scaleb(-3)
            amount = Decimal(pump.shown.amount).scaleb(-2)
        if litres:
            self.filled.append((litres, amount))
