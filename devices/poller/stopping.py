"""The local socket for 急停: it needs no database and no page."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from pathlib import Path


class StopSocket:
    """`STOP_ALL <who>` and `RELEASE_ALL <who>`, one line each, answered `OK`."""

    def __init__(
        self, path: Path, *, halt: Callable[[str], None], release: Callable[[str], None]
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                word, _, who = self.rfile.readline(200).decode(errors="replace").partition(" ")
                told = {"STOP_ALL": halt, "RELEASE_ALL": release}.get(word.strip())
                if told is None:
                    self.wfile.write(b"?\n")
                    return
                told(who.strip() or "本机")
                self.wfile.write(b"OK\n")

        path.unlink(missing_ok=True)
        self._path = path
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        path.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, name="stop socket", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)
