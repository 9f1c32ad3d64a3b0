"""A prepay taken back while the customer is at the pump: a simulated head, a real poller, PostgreSQL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.timezone import now

from devices.models import Fill, NozzleState
from devices.poller.main import Poller
from sales.models import Prepay, PrepayChange
from sales.queries.unpaid import unpaid_fills
from sales.services import prepay_changes, prepaying
from sales.services.prepaying import PrepayRefused
from sales.tasks import settle_prepays
from station.models import TillSession
from tests import make
from tests.devices.poller.kit import Wired, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("SAL-03")]


@pytest.fixture
def wired(tmp_path: Path, settings) -> Iterator[Wired]:
    settings.VAR_DIR = tmp_path
    made = Wired(tmp_path)
    poller = Poller(made.var)
    thread = threading.Thread(target=poller.run)
    thread.start()
    until(lambda: _state(made) == "IDLE")
    yield made
    poller.ending.set()
    thread.join()
    made.close()


def _state(wired: Wired) -> str:
    return NozzleState.objects.filter(nozzle=wired.nozzle).values_list("state", flat=True).first()


def _prepaid(wired: Wired) -> tuple[TillSession, Prepay]:
    """A prepay of 200 yuan that the pump has confirmed."""
    till = make.session(wired.station)
    paid = prepaying.create(
        nozzle=wired.nozzle,
        amount=Decimal("200.00"),
        tender=make.tenders()["CASH"],
        reference="",
        plate="",
        session=till,
        actor=till.cashier,
        at=now(),
        key="y1",
    )
    until(lambda: _state(wired) == "AUTHORISED", what="the pump holds the prepay")
    return till, paid


def _status_after_work(paid: Prepay) -> str:
    settle_prepays()
    paid.refresh_from_db()
    return paid.status


def test_the_money_is_free_when_the_pump_has_given_the_authorisation_back(wired: Wired) -> None:
    till, paid = _prepaid(wired)
    change = prepay_changes.cancel(prepay=paid, reason="不加了", actor=till.cashier, at=now())
    assert change.status == "WAITING"
    until(lambda: _status_after_work(paid) == "CANCELLED", what="the pump confirms")
    assert paid.refund_due == Decimal("200.00")
    with wired.heads.lock:
        assert wired.pump.shown.volume == 0 and wired.pump.status not in (2, 4)


@pytest.mark.parametrize("late", [False, True])
def test_fuel_that_ran_before_the_pump_stopped_is_sold_under_the_prepay(
    wired: Wired, late: bool
) -> None:
    till, paid = _prepaid(wired)
    if not late:  # the cashier presses before the system has heard of the lifted nozzle
        prepay_changes.cancel(prepay=paid, reason="不加了", actor=till.cashier, at=now())
    with wired.heads.lock:
        wired.pump.lift(1)
        wired.pump.squeeze(Decimal(4))
    if late:
        until(lambda: wired.pump.shown.volume > 0, what="fuel flows")
        with contextlib.suppress(PrepayRefused):
            prepay_changes.cancel(prepay=paid, reason="不加了", actor=till.cashier, at=now())
    stopped = 5  # the head's status after a stop, the nozzle still out
    until(
        lambda: (
            _status_after_work(paid) != "OPEN"
            or wired.pump.status == stopped
            or wired.pump.shown.volume > 3000
        ),
        what="the head stops, or goes on filling",
    )
    with wired.heads.lock:
        wired.pump.hang()
    until(lambda: _status_after_work(paid) in ("SETTLED", "CANCELLED"), what="the prepay ends")
    until(lambda: wired.recorded() == wired.delivered(), what="every drop is a row")
    if wired.delivered():
        fill = Fill.objects.get()
        assert (paid.status, paid.sale.due) == ("SETTLED", fill.amount)
        assert paid.refund_due == paid.amount - fill.amount
    else:
        assert (paid.status, paid.refund_due) == ("CANCELLED", paid.amount)
    assert not late or wired.delivered()
    assert not unpaid_fills(station=wired.station).exists()
    assert not PrepayChange.objects.filter(status="WAITING").exists()
