"""The machine's clock is set, midnight and 29 February pass, the site is away for 23 hours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders
from devices.poller.clock import STEP, ClockWatch, step_facts
from tests.devices.line.kit import START, Site, wiring

JUMPS = {
    "an hour back": START - timedelta(hours=1),
    "a day ahead": START + timedelta(days=1),
    "to the last second of 28 February": datetime(2028, 2, 28, 15, 59, 58, tzinfo=UTC),
    "to the last second of 29 February": datetime(2028, 2, 29, 15, 59, 58, tzinfo=UTC),
    "to the last second of the year": datetime(2026, 12, 31, 15, 59, 58, tzinfo=UTC),
}


class Clocked(Site):
    """A line whose wall clock can be set."""

    skew = timedelta(0)

    @property
    def at(self) -> datetime:
        return super().at + self.skew

    def set_clock(self, to: datetime) -> None:
        self.skew += to - self.at


@pytest.fixture
def site(tmp_path: Path) -> Clocked:
    made = Clocked(tmp_path, wiring(0x50, 0x51))
    made.ready()
    return made


@pytest.mark.req("DEV-01", "SAL-02")
@pytest.mark.parametrize("to", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_is_set_while_fuel_flows_costs_no_fill_and_tells_none_twice(
    site: Clocked, to: datetime
) -> None:
    site.start()
    site.set_clock(to)
    site.run(4)  # over the midnight that two of them stand before
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    site.set_clock(START + timedelta(minutes=5))
    site.restart()
    site.fill(nozzle=2, litres="3", pump=1)
    fills = site.bodies("fill")
    assert len(fills) == 2
    for pump, nozzle, fill in ((0, 1, fills[0]), (1, 2, fills[1])):
        assert Decimal(fill["litres"]) == Decimal(site.pumps[pump].meters[nozzle].volume) / 1000
    site.run(60)
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


def test_a_leave_that_the_clock_has_overtaken_is_taken_back(site: Clocked) -> None:
    grant = site.grant(limit_yuan=Decimal(50))
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.grants() == ["SENT"])
    site.set_clock(START + timedelta(days=1))
    site.until(lambda: "EXPIRED" in site.grants())
    site.until(lambda: site.state() == "IDLE")
    assert site.bodies("fill") == []


@pytest.mark.req("DEV-01")
def test_a_site_that_was_away_for_23_hours_finds_what_was_sold_meanwhile(site: Clocked) -> None:
    """The machine slept with a fill under way; the heads sold on by themselves."""
    site.start()
    running = site.pump.shown.volume
    site.pump.hang()
    site.now += 23 * 3600
    site.pumps[1].sell_locally(2, Decimal("30.000"), Decimal("8.03"))
    site.restart()
    site.until(lambda: len(site.bodies("fill")) == 2)
    told = {fill["nozzle"]: Decimal(fill["litres"]) for fill in site.bodies("fill")}
    assert told == {1: Decimal(running) / 1000, 6: Decimal(30)}
    site.run(60)
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


def test_only_a_step_of_the_clock_is_an_alarm() -> None:
    watch = ClockWatch()
    assert watch.stepped(10.0, START) is None
    assert watch.stepped(10.2, START + timedelta(seconds=0.2)) is None
    assert watch.stepped(70.2, START + timedelta(seconds=61.2)) is None  # slewed
    assert watch.stepped(70.4, START + timedelta(seconds=3661.4)) == timedelta(hours=1)
    assert watch.stepped(70.6, START + timedelta(seconds=3661.6)) is None
    assert watch.stepped(70.8, START + timedelta(seconds=61.8)) == timedelta(hours=-1)
    assert timedelta(seconds=1) < STEP
    [ahead] = step_facts([1], timedelta(hours=1), START)
    [back] = step_facts([1], timedelta(hours=-1), START)
    assert "拨快 3600 秒" in ahead.body["text"] and "拨慢 3600 秒" in back.body["text"]
    assert (ahead.body["kind"], ahead.body["over"]) == ("CLOCK", False)
