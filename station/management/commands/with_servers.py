"""`manage.py with_servers COMMAND …`: run a command on the station's servers, started if need be."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from station.runtime.embedded import ServerFailed
from station.runtime.servers import any_servers


class Command(BaseCommand):
    """For `make demo`, `make backup` and the like: they work whether the station runs or not."""

    help = "在油站的数据库上运行另一条命令；数据库没开就临时开"
    requires_system_checks: list[str] = []  # the database is not up yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="先更新数据库结构")
        parser.add_argument("command")
        parser.add_argument("rest", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with any_servers(settings.VAR_DIR):
                if options["migrate"]:
                    call_command("migrate", interactive=False, verbosity=0)
                call_command(options["command"], *options["rest"])
        except ServerFailed as failed:
            raise CommandError(str(failed)) from None
