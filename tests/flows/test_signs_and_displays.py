"""From the till to the customer's display, and a price change that begins at the sign, over the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Alarm, Line, LineState, NozzleState, PoleDisplay, PriceSign, SignRow
from devices.poller.main import Poller
from devices.protocols import table
from devices.simulator.ends import PtyEnd
from devices.simulator.peripherals import Board, Face, Plugged
from sales.services import pricing
from station.models import PriceLine
from tests import make
from tests.devices.poller.kit import Wired, until
from tests.flows.test_price_change import Clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]
OLD, NEW = Decimal("7.52"), Decimal("7.80")


class Around(Wired):
    """The wired station with a display at its till and a price sign."""

    def __init__(self, var: Path) -> None:
        super().__init__(var)
        self.face, self.board = Face(), Board()
        self.display = Plugged(self.face, PtyEnd(var / "display"))
        self.sign = Plugged(self.board, PtyEnd(var / "sign"))
        self.session = make.session(self.station)
        lines = [
            Line.objects.create(
                station=self.station, name=name, url=str(var / end), protocol=key, parity="N"
            )
            for name, end, key in (
                ("客显", "display", table.CD5220_CHINESE),
                ("价格牌", "sign", table.PRICESIGN),
            )
        ]
        PoleDisplay.objects.create(line=lines[0], till=self.session.till, idle_text="欢迎光临")
        sign = PriceSign.objects.create(
            station=self.station, name="价格牌", kind="LINE", line=lines[1]
        )
        for number, nozzle in enumerate(self.nozzles, 1):
            SignRow.objects.create(sign=sign, row=number, grade=nozzle.tank.grade)

    def held(self, index: int = 0) -> Decimal | None:
        return NozzleState.objects.get(nozzle=self.nozzles[index]).unit_price


@pytest.fixture
def around(tmp_path: Path, settings) -> Iterator[Around]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    made = Around(tmp_path)
    poller, clock = Poller(made.var), Clock()
    threads = [threading.Thread(target=poller.run), clock, made.display, made.sign]
    for thread in threads:
        thread.start()
    until(lambda: NozzleState.objects.filter(unit_price=OLD).exists(), what="the old price")
    until(lambda: made.board.rows[1] == "7.52", what="a dark sign is set to what is posted")
    yield made
    clock.ending.set()
    poller.ending.set()
    for thread in threads[:2]:
        thread.join()
    for device in (made.display, made.sign):
        device.end_it()
    made.close()


@pytest.mark.req("SAL-05")
def test_a_rise_waits_for_a_stuck_sign_and_a_fall_in_the_same_change_does_not(
    around: Around,
) -> None:
    around.board.stuck = True
    first, second = (nozzle.tank.grade for nozzle in around.nozzles)
    change = pricing.plan(
        station=around.station,
        prices={first: NEW, second: Decimal("7.90")},
        effective_at=now() + timedelta(seconds=1),
        actor=make.accountant(around.station),
        at=now(),
    )
    pricing.approve(change=change, actor=make.manager(around.station), at=now())
    until(lambda: around.held(1) == Decimal("7.90"), what="the fall is at its pump")
    rise = change.sign_steps.filter(grade=first)
    until(lambda: rise.filter(status="ASKED", attempts__gte=2).exists(), what="asked again")
    assert (around.held(), around.board.rows[1]) == (OLD, "7.52")
    around.board.stuck = False
    until(lambda: around.held() == NEW, 30, "the rise is at its pump")
    line = PriceLine.objects.get(change=change, grade=first)
    step = rise.get()
    assert (step.status, around.board.rows[1]) == ("SHOWN", "7.80")
    assert line.since is not None and line.since == step.done_at
    until(lambda: around.board.rows[2] == "7.90", 30, "the sign follows the fall")


@pytest.mark.req("DEV-03")
def test_the_customer_reads_what_the_till_shows_and_an_unplugged_display_is_seen(
    around: Around,
) -> None:
    till = make.signed_in(around.session.cashier)

    def tell(**shown: str) -> int:
        return till.post(reverse("sales:till_display"), shown).status_code

    until(lambda: around.face.upper.strip() == "欢迎光临", what="the idle text")
    assert tell(what="ITEM", price="7.52", total="200.00") == 200
    until(lambda: around.face.upper.endswith("7.52"), what="the price")
    assert around.face.lower == "合计          200.00"
    assert tell(what="CHANGE", tendered="300.00", change="100.00") == 200
    until(lambda: around.face.lower == "找零          100.00", what="the change")
    for odd in (
        {"what": "DANCE"},
        {"what": "TOTAL", "total": "NaN"},
        {"what": "TOTAL", "total": "x"},
    ):
        assert tell(**odd) == 422
    around.display.plug(False)
    line = Line.objects.get(name="客显")
    until(lambda: Alarm.objects.filter(kind="DISPLAY", status="OPEN").exists(), 10, "the alarm")
    until(lambda: not LineState.objects.get(line=line).is_open, 10, "the light")
    assert tell(what="IDLE") == 200  # the till goes on
    around.display.plug(True)
    until(lambda: around.face.upper.strip() == "欢迎光临", what="it shows again")
    until(lambda: not Alarm.objects.filter(kind="DISPLAY", status="OPEN").exists(), 10, "over")
