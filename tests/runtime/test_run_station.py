"""`manage.py run_station`, the whole of it, as people start it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.req("SEC-11"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture
def started(tmp_path_factory):
    """Start it on a free port and an empty folder; kill whatever is left at the end."""
    var = tmp_path_factory.mktemp("var")
    running = []

    def start(*arguments, address="", var=var):
        if not address:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                address = f"127.0.0.1:{free.getsockname()[1]}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "TEST_TEMPLATE")
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_station", "--bind", address, *arguments],
            cwd=ROOT,
            env=kept | {"VAR_DIR": str(var), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process, address, var

    yield start
    for process in running:
        process.kill()
        process.stdout.close()
        process.wait()


def read_until(process, text):
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return "".join(seen)
    pytest.fail(f"never saw {text!r} in:\n{''.join(seen)}")


def health(address):
    link = http.client.HTTPConnection(address, timeout=20)
    link.request("GET", "/healthz")
    body = json.loads(link.getresponse().read())
    link.close()
    return body


def processes_of(var):
    """Every process whose environment or command names the folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(var).encode() in words and command:
            found[int(entry.name)] = command
    return found


def wait_until_gone(var):
    end = time.monotonic() + 30
    while left := processes_of(var):
        assert time.monotonic() < end, f"left behind: {left}"
        time.sleep(0.2)


def test_it_runs_once_survives_a_kill_without_orphans_and_starts_again_on_its_data(
    started, tmp_path_factory
):
    process, address, var = started("--no-demo")
    read_until(process, "油站管家已就绪")
    body = health(address)
    assert body["checks"]["database"]["state"] == "OK"
    assert body["checks"]["broker"]["state"] == "OK"
    assert any("celery" in command for command in processes_of(var).values())
    second, _, _ = started("--no-demo")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert (
        f"没有启动：{var} 的数据正由已在运行的油站管家 http://{address}/（进程 {process.pid}）使用"
        in said
    )
    assert "VAR_DIR=… BIND=127.0.0.1:8001" in said
    elsewhere, _, _ = started("--no-demo", address=address, var=tmp_path_factory.mktemp("other"))
    said, _ = elsewhere.communicate(timeout=60)
    assert elsewhere.returncode == 1
    assert f"没有启动：{address} 已被别的程序占用" in said
    process.kill()
    wait_until_gone(var)

    process, address, _ = started("--no-demo")
    read_until(process, "油站管家已就绪")
    process.send_signal(signal.SIGINT)
    assert "已停止。数据在" in read_until(process, "已停止")
    assert process.wait(10) == 0
    wait_until_gone(var)
