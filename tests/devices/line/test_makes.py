"""Every make of head but DART from the first poll to the settled fill, in virtual time: one story."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line import orders
from devices.line.link import Instant
from devices.line.wiring import MANUAL, Price
from devices.protocols import table
from devices.simulator.bus import Faults
from tests.devices.line.kit import Site
from tests.devices.line.makes import MAKES, Make

D = Decimal


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


@pytest.fixture
def site(make: Make, tmp_path: Path) -> Site:
    return Site(tmp_path, make.line()).ready()


def told(site: Site, nozzle: int = 1) -> Decimal:
    fills = [fill for fill in site.bodies("fill") if fill["nozzle"] == nozzle]
    return sum((D(fill["litres"]) for fill in fills), D(0))


def closed(site: Site, make: Make) -> None:
    """Until all heads were told that they may forget, and did."""

    def quiet() -> bool:
        points = site.points.values()
        return all(make.rests(pump) for pump in site.pumps) and not any(
            point.busy or point.visit for point in points
        )

    site.until(quiet)


def hung(site: Site, make: Make, fills: int = 1) -> None:
    for pump in site.pumps:
        pump.hang()
    site.until(lambda: len(site.bodies("fill")) == fills)
    closed(site, make)


def at_price(site: Site, price: str, since: Any) -> Any:
    """The wiring with another price for the first nozzle."""
    point = site.line.points[0]
    first, *others = point.nozzles
    dearer = replace(first, prices=(*first.prices, Price(since, D(price))))
    return replace(point, nozzles=(dearer, *others))


# --------------------------------------------------------------------------- sales


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_an_automatic_fill_is_one_fact(site: Site, make: Make) -> None:
    site.fill(litres="12.5")
    closed(site, make)
    [fill] = site.bodies("fill")
    assert D(fill["litres"]) == D(fill["totalizer_after"]) >= D("12.5")
    assert abs(D(fill["litres"]) * D("7.52") - D(fill["amount"])) <= D("0.01")
    assert (fill["source"], fill["flags"], fill["unit_price"]) == ("PUMP", [], "7.52")
    assert fill["lifted_at"] < fill["started_at"] < fill["occurred_at"]
    site.run(100)
    assert len(site.bodies("fill")) == 1 and site.bodies("gap") == []


def test_the_wall_sees_each_state(site: Site, make: Make) -> None:
    assert site.point.live()[0].unit_price == D("7.52")
    seen = [site.state()]
    site.pump.lift(1)
    while not site.point.live()[0].amount:
        site.turn()
        if site.pump.open:
            site.pump.squeeze(D(1))
        if seen[-1] != site.state():
            seen.append(site.state())
    assert seen[:2] == ["IDLE", "CALLING"] and seen[-1] == "FUELLING"
    assert set(seen[2:-1]) <= {"AUTHORISED"}
    assert site.point.live()[0].litres > 0 and site.state(make.other) == "IDLE"


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize("limits", [{"limit_litres": D("3.00")}, {"limit_yuan": D("200.00")}])
@pytest.mark.parametrize("lifted", [True, False])
def test_a_preset_by_litres_and_by_sum_is_kept(
    make: Make, tmp_path: Path, limits: dict[str, Decimal], lifted: bool
) -> None:
    site = Site(tmp_path, make.line(mode=MANUAL)).ready()
    waits = "limit_yuan" in limits and not make.abilities.binds_nozzle  # until it is out
    if lifted:
        site.pump.lift(1)
        site.until(lambda: site.state() == "CALLING")
    site.order(orders.AUTHORISE, grant=site.grant(**limits))
    if not (waits and not lifted):
        site.until(lambda: site.answers() == [(1, "DONE")])
    if not lifted:
        site.pump.lift(1)
    site.pump.squeeze(D(2))
    site.until(lambda: site.pump.shown.volume > 0)
    site.until(lambda: not site.pump.open)
    hung(site, make)
    [fill] = site.bodies("fill")
    if "limit_litres" in limits:
        assert (fill["litres"], fill["amount"]) == ("3.000", "22.56")
    else:
        assert D("199.9") <= D(fill["amount"]) <= 200
    assert (fill["authorisation"], fill["flags"]) == (9, [])
    assert site.grants() == ["SENT", "FUELLING", "USED"]


def test_two_nozzles_are_kept_apart(site: Site, make: Make) -> None:
    for nozzle, litres in ((1, "3"), (make.other, "6"), (1, "2")):
        site.fill(nozzle, litres)
        closed(site, make)
    fills = site.bodies("fill")
    assert [fill["nozzle"] for fill in fills] == [1, make.other, 1]
    second = "8.03" if make.other == 2 else "7.52"
    assert [fill["unit_price"] for fill in fills] == ["7.52", second, "7.52"]
    for nozzle in (1, make.other):
        assert told(site, nozzle) == make.metered(site.pumps, nozzle) > 0


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
def test_the_next_customer_may_lift_while_the_last_fill_is_being_read(
    site: Site, make: Make, turns: int
) -> None:
    second = min(2, len(site.line.points[0].nozzles))
    site.start()
    site.run(3)
    site.pump.hang()
    for _ in range(turns):
        site.turn()
    site.pump.lift(second)
    site.pump.squeeze(D(1))
    site.until(lambda: site.bodies("fill"))
    site.run(3)
    if not site.pump.open:  # back on its hook for so short a time, it was not seen there
        assert second == 1 and site.state() == "SUSPENDED"
        site.pump.hang()
        site.until(lambda: site.state() == "IDLE")
        site.pump.lift(1)
        site.pump.squeeze(D(1))
    site.until(lambda: site.pump.open and not site.pump.metered and site.pump.shown.volume)
    site.run(2)
    hung(site, make, 2)
    assert [fill["nozzle"] for fill in site.bodies("fill")] == [1, second]
    assert told(site) + (told(site, 2) if second == 2 else 0) == sum(
        make.metered(site.pumps, number) for number in {1, second}
    )


@pytest.mark.req("SAL-02")
def test_lifting_and_hanging_without_fuel_is_an_event_and_no_fill(site: Site, make: Make) -> None:
    site.fill(litres="3")
    closed(site, make)
    for count in (1, 2):
        site.pump.lift(1)
        site.until(lambda: site.pump.open)
        site.run(1)
        site.pump.hang()
        site.until(lambda count=count: len(site.bodies("nothing")) == count)  # type: ignore[misc]
        closed(site, make)
        site.restart()  # what was told last is remembered
        site.until(lambda: site.point.synced)
    assert len(site.bodies("fill")) == 1 and site.state() == "IDLE"
    site.fill(litres="3")
    closed(site, make)
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


def test_a_nozzle_in_manual_mode_waits_and_the_wrong_one_gets_nothing(
    make: Make, tmp_path: Path
) -> None:
    site = Site(tmp_path, make.line(mode=MANUAL)).ready()
    index, position = divmod(make.other - 1, 4)
    wrong = site.pumps[index]
    wrong.lift(position + 1)
    wrong.squeeze(D(1))
    site.run(5)
    assert site.state(make.other) == "CALLING" and wrong.shown.volume == 0
    site.order(orders.AUTHORISE, grant=site.grant(), seconds=60)
    site.run(5)
    assert wrong.shown.volume == 0
    wrong.hang()
    site.until(lambda: site.state(make.other) == "IDLE")
    site.fill()
    assert site.bodies("fill")[0]["authorisation"] == 9


# --------------------------------------------------------------------------- grants and orders


def test_grants_are_cancelled_run_out_and_are_taken_back_from_the_head(
    site: Site, make: Make
) -> None:
    grant = site.grant(limit_litres=D(5))
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.state() == "AUTHORISED")
    site.order(orders.CANCEL, id=2, grant=grant)
    site.until(lambda: site.grants() == ["SENT", "CANCELLED"])
    assert not site.pump.open
    late = site.grant(id=10, seconds=5, limit_litres=D(5))
    site.order(orders.AUTHORISE, id=3, grant=late)
    site.until(lambda: site.grants()[-1] == "EXPIRED")
    site.run(2)
    assert site.bodies("fill") == [] and make.rests(site.pump)


def test_stop_suspend_and_resume_are_done_when_the_head_says_so(site: Site, make: Make) -> None:
    site.start()
    if make.abilities.suspends:
        site.order(orders.SUSPEND, id=1)
        site.until(lambda: (1, "DONE") in site.answers())
        held = site.pump.shown.volume
        site.run(2)
        assert site.state() == "SUSPENDED" and site.pump.shown.volume == held
        site.order(orders.RESUME, id=2)
        site.until(lambda: (2, "DONE") in site.answers() and site.pump.shown.volume > held)
    site.order(orders.STOP, id=3)
    site.until(lambda: (3, "DONE") in site.answers())
    flowed = site.pump.shown.volume
    site.run(5)  # with the nozzle still out, and the trigger squeezed
    assert not site.pump.open and site.pump.shown.volume == flowed
    assert site.state() != "FUELLING"
    hung(site, make)
    assert told(site) == make.metered(site.pumps)
    site.order(orders.SUSPEND, id=4)
    site.until(lambda: (4, "FAILED") in site.answers())
    site.fill()
    assert len(site.bodies("fill")) == 2


def test_a_pause_that_the_protocol_does_not_have_is_said_so(site: Site, make: Make) -> None:
    site.start()
    site.order(orders.SUSPEND)
    site.until(lambda: site.answers() != [])
    [(_, status)], words = site.answers(), site.bodies("command")[0]["answer"]
    if make.abilities.suspends:
        assert status == "DONE"
    else:
        assert status == "FAILED" and "没有暂停，要停请用停止" in words
        site.run(2)
        assert site.state() == "FUELLING"  # nothing was said to the head


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_ends_what_runs_and_holds_until_released(site: Site, make: Make) -> None:
    site.start()
    site.order(orders.AUTHORISE, grant=site.grant())
    site.point.halt(Instant(site.now, site.at))
    site.until(lambda: not site.pump.open, seconds=1)
    assert site.answers() == [(1, "VOID")]
    hung(site, make)
    site.until(lambda: site.state() == "STOPPED")
    site.pump.lift(1)
    site.run(4)
    assert not site.pump.open
    site.point.halted = False
    site.until(lambda: site.pump.open)


def test_a_totalizer_is_read_for_the_handover(site: Site, make: Make) -> None:
    site.fill(litres="4")
    closed(site, make)
    site.order(orders.READ_TOTALS, reading="HANDOVER", document="B1")
    site.until(lambda: site.answers() == [(1, "DONE")])
    [reading] = [body for body in site.bodies("totals") if body["document"]]
    assert D(reading["litres"]) == make.metered(site.pumps)
    money = D(site.pump.meters[1].amount) / 100
    assert reading["amount"] == (str(money) if make.abilities.amount_totals else None)


# --------------------------------------------------------------------------- prices


@pytest.mark.req("SAL-05")
def test_a_planned_price_splits_the_shift(site: Site, make: Make) -> None:
    site.fill(litres="3")
    closed(site, make)
    due = site.at + timedelta(seconds=20)
    site.point.rewire(site.line, at_price(site, "6.66", due))
    site.start(rate="0.2")
    site.until(lambda: site.at > due + timedelta(seconds=2))
    assert site.point.held[1] == D("7.52")  # a fill under way ends at its own price
    site.pump.hang()
    site.until(lambda: site.point.held[1] == D("6.66"))
    closed(site, make)
    if make.sends_price:
        assert make.price_in(site.pump) == 666
    site.order(orders.PRICE, price=D("6.66"))
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.fill(litres="2")
    fills = site.bodies("fill")
    assert [fill["unit_price"] for fill in fills] == ["7.52", "7.52", "6.66"]
    assert {flag for fill in fills for flag in fill["flags"]} == set()
    kept = [body for body in site.bodies("totals") if body["kind"] == "PRICE"]
    assert [(b["nozzle"], b["litres"]) for b in kept] == [(1, fills[1]["totalizer_after"])]


@pytest.mark.req("SAL-05")
def test_a_price_that_changes_while_the_line_is_down_still_splits_the_shift(
    site: Site, make: Make
) -> None:
    site.fill(litres="3")
    closed(site, make)
    site.bus.faults.dead.add(site.pump.address)
    site.until(lambda: site.state() == "OFFLINE")
    site.point.rewire(site.line, at_price(site, "6.66", site.at))
    site.bus.faults.dead.clear()
    site.until(lambda: site.point.synced and site.point.held.get(1) == D("6.66"))
    kept = [body["nozzle"] for body in site.bodies("totals") if body["kind"] == "PRICE"]
    assert kept == [1]


def test_a_grant_at_its_own_price_is_sold_at_it_and_the_posted_price_comes_back(
    site: Site, make: Make
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(price=D("7.30"), limit_litres=D(90)))
    site.until(lambda: site.state() == "AUTHORISED")
    assert site.point.live()[0].unit_price == D("7.30")
    site.fill()
    closed(site, make)
    site.fill()
    fills = site.bodies("fill")
    assert [(fill["unit_price"], fill["flags"]) for fill in fills] == [("7.30", []), ("7.52", [])]


# --------------------------------------------------------------------------- breaks


@pytest.mark.req("DEV-01")
def test_a_fill_that_ended_while_the_line_was_down_is_read_afterwards(
    site: Site, make: Make
) -> None:
    site.start()
    site.run(2)
    site.bus.faults.dead.add(site.pump.address)
    site.until(lambda: site.state() == "OFFLINE")
    site.pump.hang()
    site.run(5)
    site.bus.faults.dead.clear()
    site.until(lambda: site.bodies("fill"))
    closed(site, make)
    [fill] = site.bodies("fill")
    assert (D(fill["litres"]), fill["flags"]) == (make.metered(site.pumps), [])


@pytest.mark.req("DEV-01")
def test_sales_in_the_heads_own_mode_are_found_after_the_break(site: Site, make: Make) -> None:
    site.fill(litres="2")
    closed(site, make)
    site.drain()
    index, position = divmod(make.other - 1, 4)
    site.bus.faults.dead.update(pump.address for pump in site.pumps)
    site.run(10)
    price = D("8.03") if make.other == 2 else D("7.52")
    site.pump.sell_locally(1, D("10.00"), D("7.52"))
    site.pumps[index].sell_locally(position + 1, D("20.00"), price)
    site.pumps[index].sell_locally(position + 1, D("30.00"), price)
    site.bus.faults.dead.clear()
    site.until(lambda: site.state() == site.state(make.other) == "IDLE")
    found = [(f["nozzle"], f["litres"], D(f["amount"])) for f in site.bodies("fill")]
    assert {one[0] for one in found} == {1, make.other}
    assert sum(D(litres) for _, litres, _ in found) == 60
    assert sum(amount for *_, amount in found) == 10 * D("7.52") + 50 * price
    assert {flag for fill in site.bodies("fill") for flag in fill["flags"]} == {"INFERRED"}
    assert site.bodies("gap") == []
    count = len(found)
    site.run(60)
    assert len(site.bodies("fill")) == count


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("seconds", [0, 8])
def test_a_power_cut_in_the_middle_of_a_fill_loses_no_drop(
    site: Site, make: Make, seconds: int
) -> None:
    site.start()
    site.run(3)
    site.pump.cut_power()
    site.run(seconds)
    site.pump.give_power()
    site.run(3)
    assert not site.pump.open
    hung(site, make)
    site.fill()
    closed(site, make)
    assert told(site) == make.metered(site.pumps)
    assert len(site.bodies("fill")) == 2
    assert {one["kind"] for one in site.bodies("alarm") if not one["over"]} <= {"SILENCE"}


def test_an_authorisation_that_a_power_cut_took_away_comes_to_nothing(
    site: Site, make: Make
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=D(5)))
    site.until(lambda: site.state() == "AUTHORISED")
    site.pump.cut_power()
    site.pump.give_power()
    site.until(lambda: site.point.visit is None and site.state() == "IDLE")
    assert site.bodies("fill") == [] and len(site.bodies("nothing")) <= 1
    site.fill()
    assert len(site.bodies("fill")) == 1


@pytest.mark.req("DEV-01")
def test_a_totalizer_that_rolls_over_starts_the_next_epoch(make: Make, tmp_path: Path) -> None:
    line = make.line()
    points = tuple(
        replace(point, nozzles=tuple(replace(one, digits=make.digits) for one in point.nozzles))
        for point in line.points
    )
    site = Site(tmp_path, replace(line, points=points))
    site.pump.meters[1].volume = (10**make.digits - 3) * 10**make.places.totals
    site.ready()
    site.fill(litres="8")
    [fill], [change] = site.bodies("fill"), site.bodies("meter")
    assert fill["meter_epoch"] == change["epoch"] == 1
    assert change["last_litres"] == str(10**make.digits)
    assert D(fill["totalizer_after"]) == D(fill["litres"]) - 3


# --------------------------------------------------------------------------- our restart, a bad line


@pytest.mark.req("DEV-01", "SAL-02")
def test_a_restart_in_any_state_of_a_fill_gives_exactly_one_fact(
    make: Make, tmp_path: Path
) -> None:
    for moment in (0, 2, 5, 8, 12, 20, 30, 60, 100, 120, 123, 126, 129, 132, 136, 140, 150):
        site = Site(tmp_path / str(moment), make.line()).ready()
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
        assert told(site) == make.metered(site.pumps) > 0, moment
        assert (len(fills), fills[0]["flags"]) == (1, []), moment
        assert make.rests(site.pump), moment


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
@pytest.mark.parametrize("seed", range(6))
def test_a_day_on_a_bad_line_loses_nothing_and_counts_nothing_twice(
    make: Make, tmp_path: Path, seed: int
) -> None:
    """One answer in twenty damaged, damaged past an XOR, lost or doubled; restarts in between."""
    faults = Faults(damaged=20, twice=20, unheard=20, lost=20, doubled=20, noise=20)
    site = Site(tmp_path, replace(make, addresses=(1, 16)).line(), faults=faults, seed=seed)
    site.until(lambda: all(point.synced for point in site.points.values()), seconds=120)
    for number in range(8):
        head = site.pumps[number % 2]
        head.lift(1 + number % 4 // 2 if len(head.meters) > 1 else 1)
        head.squeeze(D(1))
        site.run(8)
        if number % 3 == 2:
            site.restart()
        head.hang()
        site.run(10)
    site.run(60)
    for index, pump in enumerate(site.pumps):
        for position in pump.meters:
            nozzle = 4 * index + position
            assert told(site, nozzle) == make.metered(site.pumps, nozzle)
    assert site.bodies("gap") == []
    for fill in site.bodies("fill"):
        off = D(fill["litres"]) * D(fill["unit_price"]) - D(fill["amount"])
        assert abs(off) <= D("0.01")
        assert fill["flags"] == []


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("key", [key for key, one in MAKES.items() if one.closes])
def test_what_a_head_still_holds_after_our_death_is_closed_later(key: str, tmp_path: Path) -> None:
    """The fill lies in the spool, and whoever told it died before he could say so."""
    make = MAKES[key]
    site = Site(tmp_path, make.line()).ready()
    site.start()
    site.until(lambda: site.pump.shown.volume > 200)
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    assert not make.rests(site.pump)  # only now may it forget
    site.restart()
    closed(site, make)
    site.fill()
    closed(site, make)
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


def test_every_make_but_dart_is_told_this_story() -> None:
    assert set(MAKES) == set(table.PUMPS) - {table.DART}
