"""The database and the queue that a command runs on: our own, unless the environment names others."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from station.runtime.embedded import Postgres, Valkey, database_url, redis_url


class AlreadyRunning(Exception):
    """Another process holds the servers of this folder; the text names it."""


@contextmanager
def own_servers(var: Path, *, doing: str = "另一条命令") -> Iterator[dict[str, str]]:
    """Run what the environment does not name, for as long as the block; yield the addresses.

    `doing` says to others what holds the folder. Raises AlreadyRunning where another process does.
    """
    with ExitStack() as stack:
        stack.enter_context(_only_one(var, doing))
        addresses = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
        if not addresses["DATABASE_URL"]:
            postgres = Postgres(var)
            stack.callback(postgres.stop)
            postgres.start()
            postgres.create_database()
            addresses["DATABASE_URL"] = database_url(var)
        if not addresses["REDIS_URL"]:
            valkey = Valkey(var)
            stack.callback(valkey.stop)
            valkey.start()
            addresses["REDIS_URL"] = redis_url(var)
        yield addresses


@contextmanager
def any_servers(var: Path, *, doing: str = "另一条命令") -> Iterator[None]:
    """Use the servers of a running station, or run our own for as long as the block."""
    with ExitStack() as stack:
        with suppress(AlreadyRunning):
            stack.enter_context(own_servers(var, doing=doing))
        yield


@contextmanager
def _only_one(var: Path, doing: str) -> Iterator[None]:
    var.mkdir(parents=True, exist_ok=True)
    with (var / "run.lock").open("a+", encoding="utf-8") as lock:
        _take(lock, var, doing)
        yield


def _take(lock: IO[str], var: Path, doing: str) -> None:
    try:
        # Goes with the process, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "未知"
        raise AlreadyRunning(
            f"没有启动：{var} 的数据正由{holder}使用。要停下它，在它的窗口按 Ctrl-C；"
            "要在这台机器上再开一座油站，另选数据目录和端口：make run VAR_DIR=… BIND=127.0.0.1:8001"
        ) from None
    lock.truncate(0)
    lock.write(f"{doing}（进程 {os.getpid()}）")
    lock.flush()
