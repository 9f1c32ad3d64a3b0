"""The practice station (练习站): the same code on a second database, and what keeps it off live data.

Standard library only: settings ask it before anything else is known.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

FOLDER, SUFFIX = "practice", "_practice"
# The live station has the first two databases of its Redis: the cache and the broker.
FIRST_REDIS = 2
KEY_LETTERS = 32
ADDRESS, POWER = "address", "no-power"


@dataclass(frozen=True)
class Ground:
    """What a process stands on: its folder, its database, its Redis, and what practice shares."""

    var: Path
    database: str
    redis_url: str
    cache_db: int
    key: str = ""
    texts: str = "local"

    @property
    def redis_databases(self) -> tuple[int, ...]:
        """Those it writes to: the cache's, and the broker's as the address names it."""
        number = urlsplit(self.redis_url).path.strip("/")
        broker = self.cache_db + 1 if self.redis_url.startswith("unix:") else int(number or 0)
        return self.cache_db, broker


def why_not(ground: Ground, *, practice: bool) -> str:
    """Why a process must not start on this ground, in words; "" where it may.

    Practice stands only where no live station can: a folder and a database that carry its name, and
    databases of Redis after the live ones. A live station does not start on such ground.
    """
    if not practice:
        if ground.var.name == FOLDER or ground.database.endswith(SUFFIX):
            return (
                f"{ground.var} 和数据库 {ground.database} 里有练习站的：正式的油站不在上面启动。"
                "要练习，请用 make practice"
            )
        return ""
    if ground.var.name != FOLDER:
        return f"练习站没有启动：VAR_DIR={ground.var} 不是名为 {FOLDER} 的文件夹，可能是正式数据"
    if not ground.database.endswith(SUFFIX):
        return f"练习站没有启动：数据库 {ground.database} 的名字不以 {SUFFIX} 结尾，可能是正式数据"
    if min(ground.redis_databases) < FIRST_REDIS:
        return (
            f"练习站没有启动：REDIS_URL、CACHE_DB 须用第 {FIRST_REDIS} 号以后的库，前面的是正式站的"
        )
    if len(ground.key) < KEY_LETTERS:
        return f"练习站没有启动：PRACTICE_KEY 未设置，或不到 {KEY_LETTERS} 个字符"
    if ground.texts not in ("", "local"):
        return "练习站没有启动：TEXT_CHANNEL 只能是 local，练习的短信不外发"
    return ""


def environment_of(live: Ground, *, database_url: str, bind: str) -> dict[str, str]:
    """The environment that a practice station beside this live one is started with.

    Secrets are not handed down: the practice station invents its own, so that no live session, no
    signature and no sealed name means anything there. What both share is the key of tickets and
    results.
    """
    host, _, port = bind.rpartition(":")
    own = int(port) + 1
    return {
        "PRACTICE": "1",
        "PRACTICE_KEY": live.key,
        "PRACTICE_URL": "",
        "LIVE_URL": f":{port}",
        "VAR_DIR": str(live.var / FOLDER),
        "DATABASE_URL": _renamed(database_url),
        "REDIS_URL": _next_redis(live.redis_url),
        "CACHE_DB": str(live.cache_db + FIRST_REDIS + (not live.redis_url.startswith("unix:"))),
        "BIND": f"{host}:{own}",
        "DEMO": "1",
        "PRODUCTION": "0",
        "SIMULATOR_PORT": "0",
        "TEXT_CHANNEL": "",
        **dict.fromkeys(("SECRET_KEY", "SITE_KEY", "SITE_KEY_PREVIOUS"), ""),
    }


def _renamed(database_url: str) -> str:
    parts = urlsplit(database_url)
    # An address without a host (a socket) would lose its slashes.
    path = parts.path + SUFFIX
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}"


def _next_redis(redis_url: str) -> str:
    if redis_url.startswith("unix:"):
        return redis_url
    parts = urlsplit(redis_url)
    number = int(parts.path.strip("/") or 0) + FIRST_REDIS
    return urlunsplit(parts._replace(path=f"/{number}"))


def show_address(var: Path, bind: str) -> None:
    """Leave word where the practice station answers, for the live one's pages."""
    port = bind.rpartition(":")[2]
    (var / ADDRESS).write_text(f"{os.getpid()} :{port}")


def hide_address(var: Path) -> None:
    """The practice station answers no more."""
    (var / ADDRESS).unlink(missing_ok=True)


def shown_address(var: Path) -> str:
    """Where a practice station on this machine answers now (":8001"), or ""."""
    try:
        pid, _, address = (var / ADDRESS).read_text().partition(" ")
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return ""
    return address
