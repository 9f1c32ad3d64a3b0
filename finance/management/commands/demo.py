"""Fill an empty database with the demo station and its history."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from finance.services.demonstration import plan
from finance.services.demonstration.accounts import write_accounts
from finance.services.demonstration.build import Demo
from finance.services.demonstration.club import open_club
from finance.services.demonstration.duty import keep_the_shift
from finance.services.demonstration.machines import take_machines
from finance.services.demonstration.proof import DAYS_IN_FULL, QUESTIONS, unproved
from finance.services.practice.furnishing import furnish
from station.models import Station


class Command(BaseCommand):
    """`manage.py demo [--days 90] [--years N] [--seed 92]`."""

    help = "建立演示油站及其历史数据（仅限空库）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=90, help="历史天数")
        parser.add_argument("--years", type=int, default=0, help="历史年数（代替天数）")
        parser.add_argument("--seed", type=int, default=92, help="随机种子：同种子同数据")
        parser.add_argument("--busy", type=float, default=1.0, help="客流倍数")
        parser.add_argument("--members", type=int, help="老会员数（不填按客流）")

    def handle(
        self,
        *args: Any,
        days: int,
        years: int,
        seed: int,
        busy: float,
        members: int | None = None,
        **options: Any,
    ) -> None:
        if Station.objects.exists():
            raise CommandError(
                "库中已有油站：演示数据只能建在空库里。要重建请停下油站、移走 var/postgres 再来"
            )
        _set_aside_the_old_wire()
        days = years * 365 if years else days
        self.started = time.monotonic()
        # One transaction: a build that is broken off, or does not tie out, leaves the database empty.
        with transaction.atomic():
            scale = min(busy, 1.0)
            demo = Demo(
                days=days,
                until=timezone.now(),
                seed=seed,
                busy=busy,
                members=members,
                live_sales=round(plan.LIVE_SALES * scale),
            )
            site = demo.build(progress=self._progress)
            self._progress("会员与当班", 0, 1)
            open_club(site, at=demo.opens)
            take_machines(site, at=demo.opens)
            keep_the_shift(demo, seed=seed, scale=scale)
            self._progress("核对勾稽", 0, 1)
            if found := unproved(site.station):
                raise CommandError("演示数据对不上，没有保留：\n" + "\n".join(found))
            if settings.PRACTICE:
                furnish(site.station)
        self._progress("核对勾稽", 1, 1)
        write_accounts(at=timezone.now())
        self.stdout.write(
            self.style.SUCCESS(
                f"\n演示油站已建立：{days} 天历史，用时 {self._seconds()} 秒；"
                f"{len(QUESTIONS)} 项勾稽全部相符，抽查 {DAYS_IN_FULL} 天逐项重算一致"
            )
        )

    def _seconds(self) -> int:
        return round(time.monotonic() - self.started)

    def _progress(self, step: str, done: int, total: int) -> None:
        if sys.stdout.isatty():
            filled = 30 * done // total
            self.stdout.write(
                f"\r[{'█' * filled}{' ' * (30 - filled)}] {done}/{total} {step} "
                f"{self._seconds()} 秒 \033[K",
                ending="",
            )
            self.stdout.flush()
        elif done % max(total // 20, 1) == 0 or done == total:
            self.stdout.write(f"{self._seconds():>4} 秒  {step} {done}/{total}")
            self.stdout.flush()


def _set_aside_the_old_wire() -> None:
    """The spool and the simulated heads remember totalizers of books that are no more."""
    for name in ("spool", "sim/heads.json"):
        old = Path(settings.VAR_DIR) / name
        if old.exists():
            old.rename(old.with_name(f"{old.name}.{time.time_ns()}"))
