"""Heads of every make but DART from the wire to the tables, through the whole poller: one story."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.timezone import now

from devices.models import Authorisation, Command, Fill, NozzleState, TotalizerReading
from devices.protocols import table
from devices.queries import status
from devices.queries.frames import frames_of
from devices.services import authorising
from tests import make
from tests.devices.line.makes import MAKES, Make
from tests.devices.poller.kit import Wired, polled, until

pytestmark = pytest.mark.django_db(transaction=True)

# how a preset of two litres and its fill read, and what is said all the time
WORDS = {
    table.GASKIT: ("V1;000200;0752", "T1b9;001504;000200;0752 枪位 1 交易 b", ("问状态",)),
    table.TWOWIRE: (
        "预置升数 200 油品 1 价格档 1",
        "升数 2000 金额 1504",
        ("1 问状态", "1 问当前金额"),
    ),
    table.AZT: ("1 T00200 预置升数", "应答 00020000001504000752", ("问状态", "问当前升数")),
    table.IFSF: (
        "写 允许的枪 01 预置金额 0.00 预置升数 2.00",
        "答 金额 15.04 升数 2.00 单价 7.52",
        ("问状态", "问 当前金额 当前升数"),
    ),
    table.ZHENGXING: ("1 02 预置升数 00 02 00", "升数 200 金额 1504", ("问状态", "问当前升数金额")),
}


@pytest.fixture(params=sorted(MAKES))
def made(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


@pytest.fixture
def wired(made: Make, tmp_path: Path, settings) -> Iterator[Wired]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    with polled(tmp_path, made.key) as one:
        if made.sends_price:
            until(lambda: made.price_in(one.pump) == 752)
        yield one


@pytest.mark.req("DEV-01", "SAL-02", "SAL-03", "SAL-04")
def test_sales_and_a_preset_from_the_page_become_rows(wired: Wired, made: Make) -> None:
    state = NozzleState.objects.filter(nozzle=wired.nozzle)
    until(lambda: state.get().unit_price == Decimal("7.52"))
    wired.customer(1)
    until(Fill.objects.exists, what="the fill is recorded")
    fill = Fill.objects.get()
    assert fill.litres == wired.delivered() == fill.totalizer_after
    assert (fill.nozzle, fill.source, fill.unit_price) == (wired.nozzle, "PUMP", Decimal("7.52"))
    until(lambda: made.rests(wired.pump), what="the head was told to forget")

    actor = make.attendant(wired.station)
    grant = authorising.authorise(
        nozzle=wired.nozzle, actor=actor, at=now(), litres=Decimal("2.00")
    )
    until(lambda: Command.objects.get().status == "DONE", what="the head took the preset")
    with wired.heads.lock:
        wired.pump.lift(1)
        wired.pump.squeeze(Decimal(4))
    until(lambda: not wired.pump.open, what="the preset was reached")
    with wired.heads.lock:
        wired.pump.hang()
    until(lambda: Fill.objects.count() == 2, what="the preset fill is recorded")
    second = Fill.objects.latest("id")
    assert (second.amount, second.litres) == (Decimal("15.04"), Decimal("2.000"))
    assert second.authorisation == grant
    until(lambda: Authorisation.objects.get().status == "USED")

    lines = frames_of(second, boxes=wired.var / "blackbox")
    assert lines is not None
    words = [line.words for line in lines]
    preset, told, polls = WORDS[made.key]
    assert any(preset in one for one in words) and any(told in one for one in words)
    assert not [one for one in words if one.endswith(polls)]
    assert len(words) < 100  # answers that say the same once more are left out
    shown = {one.line.name: one.word for one in status.lines(station=wired.station, at=now())}
    assert shown["一号线"] == "正常"


@pytest.mark.req("SAL-05")
def test_a_new_price_is_a_reading_and_the_next_sale_is_at_it(wired: Wired, made: Make) -> None:
    wired.customer(1)
    until(Fill.objects.exists)
    make.price(wired.station, wired.nozzle.tank.grade, "7.80", since=now() + timedelta(seconds=2))
    until(
        lambda: NozzleState.objects.get(nozzle=wired.nozzle).unit_price == Decimal("7.80"),
        40,
        "the price is in force",
    )
    if made.sends_price:
        assert made.price_in(wired.pump) == 780
    wired.customer(1)
    until(lambda: Fill.objects.count() == 2)
    assert [fill.unit_price for fill in Fill.objects.order_by("id")] == [
        Decimal("7.52"),
        Decimal("7.80"),
    ]
    kept = TotalizerReading.objects.filter(kind="PRICE", nozzle=wired.nozzle)
    assert [row.litres for row in kept] == [Fill.objects.earliest("id").totalizer_after]
