"""A GasKitLink head from the first poll to the settled and closed fill, in virtual time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders
from devices.line.link import Instant
from devices.line.wiring import MANUAL, Price
from devices.protocols.base import Condition
from devices.protocols.gaskit import messages as m
from devices.simulator.bus import Faults
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


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_an_automatic_fill_is_one_fact_and_is_closed_after_it_was_kept(site: Site) -> None:
    site.fill(litres="12.5")
    [fill] = site.bodies("fill")
    assert D(fill["litres"]) == D(fill["totalizer_after"]) >= D("12.5")
    assert abs(D(fill["litres"]) * D("7.52") - D(fill["amount"])) <= D("0.01")
    assert (fill["source"], fill["flags"], fill["unit_price"]) == ("PUMP", [], "7.52")
    assert fill["lifted_at"] < fill["started_at"] < fill["occurred_at"]
    assert site.pump.status == m.FINISHED  # it lies in the spool; only now may the head forget
    closed(site)
    assert site.pump.id == "b"
    site.run(100)
    assert len(site.bodies("fill")) == 1 and site.bodies("gap") == []


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


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("limits", "litres", "amount"),
    [
        ({"limit_litres": D("3.00")}, "3.000", "22.56"),
        ({"limit_yuan": D("200.00")}, "26.600", "200.03"),
    ],
)
def test_a_preset_by_litres_and_by_sum_is_kept(
    site: Site, limits: dict[str, Decimal], litres: str, amount: str
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(**limits))
    site.until(lambda: site.answers() == [(1, "DONE")])
    assert site.state() == "AUTHORISED" and site.pump.status == m.AUTHORISED
    site.fill(litres="900", rate="2")
    [fill] = site.bodies("fill")
    if "limit_litres" in limits:
        assert (fill["litres"], fill["amount"]) == (litres, amount)
    assert D(fill["amount"]) <= limits.get("limit_yuan", D(1000))
    assert (fill["authorisation"], fill["flags"]) == (9, [])
    assert site.grants() == ["SENT", "FUELLING", "USED"]


def test_two_nozzles_of_a_head_are_kept_apart(site: Site) -> None:
    for nozzle, litres in ((1, "3"), (2, "6"), (1, "2")):
        site.fill(nozzle, litres)
        closed(site)
    fills = site.bodies("fill")
    assert [fill["nozzle"] for fill in fills] == [1, 2, 1]
    assert [fill["unit_price"] for fill in fills] == ["7.52", "8.03", "7.52"]
    assert (told(site, 1), told(site, 2)) == (metered(site.pump, 1), metered(site.pump, 2))


def test_the_next_customer_may_lift_while_the_last_fill_is_being_read(site: Site) -> None:
    site.start()
    site.until(lambda: site.pump.shown.volume > 300)
    site.pump.hang()
    site.turn()
    site.pump.lift(2)
    site.pump.squeeze(D(1))
    site.until(lambda: site.pump.shown.nozzle == 2 and site.pump.shown.volume > 200)
    site.pump.hang()
    site.until(lambda: len(site.bodies("fill")) == 2)
    assert [fill["nozzle"] for fill in site.bodies("fill")] == [1, 2]


def test_lifting_and_hanging_without_fuel_is_an_event_and_no_fill(site: Site) -> None:
    site.fill(litres="3")
    closed(site)
    site.pump.lift(1)
    site.until(lambda: site.pump.status == m.STARTED)
    site.pump.hang()
    site.until(lambda: site.bodies("nothing"))
    closed(site)
    assert len(site.bodies("fill")) == 1
    assert site.state() == "IDLE"


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


def test_a_nozzle_in_manual_mode_waits_and_the_wrong_one_gets_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, gaskit(mode=MANUAL)).ready()
    site.pump.lift(2)
    site.pump.squeeze(D(1))
    site.run(5)
    assert site.state(2) == "CALLING" and site.pump.shown.volume == 0
    site.pump.hang()
    site.until(lambda: site.state(2) == "IDLE")
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: site.state() == "AUTHORISED")
    site.pump.lift(2)
    site.pump.squeeze(D(1))
    site.run(5)
    site.pump.hang()
    assert site.pump.shown.volume == 0
    site.fill()
    assert site.bodies("fill")[0]["authorisation"] == 9


# --------------------------------------------------------------------------- grants and orders


def test_grants_are_cancelled_run_out_and_are_taken_back_from_the_head(site: Site) -> None:
    grant = site.grant()
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.state() == "AUTHORISED")
    site.order(orders.CANCEL, id=2, grant=grant)
    site.until(lambda: site.grants() == ["SENT", "CANCELLED"])
    assert site.pump.status == m.IDLE
    site.order(orders.AUTHORISE, id=3, grant=site.grant(id=10, seconds=5))
    site.until(lambda: site.grants()[-1] == "EXPIRED")
    site.run(2)
    assert site.bodies("fill") == [] and site.pump.status == m.IDLE


def test_stop_suspend_and_resume_are_done_when_the_head_says_so(site: Site) -> None:
    site.start()
    site.order(orders.SUSPEND, id=1)
    site.until(lambda: (1, "DONE") in site.answers())
    assert site.state() == "SUSPENDED" and site.pump.status == m.SUSPENDED_FUELLING
    site.order(orders.RESUME, id=2)
    site.until(lambda: (2, "DONE") in site.answers())
    assert site.pump.status == m.FUELLING
    site.order(orders.STOP, id=3)
    site.until(lambda: (3, "DONE") in site.answers())
    assert site.pump.status == m.STOPPED
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    closed(site)
    site.order(orders.SUSPEND, id=4)
    site.until(lambda: (4, "FAILED") in site.answers())


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_ends_what_runs_and_holds_until_released(site: Site) -> None:
    site.start()
    site.order(orders.AUTHORISE, nozzle=2, grant=site.grant(2))
    site.point.halt(Instant(site.now, site.at))
    site.until(lambda: site.pump.status == m.STOPPED, seconds=1)
    assert site.answers() == [(1, "VOID")]
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    closed(site)
    assert site.state() == "STOPPED"
    site.pump.lift(1)
    site.run(4)
    assert site.pump.status == m.CALLING
    site.point.halted = False
    site.until(lambda: site.pump.open)


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


def test_a_totalizer_is_read_for_the_handover(site: Site) -> None:
    site.fill(litres="4")
    closed(site)
    site.order(orders.READ_TOTALS, reading="HANDOVER", document="B1")
    site.until(lambda: site.answers() == [(1, "DONE")])
    [reading] = [body for body in site.bodies("totals") if body["document"]]
    assert D(reading["litres"]) == metered(site.pump)
    assert reading["amount"] is None  # these heads count no money


# --------------------------------------------------------------------------- prices


@pytest.mark.req("SAL-05")
def test_a_planned_price_splits_the_shift_and_goes_with_the_next_preset(site: Site) -> None:
    site.fill(litres="3")
    due = site.at + timedelta(seconds=20)
    line = site.line
    [point] = line.points
    nozzles = tuple(
        replace(one, prices=(*one.prices, Price(due, D("6.66")))) if one.position == 1 else one
        for one in point.nozzles
    )
    site.point.rewire(line, replace(point, nozzles=nozzles))
    site.start(rate="0.2")
    site.until(lambda: site.at > due + timedelta(seconds=2))
    assert site.point.held[1] == D("7.52")  # a fill under way ends at its own price
    site.pump.hang()
    site.until(lambda: site.point.held[1] == D("6.66"))
    closed(site)
    site.order(orders.PRICE, price=D("6.66"))
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.fill(litres="2")
    fills = site.bodies("fill")
    assert [fill["unit_price"] for fill in fills] == ["7.52", "7.52", "6.66"]
    assert {flag for fill in fills for flag in fill["flags"]} == set()
    kept = [body for body in site.bodies("totals") if body["kind"] == "PRICE"]
    assert [(b["nozzle"], b["litres"]) for b in kept] == [(1, fills[1]["totalizer_after"])]


@pytest.mark.req("SAL-05")
def test_a_price_that_changes_while_the_line_is_down_still_splits_the_shift(site: Site) -> None:
    site.fill(litres="3")
    closed(site)
    site.bus.faults.dead.add(1)
    site.until(lambda: site.state() == "OFFLINE")
    [point] = site.line.points
    nozzles = tuple(
        replace(one, prices=(*one.prices, Price(site.at, D("6.66")))) for one in point.nozzles
    )
    site.point.rewire(site.line, replace(point, nozzles=nozzles))
    site.bus.faults.dead.clear()
    site.until(lambda: site.point.synced and site.point.held[1] == D("6.66"))
    kept = [body for body in site.bodies("totals") if body["kind"] == "PRICE"]
    assert sorted(body["nozzle"] for body in kept) == [1, 2]


def test_a_grant_at_its_own_price_is_sold_at_it_and_the_posted_price_comes_back(
    site: Site,
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(price=D("7.30")))
    site.until(lambda: site.state() == "AUTHORISED")
    assert site.point.live()[0].unit_price == D("7.30")
    site.fill()
    closed(site)
    site.fill()
    fills = site.bodies("fill")
    assert [(fill["unit_price"], fill["flags"]) for fill in fills] == [("7.30", []), ("7.52", [])]


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
def test_a_fill_that_ended_while_the_line_was_down_is_read_and_closed_afterwards(
    site: Site,
) -> None:
    site.start()
    site.run(2)
    site.bus.faults.dead.add(1)
    site.until(lambda: site.state() == "OFFLINE")
    site.pump.hang()
    site.run(5)
    site.bus.faults.dead.clear()
    site.until(lambda: site.bodies("fill"))
    closed(site)
    [fill] = site.bodies("fill")
    assert (D(fill["litres"]), fill["flags"]) == (metered(site.pump), [])


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


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("seconds", [0, 8])
def test_a_power_cut_in_the_middle_of_a_fill_loses_no_drop(site: Site, seconds: int) -> None:
    site.start()
    site.run(3)
    site.pump.cut_power()
    site.run(seconds)
    site.pump.give_power()
    site.run(3)
    assert site.pump.status == m.STOPPED
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    closed(site)
    site.fill()
    closed(site)
    assert told(site) == metered(site.pump)
    assert len(site.bodies("fill")) == 2
    assert {body["kind"] for body in site.bodies("alarm")} <= {"SILENCE"}


def test_an_authorisation_that_a_power_cut_took_away_comes_to_nothing(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: site.state() == "AUTHORISED")
    site.pump.cut_power()
    site.pump.give_power()
    site.until(lambda: site.point.visit is None and site.state() == "IDLE")
    assert site.bodies("fill") == [] and len(site.bodies("nothing")) == 1
    site.fill()
    assert len(site.bodies("fill")) == 1


def test_a_totalizer_that_rolls_over_starts_the_next_epoch(tmp_path: Path) -> None:
    line = gaskit()
    [point] = line.points
    seven = replace(point, nozzles=tuple(replace(one, digits=7) for one in point.nozzles))
    pump = GasKitPump(1, 2)
    pump.meters[1].volume = 10**9 - 300
    site = Site(tmp_path, replace(line, points=(seven,)), pumps=(pump,)).ready()
    site.fill(litres="8")
    [fill], [change] = site.bodies("fill"), site.bodies("meter")
    assert fill["meter_epoch"] == change["epoch"] == 1
    assert change["last_litres"] == "10000000"
    assert D(fill["totalizer_after"]) == D(fill["litres"]) - 3


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


@pytest.mark.req("DEV-01")
def test_a_head_whose_fill_was_kept_but_never_closed_is_closed_later(site: Site) -> None:
    site.fill(litres="5")
    assert site.pump.status == m.FINISHED
    site.restart()
    closed(site)
    assert len(site.bodies("fill")) == 1
    site.fill(litres="5")
    closed(site)
    assert len(site.bodies("fill")) == 2 and site.bodies("gap") == []


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


@pytest.mark.req("DEV-01", "SAL-02")
def test_a_restart_in_any_state_of_a_fill_gives_exactly_one_fact(tmp_path: Path) -> None:
    for moment in (0, 2, 5, 8, 12, 30, 60, 100, 120, 123, 126, 129, 132, 136, 140, 150):
        site = Site(tmp_path / str(moment), gaskit()).ready()
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
        assert site.pump.status == m.IDLE, moment


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
@pytest.mark.parametrize("seed", range(6))
def test_a_day_on_a_bad_line_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    """One answer in twenty damaged, damaged past the XOR, lost or doubled; restarts in between."""
    faults = Faults(damaged=20, twice=20, unheard=20, lost=20, doubled=20, noise=20)
    site = Site(tmp_path, gaskit(1, 2), faults=faults, seed=seed)
    site.until(lambda: all(point.synced for point in site.points.values()), seconds=120)
    for number in range(8):
        head = site.pumps[number % 2]
        head.lift(1 + number % 4 // 2)
        head.squeeze(D(1))
        site.run(6)
        if number % 3 == 2:
            site.restart()
        head.hang()
        site.run(8)
    site.run(60)
    for index, pump in enumerate(site.pumps):
        for position in pump.meters:
            assert told(site, 4 * index + position) == metered(pump, position)
    assert site.bodies("gap") == []
    for fill in site.bodies("fill"):
        off = D(fill["litres"]) * D(fill["unit_price"]) - D(fill["amount"])
        assert abs(off) <= D("0.01")
        assert fill["flags"] == []


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
