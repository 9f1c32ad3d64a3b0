"""`manage.py practice`: the practice station by itself, on the servers of this station's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from station.runtime.embedded import ServerFailed, database_url, redis_url
from station.runtime.ground import beside
from station.runtime.processes import die_with_parent
from station.runtime.servers import any_servers


class Command(BaseCommand):
    """It uses the servers of a running station, or starts them for its own time."""

    help = "运行练习站：同一套程序，另一个数据库，模拟的加油机"
    requires_system_checks: list[str] = []  # the database is not up yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--live-bind",
            default=os.environ.get("BIND", "127.0.0.1:8000"),
            help="正式站的地址；练习站用下一个端口",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRACTICE:
            raise CommandError("没有启动：请不带 PRACTICE=1 运行，练习站的环境由正式站给出。")
        try:
            with any_servers(settings.VAR_DIR, doing="练习站"):
                addresses = {
                    "DATABASE_URL": os.environ.get("DATABASE_URL")
                    or database_url(settings.VAR_DIR),
                    "REDIS_URL": os.environ.get("REDIS_URL") or redis_url(settings.VAR_DIR),
                }
                code = _run(beside(bind=options["live_bind"], addresses=addresses))
        except ServerFailed as failed:
            raise CommandError(str(failed)) from None
        if code:
            raise CommandError("练习站没有正常结束，原因见上。", returncode=code)


def _run(env: dict[str, str]) -> int:
    """The practice station as a child; who stops us stops it, in its own good order."""
    manage = str(Path(settings.BASE_DIR, "manage.py"))
    child = subprocess.Popen(
        [sys.executable, manage, "run_station"],
        env={**os.environ, **env},
        preexec_fn=die_with_parent(signal.SIGTERM),
        start_new_session=True,  # Ctrl-C is ours to pass on, once
    )

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    return child.wait()
