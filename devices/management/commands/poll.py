"""The process that owns the serial lines: `manage.py poll`. One per site."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from devices.poller.main import Poller
from devices.poller.power import wait_for_power
from devices.simulator.forecourt import SWITCH

SWITCH_EVERY = 0.001  # seconds: a line that wakes up waits no longer for another thread


def _hasten() -> None:
    """A head waits 120 ms for nobody: the lines go before other work of this machine, if they may."""
    sys.setswitchinterval(SWITCH_EVERY)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -5)


class Command(BaseCommand):
    help = "采集程序：连接加油机、读卡器和扫码枪"

    def handle(self, *args: Any, **options: Any) -> None:
        var = Path(settings.VAR_DIR)
        var.mkdir(parents=True, exist_ok=True)
        with (var / "poller.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as busy:
                raise CommandError("采集程序已经在运行：一条线路只能有一个主人") from busy
            if settings.PRACTICE:
                wait_for_power(var / "sim" / SWITCH)
            _hasten()
            poller = Poller(var)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: poller.ending.set())
            self.stdout.write("采集程序启动")
            poller.run()
            self.stdout.write("采集程序结束")
