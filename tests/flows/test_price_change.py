"""A price change at its second, over the wire: a fill under way keeps its price, the next has the new."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connections
from django.utils.timezone import now

from devices.models import Fill, NozzleState, TotalizerReading
from devices.poller.main import Poller
from sales.models import PriceDownload
from sales.services import price_downloads, pricing, signs
from station.models import PriceChange
from tests import make
from tests.devices.poller.kit import Wired, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("SAL-05"),
    pytest.mark.timeout(180),
]
OLD, NEW = Decimal("7.52"), Decimal("7.31")


class Clock(threading.Thread):
    """What beat and a worker do each second: put due prices into force, follow them to the pumps."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ending = threading.Event()

    def run(self) -> None:
        try:
            while not self.ending.wait(0.2):
                pricing.put_due(at=now())
                price_downloads.follow_up(at=now())
                signs.follow_up(at=now())
                signs.keep_right(at=now())
        finally:
            connections.close_all()


@pytest.fixture
def wired(tmp_path: Path, settings) -> Iterator[Wired]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    made = Wired(tmp_path)
    yield made
    made.close()


@pytest.fixture
def running(wired: Wired) -> Iterator[Wired]:
    poller, clock = Poller(wired.var), Clock()
    threads = [threading.Thread(target=poller.run), clock]
    for thread in threads:
        thread.start()
    until(lambda: state(wired).unit_price == OLD, what="the pump holds the old price")
    yield wired
    clock.ending.set()
    poller.ending.set()
    for thread in threads:
        thread.join()


def state(wired: Wired, index: int = 0) -> NozzleState:
    found = NozzleState.objects.filter(nozzle=wired.nozzles[index]).first()
    return found or NozzleState(unit_price=None)


def planned(wired: Wired, seconds: float) -> PriceChange:
    """Both grades cheaper in so many seconds, approved."""
    prices = {wired.nozzles[0].tank.grade: NEW, wired.nozzles[1].tank.grade: Decimal("7.90")}
    change = pricing.plan(
        station=wired.station,
        prices=prices,
        effective_at=now() + timedelta(seconds=seconds),
        actor=make.accountant(wired.station),
        at=now(),
    )
    return pricing.approve(change=change, actor=make.manager(wired.station), at=now())


def test_an_idle_pump_changes_at_the_second_and_the_totalizer_is_kept(running: Wired) -> None:
    running.customer(1)
    until(Fill.objects.exists, what="the fill is recorded")
    before = Fill.objects.get()
    change = planned(running, 3)
    time.sleep(2)
    assert state(running).unit_price != NEW  # not a second early
    until(
        lambda: not change.downloads.exclude(status="DONE").exists() and change.downloads.exists()
    )
    running.customer(1)
    until(lambda: Fill.objects.count() == 2, what="the second fill is recorded")
    after = Fill.objects.exclude(pk=before.pk).get()
    assert (before.unit_price, after.unit_price) == (OLD, NEW)
    assert after.lifted_at >= change.effective_at
    download = PriceDownload.objects.get(change=change, nozzle=running.nozzle)
    assert (download.old_price, download.price) == (OLD, NEW)
    assert download.totalizer == before.totalizer_after
    kept = TotalizerReading.objects.get(nozzle=running.nozzle, document=change.number)
    assert (kept.kind, kept.litres) == ("PRICE", before.totalizer_after)


def test_a_fill_under_way_ends_at_its_own_price_and_the_next_starts_at_the_new(
    running: Wired,
) -> None:
    pump = running.pump
    with running.heads.lock:
        pump.lift(1)
        pump.squeeze(Decimal("0.5"))
    until(lambda: state(running).state == "FUELLING", what="fuel flows")
    change = planned(running, 1)
    until(lambda: change.downloads.exists(), what="the price is in force")
    time.sleep(2)
    assert state(running).state == "FUELLING"
    assert change.downloads.filter(status="DONE").count() == 0  # the head is never idle meanwhile
    with running.heads.lock:
        pump.hang()
    until(lambda: not change.downloads.exclude(status="DONE").exists(), 30, "both nozzles took it")
    running.customer(1)
    until(lambda: Fill.objects.count() == 2, what="the next fill is recorded")
    first, second = Fill.objects.order_by("totalizer_after")
    assert (first.unit_price, second.unit_price) == (OLD, NEW)
    assert first.occurred_at > change.effective_at
    edge = PriceDownload.objects.get(change=change, nozzle=running.nozzle).totalizer
    assert edge == first.totalizer_after
