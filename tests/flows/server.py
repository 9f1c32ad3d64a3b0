"""A PostgreSQL of the test's own, which it may really stop."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from station.runtime.clusters import TEMPLATE, lend_migrated_cluster
from station.runtime.embedded import Postgres, database_url, socket_folder

ROOT = Path(__file__).parents[2]


class Server:
    """Migrated, durable as in production, and the database of this process as long as it lives."""

    def __init__(self, folder: Path) -> None:
        lend_migrated_cluster(ROOT, folder)
        self._postgres = Postgres(folder)
        self.url = database_url(folder, TEMPLATE)
        self._stopped_at = 0.0

    def start(self) -> None:
        self._postgres.start()

    def stop(self) -> None:
        """Every connection ends, and nobody answers any more."""
        connection.close()
        self._postgres.stop()
        self._stopped_at = time.monotonic()

    @property
    def away_for(self) -> float:
        """Seconds since it was stopped."""
        return time.monotonic() - self._stopped_at


@contextmanager
def own_server() -> Iterator[Server]:
    """Django's connection goes to it meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="station-flow-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account
    server = Server(folder)
    before = {name: connection.settings_dict[name] for name in ("HOST", "NAME", "PORT", "USER")}
    server.start()
    connection.close()
    connection.settings_dict.update(
        HOST=str(socket_folder(folder)), NAME=TEMPLATE, PORT="", USER="postgres"
    )
    try:
        yield server
    finally:
        server.stop()
        connection.settings_dict.update(before)
        shutil.rmtree(folder, ignore_errors=True)
