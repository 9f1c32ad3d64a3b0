"""The demo forecourt on pseudo-terminals and TCP: `manage.py simulate [--speed 10] [--no-cars]`."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils.timezone import localtime

from devices.models import DispenserWiring
from devices.protocols.base import Decimals
from devices.queries import totalizers
from devices.simulator import layout
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from station.models import Nozzle


class Command(BaseCommand):
    help = "模拟加油现场：8 台加油机、读卡器、扫码枪"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--speed", type=Decimal, default=Decimal(1), help="时间倍数")
        parser.add_argument("--no-cars", action="store_true", help="没有自动来车")
        parser.add_argument("--seed", type=int, default=None, help="随机种子")
        parser.add_argument("--folder", type=Path, default=Path(settings.VAR_DIR) / "sim")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        decimals, totals = _from_the_books()
        forecourt = Forecourt(
            folder,
            speed=options["speed"],
            cars=not options["no_cars"],
            seed=options["seed"],
            decimals=decimals,
            totals=totals,
            wall=_now,
            tell=self.stdout.write,
        )
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        control = ControlServer(folder / "control", forecourt)
        forecourt.start()
        cars = threading.Thread(target=forecourt.run, name="cars", daemon=True)
        cars.start()
        for line in (*layout.LINES, *layout.READERS):
            self.stdout.write(f"{line.name}: {line.url(str(folder))}")
        ending.wait()
        control.close()
        forecourt.stop()


def _now() -> datetime:
    return localtime()


def _from_the_books() -> tuple[dict[int, Decimals], dict[tuple[int, int], Decimal]]:
    """Decimals and totalizers as the demo station's books have them.

    The simulated heads themselves know nothing of the books; without a database they start at
    nought with the layout's decimals.
    """
    wanted = {one.number for one in layout.DISPENSERS}
    decimals: dict[int, Decimals] = {}
    totals: dict[tuple[int, int], Decimal] = {}
    try:
        lines = [line.name for line in layout.LINES]
        wired = DispenserWiring.objects.filter(line__name__in=lines, line__active=True)
        for row in wired.select_related("dispenser").order_by("pk"):
            if row.dispenser.number in wanted:
                decimals[row.dispenser.number] = Decimals(
                    volume=row.volume_decimals,
                    amount=row.amount_decimals,
                    price=row.price_decimals,
                    totals=row.totals_decimals,
                    totals_amount=row.amount_decimals,
                )
        nozzles = Nozzle.objects.filter(dispenser__wiring__in=wired)
        for nozzle in nozzles.select_related("dispenser", "station").order_by("pk"):
            reading = totalizers.latest(station=nozzle.station).get(nozzle.pk)
            if reading is not None:
                totals[nozzle.dispenser.number, nozzle.position] = reading.litres
    except DatabaseError:
        return {}, {}
    return decimals, totals
