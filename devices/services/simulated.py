"""The simulator's control socket, as the page of the demo uses it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from django.conf import settings

from station.errors import Refusal

SECONDS = 3
LONGEST = 1_000_000


class SimulatorAway(Refusal):
    """No simulator runs here."""


def socket_path() -> Path:
    """Where `manage.py simulate` listens."""
    return Path(settings.VAR_DIR, "sim", "control")


def runs() -> bool:
    """Whether a simulator has its socket here."""
    return socket_path().exists()


def tell(asked: dict[str, Any]) -> dict[str, Any]:
    """One wish, and what the simulator answers. Refuses SimulatorAway, and what it does not do."""
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(SECONDS)
            wire.connect(str(socket_path()))
            wire.sendall(json.dumps(asked).encode() + b"\n")
            with wire.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline(LONGEST))
    except (OSError, ValueError) as error:
        raise SimulatorAway("模拟设备没有运行，请先启动模拟器。") from error
    if not answer.get("ok"):
        raise SimulatorAway("模拟设备没有照做，请核对填的内容。")
    return answer
