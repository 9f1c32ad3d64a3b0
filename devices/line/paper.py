"""The wire to a receipt printer: bytes out, and its own word on how it stands.

It is opened for one paper or one question and closed again: a network printer serves one caller at
a time. Knows no Django; who may open it, and when, is decided in `devices.services.printers`.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from devices.line.port import Port
from devices.protocols import escpos
from devices.protocols.base import Seconds, SerialSettings

CONNECT: Seconds = 1.5
WRITE: Seconds = 5.0
ANSWER: Seconds = 0.5  # DLE EOT is answered at once
DONE: Seconds = 4.0  # GS r is answered when the paper is out; a long one takes three seconds


class Paper(Protocol):
    """An open printer."""

    def send(self, data: bytes) -> None: ...

    def receive(self, patience: Seconds) -> bytes: ...

    def close(self) -> None: ...


class NetworkPaper:
    """A printer on TCP. Raises OSError (ValueError for an address that is none)."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=CONNECT)
        self._socket.settimeout(WRITE)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, patience: Seconds) -> bytes:
        ready, _, _ = select.select([self._socket], [], [], max(0.0, patience))
        if not ready:
            return b""
        data = self._socket.recv(256)
        if not data:
            raise ConnectionResetError("the printer closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


class FilePaper:
    """A file instead of a printer; it says nothing of itself."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def send(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def receive(self, patience: Seconds) -> bytes:
        return b""

    def close(self) -> None:
        self._file.close()


@contextmanager
def opened(paper: Paper) -> Iterator[Paper]:
    """The printer, closed at the end whatever happens."""
    try:
        yield paper
    finally:
        paper.close()


def serial_paper(url: str, baud: int) -> Paper:
    """A printer on a serial port or a converter: 8N1."""
    return Port(url, SerialSettings(baud=baud))


def look(paper: Paper) -> escpos.Condition | None:
    """Ask the four questions; None of a printer that does not answer the first."""
    answers: dict[int, int] = {}
    for question in escpos.QUESTIONS:
        paper.send(escpos.ask(question))
        byte = _answer(paper, ANSWER, status=True)
        if byte is not None:
            answers[question] = byte
        elif question == escpos.PRINTER:
            return None
    return escpos.condition(answers)


def is_done(paper: Paper) -> bool:
    """Whether everything sent before has come out; waits for it. False: no word within `DONE`."""
    paper.send(escpos.IN_ORDER)
    return _answer(paper, DONE, status=False) is not None


def _answer(paper: Paper, patience: Seconds, *, status: bool) -> int | None:
    """The next byte that is an answer of this kind; whatever else came is passed by."""
    wanted = escpos.is_answer if status else escpos.is_done
    until = time.monotonic() + patience
    while True:
        data = paper.receive(until - time.monotonic())
        found = [byte for byte in data if wanted(byte)]
        if found:
            return found[0]
        if time.monotonic() >= until:
            return None
