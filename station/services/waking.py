"""Have waiting rows looked at now. A lost wake-up is found by beat within 30 seconds."""

from __future__ import annotations

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

from station.celery import app

log = structlog.get_logger(__name__)


def wake(task: str) -> None:
    """Send the named task once this transaction commits; a broker that is away is no error."""

    def send() -> None:
        try:
            app.send_task(task, ignore_result=True, retry=False)
        except OperationalError as error:
            log.warning("wake_lost", task=task, error=str(error))

    transaction.on_commit(send)
