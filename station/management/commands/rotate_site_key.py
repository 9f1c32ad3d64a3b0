"""Wrap every data key anew after SITE_KEY was changed; what is sealed and indexed stays as it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from station.services.sealing import rewrap


class Command(BaseCommand):
    help = "更换站点密钥：SITE_KEY 设新值、SITE_KEY_PREVIOUS 设旧值并重启后运行；完成后删去旧值"

    def handle(self, *args: Any, **options: Any) -> None:
        old, new = settings.SITE_KEY_PREVIOUS, settings.SITE_KEY
        if not old:
            raise CommandError("没有设置 SITE_KEY_PREVIOUS（旧密钥），不知道从哪一把换起。")
        if old == new:
            raise CommandError("SITE_KEY_PREVIOUS 与 SITE_KEY 一样，请先把 SITE_KEY 设为新密钥。")
        total = 0
        while done := rewrap(old=old, new=new):
            total += done
            self.stdout.write(f"已换 {total} 把")
        self.stdout.write(
            self.style.SUCCESS(f"完成：共换 {total} 把。现在可以删去 SITE_KEY_PREVIOUS 并重启。")
        )
