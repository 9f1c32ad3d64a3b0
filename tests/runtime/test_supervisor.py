"""What keeps the processes of a station running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Two services: one writes its pid and lives, one dies at once, every time.
PROGRAM = """
import sys
from pathlib import Path
from station.runtime.supervisor import Service, Supervisor
folder = Path(sys.argv[1])
python = sys.executable
steady = "import os, subprocess, sys, time; child = subprocess.Popen(['sleep', '300']); " \
    "print('pids', os.getpid(), child.pid, flush=True); time.sleep(300)"
services = [
    Service("steady", (python, "-c", steady)),
    Service("broken", (python, "-c", "print('乱', flush=True); raise SystemExit(3)")),
]
Supervisor(services, env={}).run(when_up=lambda: print("everything is up", flush=True))
print("stopped in order", flush=True)
"""


class Running:
    """The program above, with its output so far."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []

    def until(self, text, times=1):
        while len(found := [line for line in self.lines if text in line]) < times:
            line = self.process.stdout.readline()
            assert line, f"never saw {text!r} in {self.lines}"
            self.lines.append(line.rstrip())
        return found[-1]


@pytest.fixture
def running(tmp_path):
    program = Running(tmp_path)
    yield program
    program.process.kill()
    program.process.stdout.close()
    program.process.wait()


def pids_of(line):
    return [int(word) for word in line.split("pids")[1].split()]


def alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_until_gone(pids):
    end = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end, "a process outlived its supervisor"
        time.sleep(0.05)


def test_every_line_carries_the_name_of_its_process(running):
    assert running.until("pids").startswith("steady │ pids")
    assert running.until("乱") == "broken │ 乱"


def test_a_process_that_dies_is_started_again_with_growing_pauses(running):
    running.until("everything is up")
    running.until("broken 意外退出（代码 3），1 秒后重新启动")
    began = time.monotonic()
    running.until("broken 意外退出（代码 3），2 秒后重新启动")
    assert time.monotonic() - began >= 0.8
    running.until("broken │ 乱", times=2)


def test_a_killed_process_is_told_by_its_signal_and_leaves_nothing_behind(running):
    main, forked = pids_of(running.until("pids"))
    running.until("everything is up")
    os.kill(main, signal.SIGKILL)
    running.until("steady 意外退出（信号 SIGKILL）")
    wait_until_gone([main, forked])


def test_ctrl_c_stops_everything_in_order(running):
    pids = pids_of(running.until("pids"))
    running.until("everything is up")
    running.process.send_signal(signal.SIGINT)
    running.until("stopped in order")
    assert running.process.wait(5) == 0
    wait_until_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal on the death of a parent")
def test_a_killed_supervisor_leaves_no_service_behind(running):
    main, _ = pids_of(running.until("pids"))
    running.until("everything is up")
    running.process.kill()
    wait_until_gone([main])
