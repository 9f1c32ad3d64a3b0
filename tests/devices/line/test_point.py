"""A fuelling point from the first poll to the settled fill, in virtual time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders
from devices.line.link import Instant
from devices.line.wiring import MANUAL, Price
from devices.protocols.base import Condition, Decimals, Request
from devices.protocols.dart import frames as dart_frames
from devices.protocols.dart.transactions import PumpStatus, pack_for_master
from devices.simulator.bus import Faults
from devices.simulator.pump import Options, Pump
from tests.devices.line.kit import LONG_AGO, PLACES, Site, wiring


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).ready()


def test_a_head_is_online_after_three_answers_and_authorises_nothing_before_it_is_known(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    assert site.state() == "OFFLINE"
    site.until(lambda: site.point.link.online)
    assert not site.point.synced
    site.pump.lift(1)
    site.until(lambda: site.point.synced)
    assert site.pump.status != 2
    assert set(site.point.meters) == {1, 2, 3, 4}
    assert {body["kind"] for body in site.bodies("totals")} == {"OPENING"}
    site.until(lambda: site.pump.status == 2)
    assert site.pump.prices[1] == 752


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_an_automatic_fill_becomes_one_fact_that_agrees_with_totalizer_and_price(
    site: Site,
) -> None:
    site.fill(litres="12.5")
    [fill] = site.bodies("fill")
    litres, amount = Decimal(fill["litres"]), Decimal(fill["amount"])
    assert litres >= Decimal("12.5")
    assert abs(litres * Decimal("7.52") - amount) <= Decimal("0.01")
    assert Decimal(fill["totalizer_after"]) == litres
    assert (fill["source"], fill["flags"], fill["authorisation"]) == ("PUMP", [], None)
    assert fill["lifted_at"] < fill["started_at"] < fill["occurred_at"]
    box, _, span = fill["frames"].partition(":")
    first, last = map(int, span.split("-"))
    assert box == "line1" and first < last
    site.run(10)
    assert len(site.bodies("fill")) == 1


def test_the_wall_sees_each_state_of_a_fill(site: Site) -> None:
    assert site.state() == "IDLE"
    site.pump.lift(1)
    seen = [site.state()]
    site.pump.squeeze(Decimal(1))
    for _ in range(200):
        site.turn()
        if seen[-1] != site.state():
            seen.append(site.state())
        if site.state() == "FUELLING" and site.pump.shown.volume > 2000:
            break
    assert seen == ["IDLE", "CALLING", "AUTHORISED", "FUELLING"]
    live = site.point.live()[0]
    assert live.litres > 0 and live.amount > 0 and live.unit_price == Decimal("7.52")
    assert site.state(2) == "IDLE"


def test_a_nozzle_in_manual_mode_waits_for_somebody(tmp_path: Path) -> None:
    site = Site(tmp_path, wiring(mode=MANUAL)).ready()
    site.pump.lift(1)
    site.pump.squeeze(Decimal(1))
    site.run(3)
    assert site.state() == "CALLING"
    assert site.pump.shown.volume == 0


@pytest.mark.req("SAL-03")
def test_a_preset_given_before_the_lift_is_held_and_never_passed(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_yuan=Decimal("200.00")))
    site.until(lambda: site.answers() == [(1, "DONE")])
    assert site.grants() == ["SENT"]
    assert site.state() == "AUTHORISED"
    site.run(5)
    site.fill(litres="900", rate="2")
    [fill] = site.bodies("fill")
    assert Decimal(fill["amount"]) == 200
    assert fill["authorisation"] == 9
    assert site.grants() == ["SENT", "FUELLING", "USED"]


def test_a_preset_given_after_the_lift_in_manual_mode_lets_fuel_flow(tmp_path: Path) -> None:
    site = Site(tmp_path, wiring(mode=MANUAL)).ready()
    site.pump.lift(2)
    site.run(1)
    site.order(orders.AUTHORISE, nozzle=2, grant=site.grant(2, limit_litres=Decimal(3)))
    site.pump.squeeze(Decimal(1))
    site.until(lambda: site.point.condition is Condition.LIMIT)
    assert site.state(2) == "SUSPENDED"
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    assert Decimal(site.bodies("fill")[0]["litres"]) == 3


def test_a_grant_that_nobody_uses_is_taken_back(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(seconds=5))
    site.until(lambda: site.state() == "AUTHORISED")
    site.until(lambda: site.grants() == ["SENT", "EXPIRED"])
    assert site.state() == "IDLE"
    assert site.bodies("fill") == []
    assert len(site.bodies("nothing")) == 1


def test_a_grant_may_be_cancelled_until_fuel_flows(site: Site) -> None:
    grant = site.grant()
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.state() == "AUTHORISED")
    site.order(orders.CANCEL, id=2, grant=grant)
    site.until(lambda: site.grants() == ["SENT", "CANCELLED"])
    assert site.answers() == [(1, "DONE"), (2, "DONE")]
    site.order(orders.CANCEL, id=3, grant=grant)
    site.until(lambda: (3, "DONE") in site.answers())
    other = site.grant(id=10)
    site.order(orders.AUTHORISE, id=4, grant=other)
    site.until(lambda: site.state() == "AUTHORISED")
    site.start()
    site.until(lambda: site.state() == "FUELLING")
    site.order(orders.CANCEL, id=5, grant=other)
    site.until(lambda: (5, "FAILED") in site.answers())


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(("turns", "rate"), [(turns, "4") for turns in range(8)] + [(3, "0")])
def test_a_cancel_that_races_with_the_customer_ends_in_a_fill_or_in_nothing(
    site: Site, turns: int, rate: str
) -> None:
    grant = site.grant()
    site.order(orders.AUTHORISE, grant=grant)
    site.until(lambda: site.state() == "AUTHORISED")
    site.pump.lift(1)
    site.pump.squeeze(Decimal(rate))
    for _ in range(turns):
        site.turn()
    site.order(orders.CANCEL, id=2, grant=grant)
    site.run(4)
    site.pump.hang()
    site.until(lambda: site.point.visit is None and site.point.condition is Condition.IDLE)
    fills = site.bodies("fill")
    assert [fill["authorisation"] for fill in fills] == [9] * bool(site.pump.meters[1].volume)
    assert site.grants()[-1] == ("USED" if fills else "CANCELLED")
    kinds = [fact.kind for fact in site.spool.waiting(10_000)]
    if fills:  # whoever reads the end of the grant finds its fill
        ended = max(at for at, kind in enumerate(kinds) if kind == "authorisation")
        assert kinds.index("fill") < ended


def test_a_grant_that_the_line_does_not_know_is_over_when_it_is_asked_back(site: Site) -> None:
    site.order(orders.CANCEL, id=2, grant=site.grant(id=77))
    site.until(lambda: site.answers() == [(2, "DONE")])
    assert site.grants() == ["CANCELLED"]


def test_a_grant_whose_answer_was_lost_has_not_failed_before_the_head_says_so(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=Decimal(3)))
    site.until(lambda: site.pump.status == 2)
    site.bus.faults.lost = 1
    site.run(20)  # the order runs out meanwhile
    assert site.answers() == [(1, "VOID")]
    assert "FAILED" not in site.grants() and "EXPIRED" not in site.grants()
    site.bus.faults.lost = 0
    site.fill(litres="90")
    [fill] = site.bodies("fill")
    assert (fill["authorisation"], site.grants()[-1]) == (9, "USED")


def test_a_grant_that_never_reached_the_head_has_failed_when_the_head_is_back(site: Site) -> None:
    site.bus.faults.dead.add(0x50)
    site.order(orders.AUTHORISE, grant=site.grant())
    site.run(20)
    assert site.answers() == [(1, "VOID")]
    site.bus.faults.dead.clear()
    site.until(lambda: site.grants() != [] and site.state() == "IDLE")
    assert set(site.grants()) <= {"FAILED", "EXPIRED"}
    assert site.point.visit is None and site.bodies("fill") == []


def test_an_emergency_stop_while_the_head_is_being_authorised_tells_what_became_of_it(
    site: Site,
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: site.pump.status == 2)
    site.point.halt(Instant(site.now, site.at))
    site.until(lambda: site.point.visit is None and site.pump.status == 5)
    assert site.grants()[-1] in {"FAILED", "CANCELLED"}
    assert site.bodies("fill") == []


def test_a_grant_at_its_own_price_is_sold_at_it_and_the_posted_price_comes_back(
    site: Site,
) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(price=Decimal("7.30")))
    site.until(lambda: site.state() == "AUTHORISED")
    site.fill()
    [fill] = site.bodies("fill")
    assert (fill["unit_price"], fill["flags"]) == ("7.30", [])
    site.until(lambda: site.pump.prices[1] == 752)


def test_the_wrong_nozzle_gets_no_fuel_and_does_not_spoil_the_grant(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: site.state() == "AUTHORISED")
    site.pump.lift(2)
    site.pump.squeeze(Decimal(1))
    site.run(3)
    site.pump.hang()
    site.run(3)
    assert site.pump.shown.volume == 0
    assert site.state() == "AUTHORISED"
    site.fill()
    assert site.bodies("fill")[0]["authorisation"] == 9


def test_lifting_and_hanging_without_fuel_is_an_event_and_no_fill(site: Site) -> None:
    site.pump.lift(1)
    site.until(lambda: site.pump.status == 2)
    site.pump.hang()
    site.until(lambda: site.bodies("nothing"))
    site.run(3)
    assert site.bodies("fill") == []
    assert site.state() == "IDLE"


def test_two_nozzles_of_a_head_are_kept_apart(site: Site) -> None:
    site.fill(1, "3")
    site.fill(4, "6")
    site.fill(1, "2")
    fills = site.bodies("fill")
    assert [fill["nozzle"] for fill in fills] == [1, 4, 1]
    first, _, third = (Decimal(fill["totalizer_after"]) for fill in fills)
    assert third - first == Decimal(fills[2]["litres"])


def test_the_next_customer_may_lift_while_the_last_fill_is_still_being_read(site: Site) -> None:
    site.start()
    site.until(lambda: site.pump.shown.volume > 3000)
    site.pump.hang()
    site.until(lambda: site.point.visit is not None and site.point.visit.ended_at is not None)
    site.pump.lift(2)
    site.pump.squeeze(Decimal(1))
    site.until(lambda: site.pump.shown.nozzle == 2 and site.pump.shown.volume > 2000)
    site.pump.hang()
    site.until(lambda: len(site.bodies("fill")) == 2)
    assert [fill["nozzle"] for fill in site.bodies("fill")] == [1, 2]


def test_stop_suspend_and_resume_are_done_when_the_head_says_so(site: Site) -> None:
    site.start()
    site.order(orders.SUSPEND, id=1)
    site.until(lambda: (1, "DONE") in site.answers())
    assert site.state() == "SUSPENDED"
    site.order(orders.RESUME, id=2)
    site.until(lambda: (2, "DONE") in site.answers())
    site.order(orders.STOP, id=3)
    site.until(lambda: (3, "DONE") in site.answers())
    assert site.pump.status == 5
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    site.order(orders.STOP, id=4)
    site.order(orders.SUSPEND, id=5)
    site.order(orders.RESUME, id=6)
    site.until(lambda: len(site.answers()) == 6)
    assert site.answers()[3:] == [(4, "DONE"), (5, "FAILED"), (6, "FAILED")]


def test_an_order_that_comes_too_late_is_void(site: Site) -> None:
    site.start(1)
    site.order(orders.AUTHORISE, nozzle=2, seconds=3, grant=site.grant(2))
    site.run(5)
    assert site.answers() == [(1, "VOID")]
    assert site.grants() == ["EXPIRED"]


def test_orders_that_the_line_does_not_know_fail(site: Site) -> None:
    site.order("SING")
    site.until(lambda: site.answers() == [(1, "FAILED")])


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_voids_what_waits_and_holds_until_released(site: Site) -> None:
    site.start()
    site.order(orders.AUTHORISE, nozzle=2, grant=site.grant(2))
    before = site.now
    site.point.halt(Instant(site.now, site.at))
    site.until(lambda: site.pump.status == 5, seconds=1)
    assert site.now - before <= 1
    assert site.answers() == [(1, "VOID")]
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    site.until(lambda: site.state() == "STOPPED")
    site.pump.lift(1)
    site.run(4)
    assert site.pump.status != 2
    site.order(orders.AUTHORISE, id=2, grant=site.grant(id=10))
    assert site.answers()[-1] == (2, "FAILED")
    site.point.halted = False
    site.until(lambda: site.pump.status == 2)


@pytest.mark.req("SAL-05")
def test_a_planned_price_reaches_an_idle_head_at_its_second_and_a_running_fill_keeps_its_own(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, wiring(0x50, 0x51))
    line = site.line
    site.ready()
    due = site.at + timedelta(seconds=20)
    points = tuple(
        replace(
            point,
            nozzles=tuple(
                replace(one, prices=(*one.prices, Price(due, Decimal("6.66"))))
                for one in point.nozzles
            ),
        )
        for point in line.points
    )
    for point in points:
        site.points[point.address].rewire(line, point)
    site.start(1, rate="0.2")
    site.until(lambda: site.at > due - timedelta(seconds=1))
    assert site.pumps[1].prices[1] == 752
    site.until(lambda: site.points[0x51].held[1] == Decimal("6.66"), seconds=4)
    assert (site.pumps[0].prices[1], site.pumps[1].prices[1]) == (752, 666)
    assert {body["nozzle"] for body in site.bodies("totals")} == {5, 6, 7, 8}
    site.order(orders.PRICE, nozzle=5, price=Decimal("6.66"))
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.pump.hang()
    site.until(lambda: site.pump.prices[1] == 666)
    [fill] = site.bodies("fill")
    assert (fill["unit_price"], fill["flags"]) == ("7.52", [])
    site.fill(1)
    assert site.bodies("fill")[-1]["unit_price"] == "6.66"


@pytest.mark.req("SAL-05")
def test_a_head_that_does_not_take_the_price_is_not_authorised(site: Site) -> None:
    site.pump._take_prices = lambda prices: None  # type: ignore[method-assign]
    line = site.line
    point = replace(
        line.points[0],
        nozzles=tuple(
            replace(one, prices=(Price(LONG_AGO, Decimal("6.00")),))
            for one in line.points[0].nozzles
        ),
    )
    site.point.rewire(line, point)
    site.pump.lift(1)
    site.pump.squeeze(Decimal(1))
    site.run(10)
    assert site.pump.shown.volume == 0
    assert {body["kind"] for body in site.bodies("alarm")} == {"PRICE"}
    site.order(orders.PRICE, price=Decimal("6.50"))
    site.until(lambda: site.answers() == [(1, "FAILED")])


def test_a_head_that_tells_no_prices_is_checked_at_each_lift(tmp_path: Path) -> None:
    line = wiring(options={"reads_prices": False})
    site = Site(tmp_path, line, options=Options(decimals=PLACES, tells_prices=False)).ready()
    site.pump.prices[1] = 999  # somebody changed it at the head
    site.fill()
    assert site.bodies("fill")[0]["unit_price"] == "7.52"


@pytest.mark.req("SAL-06")
def test_a_totalizer_is_read_for_the_handover_also_while_fuel_flows(site: Site) -> None:
    site.fill(litres="4")
    [fill] = site.bodies("fill")
    site.order(orders.READ_TOTALS, reading="HANDOVER", document="B1")
    site.until(lambda: site.answers() == [(1, "DONE")])
    site.start()
    site.order(orders.READ_TOTALS, id=2, reading="HANDOVER", document="B2")
    site.until(lambda: (2, "DONE") in site.answers())
    readings = [body for body in site.bodies("totals") if body["document"]]
    assert [one["litres"] for one in readings] == [fill["totalizer_after"]] * 2
    assert {one["kind"] for one in readings} == {"HANDOVER"}


def test_the_offline_policy_decides_whether_fuel_flows_without_the_database(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, wiring(go_on_alone=False)).ready()
    site.database = False
    site.pump.lift(1)
    site.run(3)
    assert site.state() == "CALLING"
    site.database = True
    site.until(lambda: site.state() == "AUTHORISED")


# --------------------------------------------------------------------------- breaks


@pytest.mark.req("DEV-01")
def test_a_dead_head_is_offline_soon_raises_one_alarm_and_comes_back(tmp_path: Path) -> None:
    site = Site(tmp_path, wiring(0x50, 0x51)).ready()
    site.bus.faults.dead.add(0x50)
    site.until(lambda: site.state() == "OFFLINE", seconds=10)
    site.run(30)
    raised = [body for body in site.bodies("alarm") if not body["over"]]
    assert [body["kind"] for body in raised] == ["SILENCE"]
    site.bus.faults.dead.clear()
    site.until(lambda: site.state() == "IDLE", seconds=10)
    assert site.bodies("alarm")[-1]["over"]
    assert site.bodies("fill") == []


@pytest.mark.req("DEV-01")
def test_a_fill_that_ended_while_the_line_was_down_is_read_afterwards(site: Site) -> None:
    site.start()
    site.run(2)
    site.bus.faults.dead.add(0x50)
    site.run(10)
    site.pump.hang()
    site.run(5)
    site.bus.faults.dead.clear()
    site.until(lambda: site.bodies("fill"))
    [fill] = site.bodies("fill")
    assert Decimal(fill["litres"]) == Decimal(site.pump.shown.volume) / 1000
    assert fill["flags"] == []
    assert fill["lifted_at"] is not None


@pytest.mark.req("DEV-01")
def test_sales_in_the_heads_own_mode_are_found_after_the_break(site: Site) -> None:
    site.fill(litres="2")
    site.drain()
    site.bus.faults.dead.add(0x50)
    site.run(10)
    site.pump.sell_locally(1, Decimal("10.000"), Decimal("7.52"))
    site.pump.sell_locally(2, Decimal("20.000"), Decimal("8.03"))
    site.pump.sell_locally(2, Decimal("30.000"), Decimal("8.03"))
    site.bus.faults.dead.clear()
    site.until(lambda: site.state() == "IDLE")
    fills = site.bodies("fill")
    assert [(f["nozzle"], f["litres"], f["amount"], f["flags"], f["source"]) for f in fills] == [
        (1, "10.000", "75.20", ["INFERRED"], "OFFLINE"),
        (2, "20.000", "160.60", ["INFERRED"], "OFFLINE"),
        (2, "30.000", "240.90", [], "OFFLINE"),
    ]
    gaps = [body for body in site.bodies("alarm") if body["kind"] == "GAP"]
    assert [body["nozzle"] for body in gaps] == [1, 2]
    site.run(60)
    assert len(site.bodies("fill")) == 3


def test_a_fill_found_after_a_break_belongs_to_the_totalizer_that_moved(site: Site) -> None:
    site.bus.faults.dead.add(0x50)
    site.run(10)
    site.pump.sell_locally(1, Decimal("10.000"), Decimal("7.52"))
    site.pump.lift(2)  # the head names this nozzle from now on
    site.bus.faults.dead.clear()
    site.until(lambda: site.bodies("fill"))
    [fill] = site.bodies("fill")
    assert (fill["nozzle"], fill["litres"], fill["unit_price"]) == (1, "10.000", "7.52")


def test_heads_that_count_money_leave_nothing_to_infer(tmp_path: Path) -> None:
    options = Options(decimals=PLACES, domestic_totals=True)
    site = Site(tmp_path, options=options).ready()
    site.bus.faults.dead.add(0x50)
    site.run(10)
    site.pump.sell_locally(1, Decimal("10.000"), Decimal("7.00"))
    site.pump.sell_locally(1, Decimal("5.000"), Decimal("7.52"))
    site.bus.faults.dead.clear()
    site.until(lambda: len(site.bodies("fill")) == 2)
    assert [fill["amount"] for fill in site.bodies("fill")] == ["70.00", "37.60"]


@pytest.mark.req("DEV-01")
def test_a_step_that_nobody_can_explain_while_we_watched_is_a_gap(site: Site) -> None:
    site.pump.meters[3].volume += 12345
    site.until(lambda: site.bodies("gap"), seconds=200)
    [gap] = site.bodies("gap")
    assert (gap["nozzle"], gap["litres_from"], gap["litres_to"]) == (3, "0.000", "12.345")
    assert gap["unit_price"] == "9.10"
    assert [body["kind"] for body in site.bodies("alarm")] == ["GAP"]
    site.run(200)
    assert len(site.bodies("gap")) == 1
    assert site.bodies("fill") == []


@pytest.mark.req("DEV-01")
def test_a_power_cut_in_the_middle_of_a_fill_loses_no_drop(site: Site) -> None:
    site.start()
    site.run(3)
    site.pump.cut_power()
    delivered = site.pump.shown.volume
    site.run(5)
    site.pump.hang()
    site.pump.give_power()
    site.until(lambda: site.bodies("fill"))
    assert Decimal(site.bodies("fill")[0]["litres"]) == Decimal(delivered) / 1000
    assert {body["kind"] for body in site.bodies("alarm")} == {"SILENCE", "DEVICE"}
    site.fill()
    assert len(site.bodies("fill")) == 2


def test_a_short_power_cut_that_no_poll_noticed_is_survived(site: Site) -> None:
    site.pump.cut_power()
    site.pump.give_power()
    site.until(lambda: site.point.condition is Condition.UNPROGRAMMED)
    site.until(lambda: site.state() == "IDLE")
    assert site.pump.prices[1] == 752


def test_a_totalizer_that_rolls_over_starts_the_next_epoch(tmp_path: Path) -> None:
    pump = Pump(0x50, options=Options(decimals=Decimals()))
    pump.meters[1].volume = 10**10 - 300
    site = Site(tmp_path, wiring(places=Decimals()), pumps=(pump,)).ready()
    site.fill(litres="8")
    [fill] = site.bodies("fill")
    [change] = site.bodies("meter")
    assert fill["meter_epoch"] == change["epoch"] == 1
    assert change["last_litres"] == "100000000"
    after = Decimal(fill["totalizer_after"])
    assert after == Decimal(fill["litres"]) - 3
    site.fill(litres="2")
    assert site.bodies("fill")[1]["meter_epoch"] == 1


def test_a_totalizer_that_falls_is_an_alarm_and_the_fill_is_kept(site: Site) -> None:
    site.fill(litres="50", rate="5")
    site.start(litres := 1)
    site.run(4)
    site.pump.hang()
    site.pump.meters[litres].volume = 7
    site.until(lambda: len(site.bodies("fill")) == 2)
    fill = site.bodies("fill")[1]
    assert "TOTALIZER_MISMATCH" in fill["flags"]
    assert fill["transaction_id"]
    assert "BACKWARDS" in {body["kind"] for body in site.bodies("alarm")}


def test_a_totalizer_that_stands_still_does_not_hide_the_fuel(site: Site) -> None:
    site.start()
    site.run(4)
    site.pump.metered = True  # the pulses never reach the counter
    site.pump.hang()
    site.until(lambda: site.bodies("fill"))
    [fill] = site.bodies("fill")
    assert fill["flags"] == ["TOTALIZER_MISMATCH"]
    assert fill["totalizer_after"] == "0.000"
    assert fill["transaction_id"]


def test_totals_coarser_than_the_display_do_not_merge_two_fills(tmp_path: Path) -> None:
    places = Decimals(volume=3, totals=0)
    site = Site(tmp_path, wiring(places=places)).ready()
    site.fill(litres="0.3", rate="0.2")
    site.fill(litres="0.3", rate="0.2")
    keys = {fact.key for fact in site.waiting("fill")}
    assert len(keys) == 2


def test_a_meter_changed_by_hand_starts_from_what_was_typed(site: Site) -> None:
    site.fill(litres="5")
    site.drain()
    site.pump.meters[1].volume = 0
    point = replace(
        site.line.points[0],
        nozzles=tuple(
            replace(one, epoch=1, totalizer=Decimal(0)) if one.position == 1 else one
            for one in site.line.points[0].nozzles
        ),
    )
    site.point.rewire(site.line, point)
    site.until(lambda: site.point.synced)
    site.fill(litres="3")
    [fill] = site.bodies("fill")
    assert fill["meter_epoch"] == 1
    assert fill["flags"] == []


# --------------------------------------------------------------------------- our own restart


@pytest.mark.req("DEV-01", "SAL-02")
def test_a_restart_in_any_state_of_a_fill_gives_exactly_one_fact(tmp_path: Path) -> None:
    for number, moment in enumerate((0, 2, 5, 8, 12, 30, 60, 100, 120, 128, 132, 136, 140, 150)):
        folder = tmp_path / str(number)
        site = Site(folder).ready()
        site.pump.lift(1)
        site.pump.squeeze(Decimal(1))
        for turn in range(220):
            if turn == moment:
                site.restart()
            if turn == 120:
                site.pump.hang()
            site.turn()
        site.run(10)
        fills = site.bodies("fill")
        delivered = Decimal(site.pump.meters[1].volume) / 1000
        assert sum(Decimal(fill["litres"]) for fill in fills) == delivered, moment
        assert len(fills) == 1, moment
        assert fills[0]["flags"] == []


def test_a_grant_survives_a_restart_with_its_fill(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant(limit_litres=Decimal(4)))
    site.until(lambda: site.state() == "AUTHORISED")
    site.restart()
    site.fill(litres="90")
    [fill] = site.bodies("fill")
    assert (fill["authorisation"], Decimal(fill["litres"])) == (9, 4)
    assert site.grants()[-1] == "USED"


def test_a_grant_that_died_before_the_head_heard_of_it_has_failed(site: Site) -> None:
    visit = site.point.new_visit if hasattr(site.point, "moment") else None
    assert visit is not None
    made = site.point.new_visit(1, lifted=False)
    made.grant = site.grant()
    site.point.save(visit=made)
    site.restart()
    site.until(lambda: site.grants() == ["FAILED"])


def test_an_authorisation_that_nobody_remembers_is_taken_back(site: Site) -> None:
    site.order(orders.AUTHORISE, grant=site.grant())
    site.until(lambda: site.state() == "AUTHORISED")
    site.point.save(visit=None)  # the spool was lost
    site.restart()
    site.until(lambda: site.pump.status == 5)


def test_a_new_spool_takes_the_totalizers_that_the_database_knows(tmp_path: Path) -> None:
    line = wiring()
    known = replace(
        line,
        points=tuple(
            replace(
                point,
                nozzles=tuple(replace(one, totalizer=Decimal("100")) for one in point.nozzles),
            )
            for point in line.points
        ),
    )
    site = Site(tmp_path, known)
    site.pump.meters[1].volume = 112_000
    for number in (2, 3, 4):
        site.pump.meters[number].volume = 100_000
    site.until(lambda: site.point.synced)
    [fill] = site.bodies("fill")
    assert (fill["litres"], fill["flags"]) == ("12.000", ["INFERRED"])


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
@pytest.mark.parametrize("seed", range(6))
def test_a_day_on_a_bad_line_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    """One frame in twenty damaged, lost, unheard or doubled; restarts in between."""
    faults = Faults(damaged=20, unheard=20, lost=20, doubled=20, noise=20)
    site = Site(tmp_path, wiring(0x50, 0x51), faults=faults, seed=seed)
    site.until(lambda: all(point.synced for point in site.points.values()), seconds=120)
    for number in range(8):
        head = site.pumps[number % 2]
        head.lift(1 + number % 4)
        head.squeeze(Decimal(1))
        site.run(6)
        if number % 3 == 2:
            site.restart()
        head.hang()
        site.run(6)
    site.run(60)
    for index, pump in enumerate(site.pumps):
        for position, meter in pump.meters.items():
            told = sum(
                Decimal(fill["litres"])
                for fill in site.bodies("fill")
                if fill["nozzle"] == 4 * index + position
            )
            assert told == Decimal(meter.volume) / 1000
    assert site.bodies("gap") == []
    for fill in site.bodies("fill"):
        off = Decimal(fill["litres"]) * Decimal(fill["unit_price"]) - Decimal(fill["amount"])
        assert abs(off) <= Decimal("0.01")


def test_a_change_that_was_acknowledged_in_a_damaged_block_is_asked_for_again(
    site: Site,
) -> None:
    """One in 65536 passes its check; a DART head tells each change once."""
    answer_to, spoilt = site.answer_to, []
    completed = pack_for_master(PumpStatus(5))

    def damaged(request: Request) -> bytes:
        said = answer_to(request)
        ends = not spoilt and len(said) > 5 and completed in said
        if not ends:
            return said
        frame = dart_frames.decode(dart_frames.Deframer().feed(said)[0][1])
        spoilt.append(replace(frame, body=frame.body.replace(completed, b"\x09\x01\x06")))
        return dart_frames.encode(spoilt[0])

    site.answer_to = damaged  # type: ignore[method-assign]
    site.fill(litres="5")
    assert spoilt
    [fill] = site.bodies("fill")
    assert Decimal(fill["litres"]) >= 5 and fill["flags"] == []
