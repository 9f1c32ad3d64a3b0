"""`manage.py run_station`: the whole station on one machine, under one readable log."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from station.models import Station
from station.runtime import ground
from station.runtime.bootstrap import Progress
from station.runtime.embedded import ServerFailed, recreate_database
from station.runtime.practice import hide_address, show_address
from station.runtime.servers import AlreadyRunning, own_servers
from station.runtime.supervisor import Service, Supervisor

DEMO_ACCOUNTS = "demo-accounts.txt"
NO_ROOT_WARNING = "ignore:You're running the worker"  # as root, on a bare machine, knowingly
WORKER = ("--concurrency=2", "--without-gossip", "--without-mingle", "--loglevel=INFO")


class Command(BaseCommand):
    """Servers, migrations, the demo on first start, then every process, restarted if it dies."""

    help = "运行整座油站：数据库、网页、后台任务、轮询器和模拟现场"
    requires_system_checks: list[str] = []  # the database is not up yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default=os.environ.get("BIND", "127.0.0.1:8000"))
        parser.add_argument("--no-demo", action="store_true", help="空库时不建演示油站")
        parser.add_argument(
            "--with-practice", action="store_true", help="旁边同时运行练习站（端口加一）"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            running = f"已在运行的油站管家 http://{_here(options['bind'])}/"
            with own_servers(settings.VAR_DIR, doing=running) as addresses:
                _refuse_taken(options["bind"])
                self._prepare(demo=not options["no_demo"])
                self._serve(options["bind"], addresses, practice=options["with_practice"])
        except (AlreadyRunning, ServerFailed) as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"已停止。数据在 {settings.VAR_DIR}，再次运行会接着用。")

    def _prepare(self, *, demo: bool) -> None:
        if settings.PRACTICE:
            ground.create_database()
        try:
            ground.refuse_the_other_kind()
        except ground.WrongGround as wrong:
            raise CommandError(str(wrong)) from None
        # A demo that was interrupted is not continued but begun again: its books would not tie out.
        unfinished = Path(settings.VAR_DIR, "demo-unfinished")
        if unfinished.exists() and not os.environ.get("DATABASE_URL"):
            self.stdout.write("  上次的演示没有建完，重新来过")
            recreate_database(settings.VAR_DIR)
        with _progress("更新数据库结构"):
            call_command("migrate", interactive=False, verbosity=0)
        station_exists = Station.objects.exists()
        connections.close_all()
        if demo and not station_exists and "demo" in get_commands():
            unfinished.touch()
            self._build_demo()
        unfinished.unlink(missing_ok=True)

    def _build_demo(self) -> None:
        self.stdout.write("  建立演示油站……")
        # A process of its own: what the building needs in memory goes with it.
        size = ("--days", "8", "--busy", "0.3") if settings.PRACTICE else ()
        if subprocess.run([*_manage(), "demo", *size], check=False).returncode:
            raise CommandError(
                "演示油站没有建成，原因见上；再次运行会重新建立。"
                "不要演示：manage.py run_station --no-demo"
            )

    def _serve(self, bind: str, addresses: dict[str, str], *, practice: bool) -> None:
        accounts = Path(settings.VAR_DIR, DEMO_ACCOUNTS)
        env = addresses | {"BIND": bind, "LOG_JSON": "0", "PYTHONWARNINGS": NO_ROOT_WARNING}
        if accounts.exists():
            env["DEMO"] = "1"
        if sys.stdout.isatty():
            env["FORCE_COLOR"] = "1"
        services = _services(bind, simulated=accounts.exists() or settings.PRACTICE)
        if practice:
            beside = ground.beside(bind=bind, addresses=addresses)
            services.append(Service("practice", (*_manage(), "run_station"), env=beside))
        supervisor = Supervisor(services, env=env)
        if settings.PRACTICE:
            with _shown(bind):
                supervisor.run(when_up=partial(self._welcome_to_practice, supervisor.log.say, bind))
        else:
            supervisor.run(when_up=partial(self._welcome, supervisor.log.say, bind, accounts))

    def _welcome_to_practice(self, say: Callable[[str], None], bind: str) -> None:
        say("")
        say(f"  练习站已就绪：http://{_here(bind)}/  油、钱和会员都是假的")
        say("  在油站登录自己的账号，点右上角自己的名字，再点「练习」进去。")
        say("")

    def _welcome(self, say: Callable[[str], None], bind: str, accounts: Path) -> None:
        say("")
        say(f"  油站管家已就绪：http://{_here(bind)}/")
        if accounts.exists():
            for line in accounts.read_text(encoding="utf-8").splitlines():
                say(f"  {line}")
        say("  按 Ctrl-C 停止。")
        say("")


def _services(bind: str, *, simulated: bool) -> list[Service]:
    """The processes of a station in the order of their start; those whose command exists."""
    python = sys.executable
    celery = (python, "-m", "celery", "--quiet", "-A", "station.celery")
    schedule = str(Path(settings.VAR_DIR, "beat-schedule"))
    web = (python, "-m", "gunicorn", "-c", "python:station.runtime.web", "station.wsgi")
    services = [Service("web", web, ready=partial(_answers, f"http://{_here(bind)}/"))]
    commands = get_commands()
    if simulated and "simulate" in commands:
        services.append(Service("forecourt", (*_manage(), "simulate")))
    if "poll" in commands:
        services.append(Service("poller", (*_manage(), "poll")))
    services.append(Service("worker", (*celery, "worker", *WORKER)))
    services.append(Service("beat", (*celery, "beat", f"--schedule={schedule}", "--pidfile=")))
    return services


@contextmanager
def _shown(bind: str) -> Iterator[None]:
    """As long as the practice station runs, the live one's pages lead to it."""
    show_address(settings.VAR_DIR, bind)
    try:
        yield
    finally:
        hide_address(settings.VAR_DIR)


def _manage() -> tuple[str, str]:
    return (sys.executable, str(Path(settings.BASE_DIR, "manage.py")))


def _here(bind: str) -> str:
    """The address as seen from this machine: "all addresses" is none that a browser can open."""
    return bind.replace("0.0.0.0", "127.0.0.1")


def _refuse_taken(bind: str) -> None:
    """Say at once that the port is taken, not after the demo was built and the web died ten times."""
    host, _, port = bind.rpartition(":")
    if not port.isdecimal():
        return  # a unix socket, or what gunicorn will complain of itself
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host.strip("[]"), int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"没有启动：{bind} 已被别的程序占用，可能是另一座油站。"
                    "换一个端口再运行，例如 make run BIND=127.0.0.1:8001"
                ) from None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # an answer, if not a happy one
    except OSError:
        return False


@contextmanager
def _progress(title: str) -> Iterator[None]:
    progress, over = Progress(title), threading.Event()

    def tick() -> None:
        while not over.wait(0.5):
            progress.tick()

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    progress.done()
