"""`manage.py site_key seal | show FILE`: the key of the personal data, under a passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from station.errors import Refusal
from station.runtime.asking import ask_secret
from station.runtime.site_key import open_sealed, seal_site_key


class Command(BaseCommand):
    """The passphrase is typed, never an argument: others read a command line."""

    help = "封存站点密钥（seal），或看一份封存的密钥（show 文件）"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("seal", help="用口令封存本机的 SITE_KEY，以后的备份都带上")
        show = acts.add_parser("show", help="用口令打开一份封存的密钥并显示")
        show.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["act"] == "show":
                self.stdout.write(open_sealed(options["file"], ask_secret("封存时的口令：")))
                return
            first = ask_secret("新口令（至少 12 个字符，请写下来另存）：")
            if ask_secret("再输一次：") != first:
                raise CommandError("两次输入不同，没有封存。")
            path = seal_site_key(first)
        except Refusal as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(
            f"已封存到 {path}，以后的备份都带上它。口令不在本机：请写下来放进保险柜，"
            "没有口令，换机器恢复后个人信息无法解读。"
        )
