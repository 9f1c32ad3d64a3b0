"""The process that owns the serial lines: `manage.py poll`. One per site."""

from __future__ import annotations

import fcntl
import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from devices.poller.main import Poller


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
            poller = Poller(var)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: poller.ending.set())
            self.stdout.write("采集程序启动")
            poller.run()
            self.stdout.write("采集程序结束")
