"""The simulator's ends of the wires: pseudo-terminals and TCP, which can be broken and mended."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import select
import socket
import threading
import tty
from pathlib import Path

from devices.protocols.base import Seconds


class PtyEnd:
    """A pseudo-terminal; `path` is a link to the side that the poller opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ours = self._theirs = -1
        self.mend()

    @property
    def is_open(self) -> bool:
        """Whether it is plugged in."""
        return self._ours >= 0

    def mend(self) -> None:
        """Plug in; again after a break under the same name."""
        if self._ours >= 0:
            return
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._theirs))
        fresh.replace(self.path)

    def break_off(self) -> None:
        """Unplug: the poller's side fails."""
        if self._ours < 0:
            return
        ours, theirs, self._ours, self._theirs = self._ours, self._theirs, -1, -1
        self.path.unlink(missing_ok=True)
        os.close(ours)
        os.close(theirs)

    close = break_off

    def read(self, patience: Seconds) -> bytes:
        ours = self._ours
        if ours < 0:
            select.select([], [], [], patience)
            return b""
        try:
            ready, _, _ = select.select([ours], [], [], patience)
            return os.read(ours, 4096) if ready else b""
        except (OSError, ValueError):
            return b""  # broken off meanwhile

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.write(self._ours, data)


class TcpEnd:
    """A serial-to-TCP converter: one caller at a time, a new one replaces the old.

    With `yielding` it takes any free port where another program has the one it was given.
    """

    def __init__(self, port: int, host: str = "127.0.0.1", *, yielding: bool = False) -> None:
        self._address = host, port
        self._listening: socket.socket | None = None
        self._caller: socket.socket | None = None
        try:
            self.mend()
        except OSError as error:
            if not yielding or error.errno != errno.EADDRINUSE:
                raise
            self._address = host, 0
            self.mend()

    @property
    def port(self) -> int:
        assert self._listening is not None
        return int(self._listening.getsockname()[1])

    @property
    def is_open(self) -> bool:
        """Whether it is plugged in."""
        return self._listening is not None

    @property
    def last_port(self) -> int:
        """The same while it is unplugged."""
        return self._address[1]

    def mend(self) -> None:
        """Listen; again after a break on the same port."""
        if self._listening is None:
            self._listening = socket.create_server(self._address, backlog=1, reuse_port=False)
            self._address = self._address[0], self.port

    def break_off(self) -> None:
        """Unplug: the caller is cut off and nobody answers."""
        for end in (self._caller, self._listening):
            if end is not None:
                end.close()
        self._caller = self._listening = None

    close = break_off

    def read(self, patience: Seconds) -> bytes:
        watched = [end for end in (self._listening, self._caller) if end is not None]
        try:
            ready, _, _ = select.select(watched, [], [], patience)
            for end in ready:
                if end is self._listening:
                    self._accept()
                elif end is self._caller:
                    return self._receive()
        except (OSError, ValueError):
            return b""  # broken off meanwhile
        return b""

    def _accept(self) -> None:
        assert self._listening is not None
        if self._caller is not None:
            self._caller.close()
        self._caller, _ = self._listening.accept()
        self._caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _receive(self) -> bytes:
        assert self._caller is not None
        data = self._caller.recv(4096)
        if not data:
            self._caller.close()
            self._caller = None
        return data

    def write(self, data: bytes) -> None:
        if self._caller is not None:
            with contextlib.suppress(OSError):
                self._caller.sendall(data)


End = PtyEnd | TcpEnd


class EndThread(threading.Thread):
    """Whoever lives at an end of a wire, until `end_it`."""

    def __init__(self, name: str, end: End) -> None:
        super().__init__(name=name, daemon=True)
        self.end = end
        self._ending = threading.Event()

    def end_it(self) -> None:
        self._ending.set()
        if self.is_alive():
            self.join()
        self.end.close()
