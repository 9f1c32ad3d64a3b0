"""Read a recording again: which facts its frames make."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils.timezone import localtime, now

from devices.line.replaying import Replay, Told, replay
from devices.protocols import table
from devices.queries.frames import header_of
from devices.recorder import Recording, read_file


class Command(BaseCommand):
    help = "重放报文：黑匣子文件（.log、.log.gz）或页面下载的报文，打印由它得出的事实"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--protocol", choices=list(table.entries()), help="不写就按文件所记")
        parser.add_argument("--json", action="store_true", help="以 JSON 打印")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            recording = read_file(options["file"])
        except OSError as trouble:
            raise CommandError(f"打不开文件 {options['file']}，请核对路径和权限") from trouble
        if not recording.frames:
            raise CommandError("文件里没有一条完整的报文：它不是报文文件，或全部残缺")
        if not recording.header:
            recording = _with_header(recording, options["file"])
        told = replay(recording, protocol=options["protocol"] or "")
        if options["json"]:
            self.stdout.write(json.dumps(told.body(), ensure_ascii=False, indent=1))
        else:
            self._show(told)

    def _show(self, told: Replay) -> None:
        label = table.entries()[told.protocol].label
        guessed = "（文件没有写明，按内容判断）" if told.guessed else ""
        self.stdout.write(f"{label}{guessed}，{told.frames} 条报文")
        if told.skipped:
            self.stdout.write(f"有 {told.skipped} 处残缺，已略过")
        for one in told.told:
            self.stdout.write(_line(one))


def _line(one: Told) -> str:
    at = localtime(datetime.fromtimestamp(one.at_ms / 1000, tz=now().tzinfo))
    address = f" 地址 {one.address}" if one.address else ""
    return f"{at:%Y-%m-%d %H:%M:%S}.{one.at_ms % 1000:03d} #{one.seq}{address} {one.words}"


def _with_header(recording: Recording, path: Path) -> Recording:
    """A file of the box says nothing of itself; its folder names the line, and the books know it."""
    named = re.fullmatch(r"line(\d+)", path.resolve().parent.name)
    if named is None:
        return recording
    try:
        header = header_of(int(named[1]))
    except (DatabaseError, InterfaceError):
        return recording
    return Recording(header, recording.frames, recording.skipped)
