"""运行状况: whether each part of the system works, for machines and for the manager alike."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, cast

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.utils.module_loading import import_string
from django.utils.timezone import make_aware
from kombu.exceptions import KombuError

from station.celery import app
from station.models.work import Job

HEARTBEAT = "station.heartbeat"
# Beat sends a heartbeat every 15 seconds; two may be lost before anybody is troubled.
LATE_SECONDS = 45
STUCK_SECONDS = 180
LONG_QUEUE = 500
# One a day: more than a day and a half means that a night was missed.
OLD_BACKUP_HOURS = 36
LITTLE_DISK_PERCENT = 10
NO_DISK_PERCENT = 3
GIB = 1024**3


class State(Enum):
    """How a part does."""

    OK = "正常"
    WARNING = "注意"
    FAILED = "故障"

    @property
    def tone(self) -> str:
        """The colour of the word on a page."""
        return {"OK": "good", "WARNING": "wait", "FAILED": "bad"}[self.name]


@dataclass(frozen=True)
class Check:
    """One part: `name` for machines, `title` and `detail` for people, `figure` to draw a line of."""

    name: str
    title: str
    state: State
    detail: str
    figure: int | None = None
    station_id: int | None = None  # of one station: the page shows it to those who may see that


Provider = Callable[..., list[Check]]


def checks(*, at: datetime) -> list[Check]:
    """Ask every provider of `settings.HEALTH`, `f(*, at) -> list[Check]`, each on its own.

    A provider that cannot answer is itself a finding: the page must come up when nothing else does.
    """
    found: list[Check] = []
    for path in settings.HEALTH:
        try:
            provider = cast(Provider, import_string(path))
            found.extend(provider(at=at))
        except (ImportError, Error, redis.RedisError, KombuError, OSError) as error:
            name = path.split(".")[0]
            found.append(Check(f"{name}.provider", path, State.FAILED, _short(error)))
    return found


def worst(found: list[Check]) -> State:
    """Return the worst state among the checks."""
    states = [check.state for check in found]
    for state in (State.FAILED, State.WARNING):
        if state in states:
            return state
    return State.OK


def core_checks(*, at: datetime) -> list[Check]:
    """Database, queue, background work and disk."""
    return [
        *_alone("database", "数据库", _database),
        *_alone("broker", "消息队列", _broker),
        *_alone("worker", "后台任务", lambda: _worker(at)),
        *_alone("jobs", "长任务", _jobs),
        *_alone("disk", "磁盘", _disk),
        *_alone("backup", "备份", lambda: _backup(at)),
    ]


def _alone(name: str, title: str, ask: Callable[[], Check]) -> Iterator[Check]:
    try:
        yield ask()
    except (Error, redis.RedisError, KombuError, OSError) as error:
        yield Check(name, title, State.FAILED, _short(error))


def _short(error: Exception) -> str:
    return f"{type(error).__name__}：{str(error).splitlines()[0] if str(error) else '没有说明'}"[
        :200
    ]


def _database() -> Check:
    began = time.monotonic_ns()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    millis = (time.monotonic_ns() - began) // 1_000_000
    detail = f"{millis} 毫秒应答，库大小 {size // 1024**2} MB"
    return Check("database", "数据库", State.OK, detail, figure=millis)


def _broker() -> Check:
    with app.connection_for_read(connect_timeout=2) as link:
        link.ensure_connection(max_retries=1, timeout=3)
        channel = cast(Any, link.default_channel)  # the stubs know no transport's own client
        waiting: int = channel.client.llen(app.conf.task_default_queue)
    state = State.WARNING if waiting > LONG_QUEUE else State.OK
    return Check("broker", "消息队列", state, f"{waiting} 个任务在排队", figure=waiting)


def _worker(at: datetime) -> Check:
    last = cache.get(HEARTBEAT)
    if last is None:
        detail = "还没有心跳：后台进程（worker、beat）未运行，或刚刚启动"
        return Check("worker", "后台任务", State.WARNING, detail)
    seconds = max(int((at - datetime.fromisoformat(last)).total_seconds()), 0)
    late = State.WARNING if seconds > LATE_SECONDS else State.OK
    state = State.FAILED if seconds > STUCK_SECONDS else late
    return Check("worker", "后台任务", state, f"{seconds} 秒前有心跳", figure=seconds)


def _jobs() -> Check:
    waiting = Job.objects.filter(status=Job.Status.WAITING).count()
    failed = Job.objects.filter(status=Job.Status.FAILED).count()
    state = State.WARNING if failed else State.OK
    return Check("jobs", "长任务", state, f"{waiting} 个排队，{failed} 个失败", figure=waiting)


def _disk() -> Check:
    usage = shutil.disk_usage(settings.VAR_DIR)
    free = usage.free * 100 // usage.total
    little = State.WARNING if free < LITTLE_DISK_PERCENT else State.OK
    state = State.FAILED if free < NO_DISK_PERCENT else little
    return Check("disk", "磁盘", state, f"剩余 {usage.free // GIB} GB（{free}%）", figure=free)


def _backup(at: datetime) -> Check:
    made = [path.parent.name for path in Path(settings.VAR_DIR, "backups").glob("*/manifest.json")]
    if not made:
        # A demo has nothing to lose; a station that sells has.
        state = State.WARNING if settings.PRODUCTION else State.OK
        return Check("backup", "备份", state, "还没有备份")
    last = make_aware(datetime.strptime(max(made), "%Y%m%d-%H%M%S"))  # noqa: DTZ007  made local
    hours = max(int((at - last).total_seconds()) // 3600, 0)
    state = State.WARNING if hours > OLD_BACKUP_HOURS else State.OK
    return Check("backup", "备份", state, f"最近一次在 {hours} 小时前", figure=hours)
