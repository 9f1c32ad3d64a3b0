"""A GasKitLink head from the wire to the tables, through the whole poller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.timezone import now

from devices.models import Authorisation, Command, Fill, NozzleState, TotalizerReading
from devices.protocols import table
from devices.protocols.gaskit import messages as m
from devices.queries import status
from devices.queries.frames import frames_of
from devices.services import authorising
from tests import make
from tests.devices.poller.kit import Wired, polled, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wired(tmp_path: Path, settings) -> Iterator[Wired]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    with polled(tmp_path, table.GASKIT) as made:
        yield made


@pytest.mark.req("DEV-01", "SAL-02", "SAL-03", "SAL-04")
def test_sales_and_a_preset_from_the_page_become_rows(wired: Wired) -> None:
    assert NozzleState.objects.get(nozzle=wired.nozzle).unit_price == Decimal("7.52")
    wired.customer(1)
    until(Fill.objects.exists, what="the fill is recorded")
    fill = Fill.objects.get()
    assert fill.litres == wired.delivered() == fill.totalizer_after
    assert (fill.nozzle, fill.source, fill.unit_price) == (wired.nozzle, "PUMP", Decimal("7.52"))
    until(lambda: wired.pump.status == m.IDLE, what="the head was told to forget")

    actor = make.attendant(wired.station)
    made = authorising.authorise(
        nozzle=wired.nozzle, actor=actor, at=now(), amount=Decimal("15.04")
    )
    until(lambda: Command.objects.get().status == "DONE", what="the head took the preset")
    with wired.heads.lock:
        wired.pump.lift(1)
        wired.pump.squeeze(Decimal(4))
    until(lambda: wired.pump.status == m.STOPPED, what="the preset was reached")
    with wired.heads.lock:
        wired.pump.hang()
    until(lambda: Fill.objects.count() == 2, what="the preset fill is recorded")
    second = Fill.objects.latest("id")
    assert (second.amount, second.litres) == (Decimal("15.04"), Decimal("2.000"))
    assert second.authorisation == made
    until(lambda: Authorisation.objects.get().status == "USED")

    lines = frames_of(second, boxes=wired.var / "blackbox")
    assert lines is not None
    words = [line.words for line in lines]
    assert any("M1;001504;0752" in one for one in words)
    assert any(" T1b9;001504;000200;0752 Transaction(" in one for one in words)
    assert not any(" S State" in one or one.endswith("Ask(letter='S')") for one in words)
    states = [one.split()[1] for one in words if "State(" in one]
    assert len(states) < 30  # answers that say the same once more are left out
    shown = {one.line.name: one.word for one in status.lines(station=wired.station, at=now())}
    assert shown["一号线"] == "正常"


@pytest.mark.req("SAL-05")
def test_a_new_price_is_a_reading_and_the_next_sale_is_at_it(wired: Wired) -> None:
    wired.customer(1)
    until(Fill.objects.exists)
    make.price(wired.station, wired.nozzle.tank.grade, "7.80", since=now() + timedelta(seconds=2))
    until(
        lambda: NozzleState.objects.get(nozzle=wired.nozzle).unit_price == Decimal("7.80"),
        40,
        "the price is in force",
    )
    wired.customer(1)
    until(lambda: Fill.objects.count() == 2)
    assert [fill.unit_price for fill in Fill.objects.order_by("id")] == [
        Decimal("7.52"),
        Decimal("7.80"),
    ]
    kept = TotalizerReading.objects.filter(kind="PRICE", nozzle=wired.nozzle)
    assert [row.litres for row in kept] == [Fill.objects.earliest("id").totalizer_after]
