"""急停 straight to the poller's local socket: needs no database, and is noted there later."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from devices.models import Command
from station.models import Station

SOCKET = "poller.sock"
PATIENCE = 2  # seconds
SAME_STOP = timedelta(seconds=60)


def socket_path() -> Path:
    """Where the poller listens on this machine."""
    return Path(settings.VAR_DIR) / SOCKET


def send(word: str, who: str) -> str:
    """Say STOP_ALL or RELEASE_ALL to the poller; its answer, or "" when it does not listen here."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.settimeout(PATIENCE)
            caller.connect(str(socket_path()))
            caller.sendall(f"{word} {who[:60]}\n".encode())
            return caller.makefile(encoding="utf-8").readline().strip()
    except OSError:
        return ""


def note(*, station: Station, kind: Command.Kind, who: str, at: datetime) -> None:
    """Put a local stop in its place among the orders; a row of the page about the same counts as it."""
    near = Command.objects.filter(
        station=station, kind=kind, asked_at__gte=at - SAME_STOP, asked_at__lte=at + SAME_STOP
    )
    if near.exclude(status=Command.Status.VOID).exists():
        return
    Command.objects.create(
        station=station,
        kind=kind,
        document="本机急停",
        asked_at=at,
        valid_until=at,
        status=Command.Status.DONE,
        answer=f"{who}（本机，未经数据库）"[:200],
        finished_at=at,
    )
