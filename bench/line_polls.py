"""The line thread against simulated heads that spend their byte times.

Three questions: how many of the polls that the protocol's own times and the wire allow does it
reach; how long does a fuelling address wait; what do sixteen lines cost. The heads run in a process
of their own, so that the cost is the poller's alone.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

from devices.line.thread import PumpLine
from devices.line.wire import OWN_GAP
from devices.line.wiring import MANUAL, LineWiring, NozzleWiring, PointWiring, Price
from devices.protocols.base import Condition, Decimals, SerialSettings
from devices.recorder import SENT, Recorded, read
from devices.simulator.bus import ANSWER_DELAY, Bus
from devices.simulator.ends import PtyEnd
from devices.simulator.lines import BusLine
from devices.simulator.pump import Options, Pump
from devices.spool import Spool

PLACES = Decimals(volume=3, totals=3)
ADDRESSES = tuple(range(0x50, 0x58))
LINES = 16
SECONDS = 12
SETTLE = 90  # at most, for the first synchronisation
POLL = EOT = ACK = 3  # bytes
DELIVERED = 16  # bytes of a block with litres and yuan
BEFORE_ACK = 0.005
TURNAROUND = Decimal("0.035")
LEAST_SHARE, MOST_GAP_MS, MOST_CPU = Decimal("0.90"), 500, Decimal("0.15")
AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Measured:
    polls: Decimal  # per second and line
    gap_ms: int  # the longest wait of a fuelling address
    cpu: Decimal  # share of one core, all lines


def main() -> bool:
    """Print the three figures; True when all reach their bar."""
    allowed = _allowed()
    idle = _measure(lines=LINES, fuelling=0)
    share = idle.polls / allowed
    print(f"轮询：每线每秒 {idle.polls:.1f} 次，协议与线路允许 {allowed:.1f} 次，比 {share:.3f}")
    print(f"   （要求 ≥ {LEAST_SHARE}）")
    print(f"十六线占一个核 {idle.cpu:.3f}（要求 ≤ {MOST_CPU}）")
    gaps = {}
    for fuelling in (1, 4, 8):
        gaps[fuelling] = _measure(lines=1, fuelling=fuelling).gap_ms
        ratio = Decimal(gaps[fuelling]) / MOST_GAP_MS
        print(f"{fuelling} 个地址加油：最长间隔 {gaps[fuelling]} 毫秒，为上限的 {ratio:.2f}")
    print(f"   （按字节时间推算，8 个地址一轮 {8 * _round() * 1000:.0f} 毫秒）")
    return share >= LEAST_SHARE and idle.cpu <= MOST_CPU and max(gaps.values()) <= MOST_GAP_MS


def _allowed() -> Decimal:
    """Polls per second where every poll is answered EOT and nobody wastes a moment."""
    byte = Decimal(str(SerialSettings(baud=9600, parity="O").byte_time()))
    spent = (POLL + EOT) * byte + Decimal(str(ANSWER_DELAY)) + TURNAROUND
    return 1 / spent


def _round() -> Decimal:
    """Seconds of one exchange with a head that has litres and yuan to tell."""
    byte = Decimal(str(SerialSettings(baud=9600, parity="O").byte_time()))
    pauses = ANSWER_DELAY + BEFORE_ACK + OWN_GAP
    return (POLL + DELIVERED + ACK) * byte + Decimal(str(pauses))


def _measure(*, lines: int, fuelling: int) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ready, ending = multiprocessing.Event(), multiprocessing.Event()
        heads = multiprocessing.Process(
            target=_heads, args=(folder, lines, fuelling, ready, ending), daemon=True
        )
        heads.start()
        ready.wait()
        try:
            return _poll(folder, lines, fuelling)
        finally:
            ending.set()
            heads.join()


def _poll(folder: Path, lines: int, fuelling: int) -> Measured:
    spool = Spool(folder / "spool.sqlite3")
    running = [
        PumpLine(
            _wiring(folder, number, fuelling),
            spool=spool,
            boxes=folder / "box",
            may_authorise=lambda: True,
        )
        for number in range(lines)
    ]
    for line in running:
        line.start()
    _settle(running, fuelling)
    polls, cpu, began = [line.live.polls for line in running], _cpu(), time.monotonic()
    first = int(time.time() * 1000)
    time.sleep(SECONDS)
    spent = Decimal(str(time.monotonic() - began))
    used = (_cpu() - cpu) / spent
    asked = [line.live.polls - before for line, before in zip(running, polls, strict=True)]
    for line in running:
        line.end()
        line.join()
    frames = read(folder / "box", running[0].line.box, 1, 10**9)
    spool.close()
    busy = ADDRESSES[:fuelling] if fuelling else ADDRESSES
    return Measured(
        polls=Decimal(str(statistics.mean(asked))) / spent,
        gap_ms=max(_longest_gap(frames, address, first) for address in busy),
        cpu=used,
    )


def _settle(running: list[PumpLine], fuelling: int) -> None:
    """Until every head is synchronised, and those that shall fuel do."""
    until = time.monotonic() + SETTLE
    while time.monotonic() < until:
        time.sleep(0.2)
        points = [list(line.points.values()) for line in running]
        known = all(point.synced and not point.busy for line in points for point in line)
        flowing = all(
            point.condition is Condition.FUELLING for line in points for point in line[:fuelling]
        )
        if known and flowing:
            time.sleep(1)
            return
    raise RuntimeError("the heads did not become ready")


def _cpu() -> Decimal:
    times = os.times()
    return Decimal(str(times.user)) + Decimal(str(times.system))


def _longest_gap(frames: list[Recorded], address: int, since_ms: int) -> int:
    """Between two messages to one address, acknowledgements left out."""
    sent = [
        one.at_ms
        for one in frames
        if one.direction == SENT
        and one.at_ms >= since_ms
        and one.data[0] == address
        and one.data[1] & 0xF0 in (0x20, 0x30)
    ]
    return max(after - before for before, after in itertools.pairwise(sent))


def _wiring(folder: Path, number: int, fuelling: int) -> LineWiring:
    """Idle heads are in manual mode; fuelling ones authorise themselves."""
    points = tuple(
        PointWiring(
            address=address,
            dispenser=100 * number + index,
            nozzles=tuple(
                NozzleWiring(
                    id=1000 * number + 10 * index + position,
                    number=10 * index + position,
                    position=position,
                    mode="AUTO" if index < fuelling else MANUAL,
                    prices=(Price(AGO, Decimal("7.52")),),
                )
                for position in (1, 2)
            ),
            decimals=PLACES,
        )
        for index, address in enumerate(ADDRESSES)
    )
    return LineWiring(
        id=number,
        station=1,
        name=f"{number} 号线",
        url=str(folder / f"line-{number}"),
        protocol="DART",
        baud=9600,
        parity="O",
        options={},
        points=points,
    )


def _heads(folder: Path, lines: int, fuelling: int, ready: Event, ending: Event) -> None:
    running = []
    for number in range(lines):
        pumps = [Pump(address, 2, Options(decimals=PLACES)) for address in ADDRESSES]
        line = BusLine(Bus(pumps), PtyEnd(folder / f"line-{number}"))
        line.start()
        running.append((line, pumps))
    ready.set()
    while not ending.wait(0.2):
        for line, pumps in running:
            with line.lock:
                for pump in pumps[:fuelling]:
                    if not pump.lifted:
                        pump.lift(1)
                    pump.squeeze(Decimal("0.6"))
    for line, _ in running:
        line.end_it()
