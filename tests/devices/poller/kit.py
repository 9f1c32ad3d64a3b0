"""A wired station, simulated heads on a pseudo-terminal, and a poller as a process of its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from devices.models import DispenserWiring, Fill, Line, NozzleState, Reader
from devices.poller.main import Poller
from devices.protocols import table
from devices.simulator.bus import Bus
from devices.simulator.ends import PtyEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine
from station.models import Nozzle, Station
from station.runtime.processes import die_with_parent
from tests import make
from tests.devices.line.kit import FLOWS, PLACES, PLACES_OF, port

ROOT = Path(__file__).parents[3]


def until(true: Callable[[], object], seconds: float = 20, what: str = "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.05)


class Wired:
    """A live station with one dispenser on a pseudo-terminal, of two nozzles where it can."""

    def __init__(self, var: Path, protocol: str = table.DART) -> None:
        self.var = var
        spoken = table.PUMPS[protocol]
        self.places = PLACES_OF.get(protocol, PLACES)
        address = spoken.addresses[0]
        self.station: Station = make.station()
        make.shift(self.station)
        island = make.island(self.station)
        dispenser = make.dispenser(self.station)
        self.nozzles: list[Nozzle] = []
        for code, price in (("92#", "7.52"), ("95#", "8.03"))[: spoken.nozzles]:
            grade = make.grade(code)
            make.price(self.station, grade, price)
            self.nozzles.append(
                make.nozzle(
                    self.station,
                    grade,
                    make.tank(self.station, grade),
                    dispenser,
                    totalizer_digits=7,
                )
            )
        self.line = Line.objects.create(
            station=self.station,
            name="一号线",
            url=str(var / "line-1"),
            protocol=protocol,
            **port(protocol),
        )
        DispenserWiring.objects.create(
            dispenser=dispenser,
            line=self.line,
            address=address,
            volume_decimals=self.places.volume,
            totals_decimals=self.places.totals,
        )
        self.gun = Line.objects.create(
            station=self.station,
            name="扫码枪",
            url=str(var / "scanner-1"),
            protocol="SCANNER",
            parity="N",
        )
        self.reader = Reader.objects.create(line=self.gun, island=island)
        self.pump: Any = HEADS[protocol](address, 2, self.places, "0000000001")
        self.end = PtyEnd(var / "line-1")
        self.scanner = PtyEnd(var / "scanner-1")
        self.heads = BusLine(Bus([self.pump]), self.end, byte_times=False)
        self.heads.start()

    @property
    def nozzle(self) -> Nozzle:
        return self.nozzles[0]

    def customer(self, position: int = 1, litres: int = 2) -> None:
        """Lift, fill, hang; waits for fuel to flow and for nothing else."""
        pump = self.pump
        with self.heads.lock:
            pump.lift(position)
            pump.squeeze(Decimal(4))
        enough = litres * 10**self.places.volume
        flowing = FLOWS[self.line.protocol]
        until(
            lambda: pump.status == flowing and not pump.metered and pump.shown.volume >= enough,
            40,
            "fuel flows",
        )
        with self.heads.lock:
            pump.hang()

    def delivered(self) -> Decimal:
        """Litres by the heads' own totalizers."""
        told = (Decimal(m.volume).scaleb(-self.places.totals) for m in self.pump.meters.values())
        return sum(told, Decimal(0))

    def recorded(self) -> Decimal:
        """Litres of the fills in the database."""
        return sum(Fill.objects.values_list("litres", flat=True), Decimal(0))

    def close(self) -> None:
        self.heads.end_it()
        self.scanner.close()


@contextlib.contextmanager
def polled(var: Path, protocol: str) -> Iterator[Wired]:
    """A wired station with the whole poller running in a thread, its first nozzle idle."""
    made = Wired(var, protocol)
    poller = Poller(made.var)
    thread = threading.Thread(target=poller.run)
    thread.start()
    until(lambda: NozzleState.objects.filter(nozzle=made.nozzle, state="IDLE").exists())
    yield made
    poller.ending.set()
    thread.join()
    made.close()


class Proxy:
    """Stands between the poller and PostgreSQL, so that PostgreSQL can go away for one of them."""

    def __init__(self, folder: Path) -> None:
        told = connection.get_connection_params()
        self._real = f"{told['host']}/.s.PGSQL.{told.get('port', 5432)}"
        self._path = folder / ".s.PGSQL.5432"
        self.url = f"postgresql://{told.get('user', 'postgres')}@/{told['dbname']}?host={folder}"
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._listening: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._path))
        self._listening.listen()
        self._start(self._serve, self._listening)

    def _start(self, what: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=what, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def cut(self) -> None:
        """PostgreSQL is stopped: connections end, new ones find nobody."""
        listening, self._listening = self._listening, None
        self._path.unlink(missing_ok=True)
        if listening is not None:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._pairs.clear()
        self._threads.clear()

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._real)
            self._pairs.append((near, far))
            self._start(_pass, near, far)


def _pass(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        while True:
            ready, _, _ = select.select([near, far], [], [])
            for end in ready:
                try:
                    data = end.recv(65536)
                    (far if end is near else near).sendall(data)
                except OSError:
                    return
                if not data:
                    return


_CHILD = """
import os, signal, sys, threading
import django
django.setup()
from pathlib import Path
from typing import Any
from devices.poller.main import Poller
poller, die_at, word = Poller(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
seen = 0

def count(statement):
    global seen
    seen += statement.startswith(("BEGIN", "INSERT", "UPDATE", "COMMIT"))
    if (die_at and seen == die_at) or (word and word in statement):
        os.kill(os.getpid(), signal.SIGKILL)

if die_at or word:
    poller.spool._db.set_trace_callback(count)
signal.signal(signal.SIGTERM, lambda *_: poller.ending.set())
poller.run()
"""


class Process:
    """The poller in a process that may be killed.

    `die_at` kills it at that statement of its spool, `dies_of` at the first that holds these words.
    """

    def __init__(self, var: Path, url: str, die_at: int = 0, dies_of: str = "") -> None:
        env = {
            **os.environ,
            "DATABASE_URL": url,
            "VAR_DIR": str(var),
            "DJANGO_SETTINGS_MODULE": "station.settings",
            "SECRET_KEY": "x" * 50,
            "SITE_KEY": "y" * 50,
        }
        self._log = (var / "poller.log").open("a")
        self.child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(var), str(die_at), dies_of],
            env=env,
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
            # Left behind by a run that was cut off, it would go on speaking on others' terminals.
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.kill()
        self.child.wait()
        self._log.close()

    @property
    def alive(self) -> bool:
        return self.child.poll() is None

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self._log.close()

    def end(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(timeout=20)
        self._log.close()
        return code
