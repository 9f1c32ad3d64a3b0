"""100 000 members out of a CSV: checked, taken in and taken out again, as the worker does it."""

from __future__ import annotations

import os
import time

from bench._database import own_servers

ROWS = int(os.environ.get("ROWS", "100000"))
MOST_SECONDS = 300


def main() -> bool:
    with own_servers():
        return _measure()


def _measure() -> bool:
    from members.models import Member
    from members.services import importing
    from station.services import jobs
    from tests import make

    here = make.station()
    wang = make.manager(here)
    head = "手机号,姓名,车牌,卡号,同意短信"
    lines = (f"139{n:08d},会员{n},云A{n:05d},C{n:07d},是" for n in range(ROWS))
    content = "\n".join((head, *lines)).encode()
    began = time.monotonic()
    batch, _ = importing.upload(
        station=here, name="a.csv", content=content, at=make.NOW, actor=wang
    )
    jobs.run_next(at=make.NOW)
    checked = time.monotonic()
    importing.confirm(batch=batch, at=make.NOW, actor=wang)
    jobs.run_next(at=make.NOW)
    done = time.monotonic()
    batch.refresh_from_db()
    print(
        f"   检查 {checked - began:.0f} 秒，导入 {done - checked:.0f} 秒（合计不超过 {MOST_SECONDS}）"
    )
    print(
        f"   行 {batch.rows:,} = 导入 {batch.taken:,} + 重复 {batch.known:,} + 有错 {batch.bad:,}"
    )
    whole = batch.taken == ROWS == Member.objects.count()
    return whole and done - began <= MOST_SECONDS
