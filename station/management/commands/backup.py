"""`manage.py backup`: database, attachments, spool and black box to var/backups/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import localtime

from station.errors import Refusal
from station.runtime.backup import make_backup, remove_old_backups
from station.runtime.site_key import SEALED


class Command(BaseCommand):
    """Says where the backup is, how large, and what must be kept beside it."""

    help = "备份数据库、附件、轮询器缓存和黑匣子（原始报文）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--keep", type=int, default=0, help="只保留最新的几份；0 为全部保留")
        parser.add_argument("--no-black-box", action="store_true", help="不带黑匣子（原始报文）")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            folder = make_backup(at=localtime(), black_box=not options["no_black_box"])
        except Refusal as refused:
            raise CommandError(str(refused)) from None
        for old in remove_old_backups(keep=options["keep"]):
            self.stdout.write(f"已删除旧备份 {old}")
        self.stdout.write(f"备份完成：{folder}（{_size(folder) // 1024} KB）")
        if (folder / SEALED).exists():
            self.stdout.write("密钥 SITE_KEY 已封存在备份里：在空机器上恢复时要输封存的口令。")
        else:
            self.stdout.write(
                "密钥 SITE_KEY 不在备份里：没有它，个人信息无法解读。"
                "请运行 make seal-key 设一个口令，以后的备份带上封存的密钥；或另外保管 SITE_KEY。"
            )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
