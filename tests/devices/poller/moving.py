"""What the poller's spool holds goes up to PostgreSQL, and the process dies at every statement.

Run as a program of its own, since it forks: each child is a poller that moves one batch of facts
and dies by SIGKILL before its n-th statement, of PostgreSQL, of the spool, or at a commit.

    python -m tests.devices.poller.moving VAR STATION NOZZLE COMMAND...     how many deaths, on stdout
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402

from devices.line import facts  # noqa: E402
from devices.line.settling import FoundFill, FoundGap, Meter  # noqa: E402
from devices.poller.main import Poller  # noqa: E402
from devices.spool import Spool  # noqa: E402

START = datetime(2026, 4, 22, 2, 0, tzinfo=UTC)
LITRES = Decimal(10)  # of each fill, then as many again that nothing explains


def tell(spool: Spool, number: int, station: int, nozzle: int, command: int) -> None:
    """One batch: a fill, a gap, a reading, an alarm, and what became of a command."""
    at = START + timedelta(minutes=number)
    before = 2 * LITRES * number
    fill = FoundFill(LITRES, Decimal("75.20"), Decimal("7.52"), 0, before + LITRES)
    gap = FoundGap(0, before + LITRES, before + 2 * LITRES)
    meter = Meter(0, before + 2 * LITRES)
    fact = facts.fill(
        nozzle, fill, at=at, ended_at=at, lifted_at=None, started_at=None, authorisation=None,
        frames="",
    )  # fmt: skip
    spool.record(
        facts=[
            fact,
            facts.gap(nozzle, gap, None, at),
            facts.totals(nozzle, meter, kind="PERIODIC", document="", at=at, read_at=at),
            facts.alarm(kind="DEVICE", subject=f"{number}", text="报警", at=at, station=station),
            facts.command(command, "DONE", "已停", at),
        ]
    )


def move(var: Path, die_at: int) -> None:
    """The poller's own step, in this process; it dies before the statement of that number."""
    poller, connection, seen = Poller(var), connections["default"], 0

    def step(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(
        run: Callable[..., Any], sql: str, params: object, many: bool, context: Mapping[str, Any]
    ) -> Any:
        step()
        return run(sql, params, many, context)

    commit = connection.commit

    def committing() -> None:
        step()
        commit()

    connection.commit = committing  # type: ignore[method-assign]
    poller.spool._db.set_trace_callback(step)
    with connection.execute_wrapper(execute):
        poller._move()
    connection.commit = commit  # type: ignore[method-assign]
    poller.spool.close()


def in_a_child(var: Path, die_at: int) -> bool:
    """True when it lived."""
    child = os.fork()
    if not child:
        sys.settrace(None)  # what is measured here dies with it, and tracing doubles the work
        code = 1
        try:
            move(var, die_at)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, f"it ended with {status}"
    return status == 0


def main(var: Path, station: int, nozzle: int, commands: list[int]) -> None:
    deaths = 0
    for number, command in enumerate(commands):
        spool = Spool(var / "spool" / "spool.sqlite3")
        tell(spool, number, station, nozzle, command)
        spool.close()
        if number == 0:  # here, so that no child has to load the program again
            move(var, die_at=0)
            connections.close_all()
            continue
        if in_a_child(var, die_at=number):
            break
        deaths += 1
        assert in_a_child(var, die_at=0)
    else:
        raise AssertionError("there are more statements than batches")
    sys.stdout.write(f"{deaths}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [int(one) for one in sys.argv[4:]])
