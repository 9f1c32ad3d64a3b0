"""急停 from a shell on the station's machine, with or without the database."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from devices.services import local_stop


class Command(BaseCommand):
    help = "急停：停止全站加油机；--release 解除"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", action="store_true", help="解除急停")

    def handle(self, *args: Any, **options: Any) -> None:
        word = "RELEASE_ALL" if options["release"] else "STOP_ALL"
        if local_stop.send(word, getpass.getuser()) != "OK":
            raise CommandError("采集程序没有应答：请按加油机上的急停按钮，并检查采集程序")
        self.stdout.write("已解除急停" if options["release"] else "急停已送达全部线路")
