"""A wake-up is a favour: a broker that is away must not keep a cashier waiting."""

from __future__ import annotations

import pytest
from celery import Celery

from station.services import waking


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_costs_neither_the_work_nor_a_pause(
    settings, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    app = Celery("away")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = f"redis+socket://{tmp_path}/nobody.sock"
    app.conf.task_always_eager = False
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)
    monkeypatch.setattr(waking, "app", app)
    waking.wake("sales.tasks.print_receipts")
    assert pauses == []
