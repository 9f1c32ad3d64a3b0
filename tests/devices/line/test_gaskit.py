"""A GasKitLink head from the first poll to the settled and closed fill, in virtual time."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders
from devices.protocols.base import Condition
from devices.protocols.gaskit import messages as m
from devices.simulator.gaskit import GasKitOptions, GasKitPump
from tests.devices.line.kit import Site, gaskit

D = Decimal


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, gaskit()).ready()


def closed(site: Site) -> None:
    """Until the head was told that it may forget, and did."""
    site.until(lambda: site.pump.status in (m.IDLE, m.CALLING) and not site.point.busy)


def told(site: Site, nozzle: int = 1) -> Decimal:
    fills = [fill for fill in site.bodies("fill") if fill["nozzle"] == nozzle]
    return sum((D(fill["litres"]) for fill in fills), D(0))


def metered(pump: GasKitPump, position: int = 1) -> Decimal:
    return D(pump.meters[position].volume) / 100


# --------------------------------------------------------------------------- sales


def test_the_wall_sees_each_state_and_the_price_that_will_travel(site: Site) -> None:
    live = site.point.live()
    assert [one.unit_price for one in live] == [D("7.52"), D("8.03")]
    seen = [site.state()]
    site.pump.lift(1)
    while site.pump.shown.volume < 200:
        site.turn()
        if site.state() == "AUTHORISED":
            site.pump.squeeze(D(1))
        if seen[-1] != site.state():
            seen.append(site.state())
    assert seen == ["IDLE", "CALLING", "AUTHORISED", "FUELLING"]
    assert site.point.live()[0].litres > 0 and site.point.live()[0].amount > 0
    assert site.state(2) == "IDLE"


@pytest.mark.req("SAL-02", "SAL-03")
def test_a_preset_that_is_over_before_its_answer_was_believed_ran_all_the_same(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=D("0.05")))
    site.until(lambda: site.pump.status == m.AUTHORISED)
    site.pump.lift(1)
    site.pump.squeeze(D(4))
    site.pump.advance(site.now + 0.02)
    site.pump.advance(site.now + 0.04)
    site.pump.hang()
    assert site.pump.status == m.FINISHED
    site.until(lambda: site.bodies("fill"))
    [fill] = site.bodies("fill")
    assert (fill["litres"], fill["authorisation"]) == ("0.050", 9)
    assert site.grants()[-1] == "USED" and site.answers() == [(1, "DONE")]
    closed(site)


# --------------------------------------------------------------------------- grants and orders


def test_a_head_that_takes_no_preset_with_its_nozzle_out_raises_an_alarm(tmp_path: Path) -> None:
    site = Site(tmp_path, gaskit(), options=GasKitOptions(presets_when_lifted=False)).ready()
    site.pump.lift(1)
    site.until(lambda: site.bodies("alarm"), seconds=60)
    assert "多次未接受授权" in site.bodies("alarm")[0]["text"]
    site.pump.hang()
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=D(2)), seconds=60)
    site.until(lambda: (1, "DONE") in site.answers())
    site.fill(litres="900")
    assert site.bodies("fill")[0]["litres"] == "2.000"


# --------------------------------------------------------------------------- prices


def test_a_nozzle_without_a_price_is_not_authorised(tmp_path: Path) -> None:
    line = gaskit()
    [point] = line.points
    bare = replace(point, nozzles=tuple(replace(one, prices=()) for one in point.nozzles))
    site = Site(tmp_path, replace(line, points=(bare,)))
    site.until(lambda: site.point.synced)
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: (1, "FAILED") in site.answers())
    assert site.pump.status == m.IDLE


# --------------------------------------------------------------------------- breaks


@pytest.mark.req("DEV-01")
def test_sales_in_the_heads_own_mode_are_found_after_the_break(site: Site) -> None:
    site.fill(litres="2")
    closed(site)
    site.drain()
    site.bus.faults.dead.add(1)
    site.run(10)
    site.pump.sell_locally(1, D("10.00"), D("7.52"))
    site.pump.sell_locally(2, D("20.00"), D("8.03"))
    site.pump.sell_locally(2, D("30.00"), D("8.03"))
    site.bus.faults.dead.clear()
    site.until(lambda: site.state() == "IDLE")
    fills = [(f["nozzle"], f["litres"], f["amount"], f["flags"]) for f in site.bodies("fill")]
    assert fills == [
        (1, "10.000", "75.20", ["INFERRED"]),
        (2, "20.000", "160.60", ["INFERRED"]),
        (2, "30.000", "240.90", []),
    ]
    site.run(60)
    assert len(site.bodies("fill")) == 3


@pytest.mark.req("SAL-02")
def test_a_head_that_shows_its_last_fill_until_the_next_one_flows_is_not_believed_twice(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, gaskit(), options=GasKitOptions(clears_late=True)).ready()
    site.fill(litres="5")
    closed(site)
    grant = site.grant()
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.state() == "AUTHORISED")
    site.order(orders.CANCEL, id=2, grant=grant)
    site.until(lambda: site.grants()[-1] == "CANCELLED")
    assert len(site.bodies("fill")) == 1 and len(site.bodies("nothing")) == 1
    site.restart()  # what was told last is remembered
    site.ready()
    site.order(orders.AUTHORISE, id=3, grant=site.grant(id=11, seconds=3))
    site.until(lambda: site.grants()[-1:] == ["EXPIRED"])
    assert site.bodies("fill") == []


def test_a_totalizer_that_moved_unseen_is_explained_before_the_head_may_forget(
    site: Site,
) -> None:
    site.pump.sell_locally(1, D("4.00"), D("7.52"))  # while we watched, between two audits
    site.pump.status = m.FINISHED
    closed(site)
    [fill] = site.bodies("fill")
    assert (fill["litres"], fill["flags"]) == ("4.000", [])


def test_a_head_that_does_not_forget_is_asked_again_and_sells_nothing_meanwhile(
    site: Site,
) -> None:
    forget, site.pump._rest = site.pump._rest, lambda: None
    site.fill(litres="3")
    site.order(orders.AUTHORISE, grant=site.grant(), seconds=30)
    site.run(12)
    assert site.pump.status == m.FINISHED and site.answers() == []
    site.pump._rest = forget
    site.until(lambda: (1, "DONE") in site.answers())
    assert len(site.bodies("fill")) == 1


# --------------------------------------------------------------------------- our restart, a bad line


def test_the_point_never_saw_a_condition_that_was_said_once(site: Site) -> None:
    spoil = site.bus._spoil
    once = [m.State(m.FUELLING, 1), m.State(m.ERROR, 0), m.State(m.AUTHORISED, 2)]

    def lie(data: bytes) -> object:
        from devices.protocols.gaskit.frames import encode

        said = once.pop() if once and site.frames % 3 == 0 else None
        return spoil(encode(m.answer_frame(1, said)) if said else data)

    site.bus._spoil = lie  # type: ignore[method-assign,assignment]
    seen = set()
    while once:
        site.turn()
        seen.add(site.point.condition)
    site.run(3)
    assert seen == {Condition.IDLE}
