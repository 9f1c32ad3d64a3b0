"""A Two-Wire pump from the first poll to the settled fill, in virtual time."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders
from devices.line.wiring import MANUAL, Price
from devices.protocols.base import Condition, Decimals
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.simulator.bus import Answer
from devices.simulator.twowire import TwoWireOptions, TwoWirePump
from tests.devices.line.kit import PLACES, Site, twowire

D = Decimal


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, twowire()).ready()


def options(**fields: object) -> TwoWireOptions:
    return TwoWireOptions(decimals=PLACES, **fields)  # type: ignore[arg-type]


def told(site: Site, nozzle: int = 1) -> Decimal:
    fills = [fill for fill in site.bodies("fill") if fill["nozzle"] == nozzle]
    return sum((D(fill["litres"]) for fill in fills), D(0))


def metered(pump: TwoWirePump, position: int = 1) -> Decimal:
    return D(pump.meters[position].volume).scaleb(-pump.options.decimals.totals)


def hung(site: Site, fills: int) -> None:
    site.pump.hang()
    site.until(lambda: len(site.bodies("fill")) == fills and site.point.visit is None)


# --------------------------------------------------------------------------- sales


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
@pytest.mark.parametrize("skips", [False, True])
def test_an_automatic_fill_is_one_fact(tmp_path: Path, skips: bool) -> None:
    site = Site(tmp_path, twowire(), options=options(skips_eot=skips, skips_auth=skips)).ready()
    assert site.pump.prices == {1: [752, 752], 2: [803, 803]}
    site.fill(litres="12.5")
    [fill] = site.bodies("fill")
    assert D(fill["litres"]) == D(fill["totalizer_after"]) >= D("12.5")
    assert abs(D(fill["litres"]) * D("7.52") - D(fill["amount"])) <= D("0.01")
    assert (fill["source"], fill["flags"], fill["unit_price"]) == ("PUMP", [], "7.52")
    assert fill["lifted_at"] < fill["started_at"] < fill["occurred_at"]
    site.run(100)
    assert len(site.bodies("fill")) == 1 and site.bodies("gap") == []


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize("limits", [{"limit_litres": D("3.00")}, {"limit_yuan": D("200.00")}])
@pytest.mark.parametrize("digits", [5, 6])
def test_a_preset_by_litres_and_by_sum_is_kept(
    tmp_path: Path, limits: dict[str, Decimal], digits: int
) -> None:
    line = twowire(mode=MANUAL)
    site = Site(tmp_path, line, options=options(money_digits=digits)).ready()
    site.pump.lift(1)
    site.until(lambda: site.state() == "CALLING")
    site.order(orders.AUTHORISE, grant=site.grant(**limits))
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.pump.squeeze(D(2))
    site.until(lambda: site.pump.status == m.PEOT)
    hung(site, 1)
    [fill] = site.bodies("fill")
    if "limit_litres" in limits:
        assert (fill["litres"], fill["amount"]) == ("3.000", "22.56")
    else:
        assert D("199.98") <= D(fill["amount"]) <= 200
    assert (fill["authorisation"], fill["flags"]) == (9, [])
    assert site.grants() == ["SENT", "FUELLING", "USED"]


@pytest.mark.req("SAL-03")
def test_litres_of_a_product_are_given_while_hung_and_money_waits_for_the_lift(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=D(3)))
    site.until(lambda: site.answers() == [(1, "DONE")])
    assert site.state() == "AUTHORISED"
    site.fill(litres="900")
    assert site.bodies("fill")[0]["litres"] == "3.000"
    site.order(orders.AUTHORISE, id=2, grant=site.grant(id=10, limit_yuan=D("7.52")))
    site.run(30)  # longer than an order lasts: it holds as long as its grant
    assert site.answers() == [(1, "DONE")] and not site.pump.open
    site.fill(litres="900")
    assert site.answers() == [(1, "DONE"), (2, "DONE")]
    assert [one["authorisation"] for one in site.bodies("fill")] == [9, 10]
    site.order(orders.AUTHORISE, id=3, grant=site.grant(id=11, seconds=20, limit_yuan=D(9)))
    site.until(lambda: (3, "VOID") in site.answers())
    assert "还没有提枪" in site.bodies("command")[-1]["answer"]
    assert site.grants()[-1] == "EXPIRED"
    site.pump.lift(2)  # what is lifted then has nothing of it
    site.until(lambda: site.state(2) == "FUELLING")


def test_a_head_with_one_nozzle_takes_money_while_hung(tmp_path: Path) -> None:
    site = Site(tmp_path, twowire(nozzles=1)).ready()
    site.order(orders.AUTHORISE, grant=site.grant(limit_yuan=D("15.04")))
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.fill(litres="900")
    assert site.bodies("fill")[0]["amount"] == "15.04"


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
@pytest.mark.parametrize("skips", [False, True])
def test_the_next_customer_may_lift_while_the_last_fill_is_being_read(
    tmp_path: Path, turns: int, skips: bool
) -> None:
    site = Site(tmp_path, twowire(), options=options(skips_eot=skips)).ready()
    site.start()
    site.until(lambda: site.pump.shown.volume > 3000)
    site.pump.hang()
    for _ in range(turns):
        site.turn()
    site.pump.lift(2)
    site.pump.squeeze(D(1))
    site.until(lambda: site.pump.shown.nozzle == 2 and site.pump.shown.volume > 2000)
    site.pump.hang()
    site.until(lambda: len(site.bodies("fill")) == 2)
    assert [fill["nozzle"] for fill in site.bodies("fill")] == [1, 2]
    assert (told(site, 1), told(site, 2)) == (metered(site.pump, 1), metered(site.pump, 2))


@pytest.mark.req("SAL-02")
def test_lifting_and_hanging_without_fuel_is_an_event_and_not_the_last_fill_again(
    tmp_path: Path,
) -> None:
    pump = TwoWirePump(1, 2, options())
    pump.sell_locally(1, D(7), D("7.52"))  # what the display holds before anybody listens
    site = Site(tmp_path, twowire(), pumps=(pump,)).ready()
    for count in (1, 2):
        site.pump.lift(1)
        site.until(lambda: site.state() == "FUELLING")
        site.pump.hang()
        site.until(lambda count=count: len(site.bodies("nothing")) == count)  # type: ignore[misc]
        site.until(lambda: site.state() == "IDLE")
    assert site.bodies("fill") == []
    site.fill(litres="3")
    site.restart()
    site.until(lambda: site.point.synced)
    site.pump.lift(1)
    site.until(lambda: site.state() == "FUELLING")
    hung(site, 1)
    site.fill(litres="3")
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


def test_totals_with_fewer_digits_than_the_display_still_tell_each_fill(tmp_path: Path) -> None:
    places = Decimals(volume=3, totals=2)
    pump = TwoWirePump(1, 2, TwoWireOptions(decimals=places))
    site = Site(tmp_path, twowire(places=places), pumps=(pump,)).ready()
    for _ in range(3):
        site.fill(litres="2")
    site.pump.lift(1)
    site.until(lambda: site.state() == "FUELLING")
    hung(site, 3)
    assert all(fill["flags"] == [] for fill in site.bodies("fill"))
    assert abs(told(site) - metered(site.pump)) < D("0.03") and site.bodies("gap") == []


# --------------------------------------------------------------------------- prices


@pytest.mark.req("SAL-05")
def test_a_head_that_keeps_its_old_price_is_not_authorised(site: Site) -> None:
    take = site.pump._take
    site.pump._take = lambda said: None if isinstance(said, m.SetPrice) else take(said)
    [point] = site.line.points
    nozzles = tuple(
        replace(one, prices=(*one.prices, Price(site.at, D("6.66")))) for one in point.nozzles
    )
    site.point.rewire(site.line, replace(point, nozzles=nozzles))
    site.run(10)
    site.pump.lift(1)
    site.run(10)
    assert not site.pump.open and site.state() == "CALLING"


# --------------------------------------------------------------------------- breaks


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("skips", [False, True])
def test_a_fill_that_ended_while_the_line_was_down_is_read_afterwards(
    tmp_path: Path, skips: bool
) -> None:
    site = Site(tmp_path, twowire(), options=options(skips_eot=skips)).ready()
    site.start()
    site.run(2)
    site.bus.faults.dead.add(1)
    site.until(lambda: site.state() == "OFFLINE")
    site.pump.hang()
    site.run(5)
    site.bus.faults.dead.clear()
    site.until(lambda: site.bodies("fill"))
    [fill] = site.bodies("fill")
    assert (D(fill["litres"]), fill["flags"]) == (metered(site.pump), [])


@pytest.mark.req("DEV-01")
def test_sales_in_the_heads_own_mode_are_found_after_the_break(site: Site) -> None:
    site.fill(litres="2")
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


@pytest.mark.req("DEV-01")
def test_a_sale_that_no_status_showed_is_found_by_its_totals(site: Site) -> None:
    site.pump.sell_locally(1, D("4.00"), D("7.52"))
    site.until(lambda: site.bodies("fill"), seconds=120)
    [fill] = site.bodies("fill")
    assert (fill["litres"], fill["flags"], site.bodies("gap")) == ("4.000", [], [])


# --------------------------------------------------------------------------- our restart, a bad line


@pytest.mark.req("DEV-01", "SAL-02")
@pytest.mark.parametrize("skips", [False, True])
def test_a_restart_in_any_state_of_a_fill_gives_exactly_one_fact(
    tmp_path: Path, skips: bool
) -> None:
    for moment in (0, 2, 5, 8, 12, 20, 30, 60, 100, 120, 123, 126, 129, 132, 136, 140, 150):
        folder = tmp_path / str(moment)
        site = Site(folder, twowire(), options=options(skips_eot=skips)).ready()
        site.pump.lift(1)
        site.pump.squeeze(D(1))
        for turn in range(220):
            if turn == moment:
                site.restart()
            if turn == 120:
                site.pump.hang()
            site.turn()
        site.run(10)
        fills = site.bodies("fill")
        assert told(site) == metered(site.pump) > 0, moment
        assert (len(fills), fills[0]["flags"]) == (1, []), moment


def test_the_point_never_saw_a_condition_that_was_said_once(site: Site) -> None:
    feed = site.bus.feed
    once = [m.BUSY, m.ERROR, m.CALL]

    def lie(data: bytes) -> list[Answer]:
        answers = feed(data)
        if once and data == b"\x01" and site.frames % 3 == 0:
            return [Answer(f.single(once.pop(), 1), 0)]
        return answers

    site.bus.feed = lie  # type: ignore[method-assign]
    seen = set()
    while once:
        site.turn()
        seen.add(site.point.condition)
    site.run(3)
    assert seen == {Condition.IDLE}
