"""A wake-up is sent after commit, and costs nothing where the broker is away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from celery import Celery
from django.db import transaction

from station.celery import app
from station.services import waking


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Celery("away", broker=f"redis+socket://{tmp_path}/nobody.sock")
    away.conf.broker_transport_options = app.conf.broker_transport_options
    monkeypatch.setattr(waking, "app", away)
    waking.wake("warming.up")  # the first call loads the client's modules
    began = time.monotonic()
    for _ in range(5):
        with transaction.atomic():
            waking.wake("nobody.hears")
    assert time.monotonic() - began < 1
