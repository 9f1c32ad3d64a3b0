"""The demo forecourt on pseudo-terminals and TCP: `manage.py simulate [--speed 10] [--no-cars]`."""

from __future__ import annotations

import errno
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.timezone import localtime

from devices.models import DispenserWiring, GaugeReading, GaugeTank, Line, Printer
from devices.protocols import table
from devices.protocols.base import Decimals
from devices.queries import totalizers
from devices.services import wiring
from devices.simulator import layout
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from devices.simulator.tank_farm import TankNow
from station.models import Nozzle, StrappingPoint

log = structlog.get_logger(__name__)
MOST_PORTS = 65536
AT_HOME = "127.0.0.1:"


class Command(BaseCommand):
    help = "模拟加油现场：8 台加油机、读卡器、扫码枪、液位仪、小票机、客显、价格牌"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--speed", type=Decimal, default=Decimal(1), help="时间倍数")
        parser.add_argument("--no-cars", action="store_true", help="没有自动来车")
        parser.add_argument("--seed", type=int, default=None, help="随机种子")
        parser.add_argument(
            "--second-line",
            choices=sorted(table.PUMPS),
            default=table.DART,
            help="二号线的协议；页面上的线路和地址须改成一样",
        )
        parser.add_argument("--folder", type=Path, default=Path(settings.VAR_DIR) / "sim")

    def handle(self, *args: Any, **options: Any) -> None:
        forecourt = self._forecourt(options)
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        control = ControlServer(options["folder"] / "control", forecourt)
        forecourt.start()
        cars = threading.Thread(target=forecourt.run, name="cars", daemon=True)
        cars.start()
        addresses = forecourt.addresses()
        for name, url in addresses.items():
            self.stdout.write(f"{name}: {url}")
        self.stdout.write(f"{layout.PRINTER}: {forecourt.printer_target()}")
        _tell_the_books(addresses)
        _tell_the_printer(forecourt.printer_target())
        ending.wait()
        control.close()
        forecourt.stop()

    def _forecourt(self, options: Mapping[str, Any]) -> Forecourt:
        decimals, totals = _from_the_books()
        chosen = settings.SIMULATOR_PORT
        try:
            return Forecourt(
                options["folder"],
                speed=options["speed"],
                # In practice a car comes where a scene wants one, and no port is open.
                cars=not (options["no_cars"] or settings.PRACTICE),
                tcp=not settings.PRACTICE,
                seed=options["seed"],
                port=chosen or _port_in_the_books(),
                printer_port=_printer_port_in_the_books(),
                yielding=not chosen,
                protocols={layout.LINES[-1].name: options["second_line"]},
                decimals=decimals,
                totals=totals,
                tanks=_tanks_of_the_books(),
                wall=_now,
                tell=self.stdout.write,
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise CommandError(
                f"模拟线路的端口 {chosen} 已被别的程序占用：换一个 SIMULATOR_PORT，"
                "或不设它，由程序自己找空闲的端口。"
            ) from None


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


def _tanks_of_the_books() -> dict[int, TankNow]:
    """The gauged tanks of the demo station by the number at the console, as they were last read."""
    out: dict[int, TankNow] = {}
    try:
        rows = GaugeTank.objects.filter(line__name=layout.GAUGE.name, line__active=True)
        for row in rows.select_related("tank").order_by("pk"):
            last = GaugeReading.objects.filter(tank=row.tank).order_by("-occurred_at").first()
            marks = StrappingPoint.objects.filter(table__tank=row.tank, table__replaced_at=None)
            out[row.number] = TankNow(
                capacity=row.tank.capacity_l,
                volume=last.volume if last else None,
                marks=list(marks.order_by("height_mm").values_list("height_mm", "litres")),
            )
    except DatabaseError:
        return {}
    return out


def _tcp_line() -> Line | None:
    names = [line.name for line in layout.LINES if not line.pty]
    here = Line.objects.filter(name__in=names, active=True, url__startswith=layout.HERE)
    return here.select_related("station").order_by("pk").first()


def _port_in_the_books() -> int:
    """The port that the simulator had last time; 0 where the books name none."""
    try:
        line = _tcp_line()
    except DatabaseError:
        return 0
    port = line.url.removeprefix(layout.HERE) if line else ""
    return int(port) if port.isdecimal() and int(port) < MOST_PORTS else 0


def _tell_the_books(addresses: Mapping[str, str]) -> None:
    """Let the line follow to the port that was found: another station may have the usual one."""
    try:
        line = _tcp_line()
        if line is not None and line.url != addresses[line.name]:
            wiring.move_line(line=line, url=addresses[line.name], at=_now())
    except DatabaseError as error:
        log.warning("books_away", error=str(error)[:200])


def _printer() -> Printer | None:
    here = Printer.objects.filter(
        name=layout.PRINTER, kind=Printer.Kind.NETWORK, target__startswith=AT_HOME, active=True
    )
    return here.select_related("station").order_by("pk").first()


def _printer_port_in_the_books() -> int:
    """The port that the simulated printer had last time; 0 where the books name none."""
    try:
        printer = _printer()
    except DatabaseError:
        return 0
    port = printer.target.removeprefix(AT_HOME) if printer else ""
    return int(port) if port.isdecimal() and int(port) < MOST_PORTS else 0


def _tell_the_printer(target: str) -> None:
    """Let the printer of the books follow to the port that was found."""
    try:
        printer = _printer()
        if printer is not None and printer.target != target:
            wiring.move_printer(printer=printer, target=target, at=_now())
    except DatabaseError as error:
        log.warning("books_away", error=str(error)[:200])
