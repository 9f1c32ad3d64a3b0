"""Keeps the processes of one station running under one readable log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from station.runtime.processes import die_with_parent

COLOURS = (36, 32, 33, 35, 34, 96)
LONGEST_PAUSE = 30.0
STOP_SECONDS = 20.0
# A process that held on this long has earned a quick restart the next time.
STEADY_SECONDS = 60.0


@dataclass(frozen=True)
class Service:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    # Asked once after the start; the next service waits for a yes, at most this long.
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 30.0
    env: Mapping[str, str] = field(default_factory=dict)  # beside what all of them get


class Log:
    """Lines of all processes on one output, each with the name of its process in a colour."""

    def __init__(self, names: Sequence[str]) -> None:
        self.width = max((len(name) for name in names), default=0)
        self.colours = dict(zip(names, COLOURS * len(names), strict=False))
        self.terminal = sys.stdout.isatty()
        self.lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<{self.width}} │"
        if self.terminal:
            prefix = f"\033[{self.colours.get(name, 37)}m{prefix}\033[0m"
        self._write(f"{prefix} {text}")

    def say(self, text: str) -> None:
        self._write(f"\033[1m{text}\033[0m" if self.terminal else text)

    def shout(self, text: str) -> None:
        self._write(f"\033[1;41;97m !! {text} \033[0m" if self.terminal else f"!! {text}")

    def _write(self, text: str) -> None:
        with self.lock:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


@dataclass
class Child:
    """A service with its process, and what is known of how it fares."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 1.0
    again_at: float = 0.0
    readers: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Starts services in order, restarts those that die with growing pauses, stops them in reverse."""

    def __init__(self, services: Sequence[Service], *, env: Mapping[str, str]) -> None:
        self.children = [Child(service) for service in services]
        self.env = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
        self.log = Log([service.name for service in services])
        self.stopping = False

    def run(self, *, when_up: Callable[[], None]) -> None:
        """Run until SIGINT or SIGTERM; `when_up` is called once everything has been started."""
        earlier = {
            number: signal.signal(number, self._ask_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            for child in self.children:
                if not self.stopping:
                    self._start(child)
                    self._wait_until_ready(child)
            if not self.stopping:
                when_up()
            while not self.stopping:
                self._look_after_all()
                time.sleep(0.2)
        finally:
            self._stop_all()
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:  # asked twice: no more patience
            for child in self.children:
                if child.process is not None:
                    _kill_group(child.process)
        self.stopping = True

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.service.command,
            env={**self.env, **child.service.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to pass on, in order
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        child.started = time.monotonic()
        reader = threading.Thread(target=self._copy, args=(child, child.process), daemon=True)
        reader.start()
        child.readers = [*(old for old in child.readers if old.is_alive()), reader]

    def _copy(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.log.line(child.service.name, line.decode(errors="replace").rstrip())

    def _wait_until_ready(self, child: Child) -> None:
        ready, end = child.service.ready, time.monotonic() + child.service.ready_seconds
        while ready is not None and not self.stopping and time.monotonic() < end:
            if ready():
                return
            self._look_after(child)
            time.sleep(0.1)

    def _look_after_all(self) -> None:
        for child in self.children:
            self._look_after(child)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.again_at:
                self.log.say(f"重新启动 {child.service.name}")
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        _kill_group(child.process)  # what it forked must not go on beside its successor
        if now - child.started > STEADY_SECONDS:
            child.pause = 1.0
        self.log.shout(
            f"{child.service.name} 意外退出（{_how(code)}），{child.pause:.0f} 秒后重新启动"
        )
        child.process = None
        child.again_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _stop_all(self) -> None:
        self.stopping = True
        running = [child for child in self.children if child.process is not None]
        self.log.say("正在停止……")
        for child in running:  # all at once, so that the whole takes as long as the slowest
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        for child in reversed(running):
            if child.process is not None:
                self._wait_for(child.service.name, child.process)
            for reader in child.readers:
                reader.join(2)

    def _wait_for(self, name: str, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.log.shout(f"{name} 没有按时停下，强行结束")
        _kill_group(process)
        process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # The process leads a session of its own: this reaches what it forked, and nothing else.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"信号 {signal.Signals(-code).name}" if code < 0 else f"代码 {code}"
