"""From the settled sale to the paper: a file printer and one real worker, woken by each sale."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench._database import ROOT, own_servers

SALES = 60
MOST_SECONDS = 1.5
PATIENCE = 20


def main() -> bool:
    with own_servers():
        return _measure()


def _measure() -> bool:
    from devices.queries.ports import paper_folder
    from tests import make

    session = make.session()
    paper_folder().mkdir(parents=True, exist_ok=True)
    paper = paper_folder() / f"bench-paper-{os.getpid()}"
    paper.write_bytes(b"")
    make.printer(session.till, target=paper.name)
    wash = make.item("洗车", "30.00", kind="SERVICE")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "station", "worker", "--pool=solo", "-l", "ERROR"],
        cwd=ROOT,
    )
    try:
        _seconds(session, wash, paper)  # the worker starts meanwhile
        took = [_seconds(session, wash, paper) for _ in range(SALES)]
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
        paper.unlink(missing_ok=True)
    p95 = statistics.quantiles(took, n=20)[18]
    print(f"   p50 {statistics.median(took):.3f} 秒，p95 {p95:.3f} 秒（不超过 {MOST_SECONDS}）")
    return p95 <= MOST_SECONDS


def _seconds(session: Any, wash: Any, paper: Path) -> float:
    """Settle one sale; how long until its number stands on the paper."""
    from tests import make

    before = paper.stat().st_size
    sale = make.sale(session, items=[(wash, 1)])
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        with paper.open("rb") as file:
            file.seek(before)
            if sale.number.encode() in file.read():
                return time.perf_counter() - began
        time.sleep(0.005)
    return PATIENCE
