"""The only place that opens a port: `/dev/tty…`, `socket://…`, `rfc2217://…`."""

import errno
import io
import os
import select
import socket
import termios
import time
from dataclasses import replace
from pathlib import Path

import serial

from devices.protocols.base import Seconds, SerialSettings

LONGEST_READ = 4096
KEEP_ALIVE = (
    (socket.TCP_KEEPIDLE, 4),  # seconds
    (socket.TCP_KEEPINTVL, 2),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_USER_TIMEOUT, 10_000),  # milliseconds that what we sent may stay unconfirmed
)


class PortLost(OSError):
    """The port cannot be opened, or it went away; `words` where the port itself knows why."""

    words = ""


class PortBusy(PortLost):
    """Another program, or another thread of this one, has the port."""


class _Bounds:
    """What this process may open: everything, or the pseudo-terminals linked in one folder."""

    folder: Path | None = None


def confine(folder: Path | None) -> None:
    """From here on open only pseudo-terminals that the simulator has linked into `folder`.

    A practice station begins with it: whatever its tables name, no wire of a real pump is touched.
    None takes it back.
    """
    _Bounds.folder = None if folder is None else folder.resolve()


def may_open(url: str) -> bool:
    """Whether the port lies within the bounds; asked at each opening, for links can be moved."""
    if _Bounds.folder is None:
        return True
    path = Path(url)
    return path.parent.resolve() == _Bounds.folder and os.path.realpath(url).startswith("/dev/pts/")


def _why_not(url: str) -> str:
    """In the words of the person who looks at the line: a broken one in a scene is just that."""
    if Path(url).parent.resolve() == _Bounds.folder and not os.path.lexists(url):
        return "线断了，或模拟的现场还没有起来"
    return "练习站只接自己的模拟线路，没有打开"


_TROUBLE = (OSError, serial.SerialException, termios.error, ValueError)


def _asked(url: str, settings: SerialSettings) -> SerialSettings:
    """A pseudo-terminal has eight bits and no parity; Linux refuses others when it is opened again."""
    pseudo = os.path.realpath(url).startswith("/dev/pts/")
    return replace(settings, bits=8, parity="N") if pseudo else settings


def _keep_alive(fd: int) -> None:
    """Notice within ten seconds that the other end of a connection is gone without a word."""
    with socket.socket(fileno=os.dup(fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, count in KEEP_ALIVE:
            same.setsockopt(socket.IPPROTO_TCP, option, count)


def _own(url: str) -> dict[str, bool]:
    """A serial port is locked (flock) against everybody who asks for the lock as we do.

    Not TIOCEXCL: that stays on a terminal that somebody else still holds open when we are killed,
    and then nobody may open it again; a lock goes with its process.
    """
    return {} if "://" in url else {"exclusive": True}


def _is_busy(trouble: BaseException) -> bool:
    """Locked by another, or kept exclusively."""
    seen: BaseException | None = trouble
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.EBUSY, errno.EAGAIN):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


class Port:
    """Bytes out and in, with a deadline. Every failure is PortLost."""

    def __init__(self, url: str, settings: SerialSettings) -> None:
        if not may_open(url):
            raise PortLost(_why_not(url))
        asked = _asked(url, settings)
        try:
            self._serial = serial.serial_for_url(
                url,
                baudrate=asked.baud,
                bytesize=asked.bits,
                parity=asked.parity,
                stopbits=asked.stop,
                timeout=0,
                write_timeout=1,
                **_own(url),
            )
        except _TROUBLE as trouble:
            kind = PortBusy if _is_busy(trouble) else PortLost
            raise kind(str(trouble)) from trouble
        try:
            self._fd: int | None = self._serial.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self._fd = None  # rfc2217 reads in a thread of its own
        if url.startswith("socket://") and self._fd is not None:
            _keep_alive(self._fd)

    def close(self) -> None:
        inner = getattr(self._serial, "_socket", None)  # pyserial forgets one that was reset
        try:
            self._serial.close()
        except _TROUBLE:
            return  # it was lost before
        finally:
            if inner is not None:
                inner.close()

    def send(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except _TROUBLE as trouble:
            raise PortLost(str(trouble)) from trouble

    def receive(self, patience: Seconds) -> bytes:
        """What has come, waiting at most so long for the first byte. Empty when nothing came."""
        try:
            return self._from_descriptor(patience) if self._fd is not None else self._from(patience)
        except PortLost:
            raise
        except _TROUBLE as trouble:
            raise PortLost(str(trouble)) from trouble

    def _from_descriptor(self, patience: Seconds) -> bytes:
        assert self._fd is not None
        ready, _, _ = select.select([self._fd], [], [], max(0.0, patience))
        if not ready:
            return b""
        data = os.read(self._fd, LONGEST_READ)
        if not data:
            raise PortLost("the other side closed")
        return data

    def _from(self, patience: Seconds) -> bytes:
        until = time.monotonic() + patience
        while True:
            waiting = self._serial.in_waiting
            if waiting:
                return bytes(self._serial.read(min(waiting, LONGEST_READ)))
            if time.monotonic() >= until:
                return b""
            time.sleep(0.002)
