"""`manage.py restore FOLDER`: a backup into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from station.errors import Refusal
from station.runtime.asking import ask_secret
from station.runtime.backup import restore_backup


class Command(BaseCommand):
    """Refuses a database that is not empty; proves the copy against the manifest."""

    help = "把备份恢复到空数据库，并核对行数与合计"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = restore_backup(options["folder"], passphrase=_passphrase)
        except Refusal as refused:
            raise CommandError(str(refused)) from None
        box = manifest.get("black_box", {"files": 0})
        rows = sum(manifest["rows"].values())
        self.stdout.write(
            f"恢复完成：{len(manifest['rows'])} 张表 {rows} 行，"
            f"{len(manifest['sums'])} 项合计，均与 {manifest['made_at']} 的备份一致；"
            f"黑匣子 {box['files']} 个文件；个人信息可以解读。"
        )


def _passphrase() -> str:
    return ask_secret("这台机器没有这座油站的密钥。封存密钥时的口令：")
