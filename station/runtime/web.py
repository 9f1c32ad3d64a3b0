"""gunicorn's configuration: `gunicorn -c python:station.runtime.web station.wsgi`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from gunicorn import glogging

from station.runtime.logging import configure

configure(
    level=os.environ.get("LOG_LEVEL", "INFO"),
    json=os.environ.get("LOG_JSON", str(not sys.stderr.isatty())).lower() in ("1", "true", "yes"),
)


class Logger(glogging.Logger):
    """gunicorn's own lines take the road of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger
bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
timeout = 60
graceful_timeout = 10
# The access log is the request middleware's, which knows who asked.
accesslog = None
# gunicorn would open a control socket in the home folder.
control_socket_disable = True
# The workers' heartbeat file belongs in memory: a slow disk must not look like a dead worker.
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"
