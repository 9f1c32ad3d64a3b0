"""A head that counts in other decimals than its wiring says: found out, never booked, put right."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import orders, scale
from devices.line.settling import Meter, carried
from devices.line.wiring import LineWiring
from devices.protocols.base import Condition, Decimals, TotalsRead, TransactionRead
from devices.simulator.pump import Options, Pump
from devices.spool import Body
from tests.devices.line.kit import PLACES, Site, wiring

D = Decimal
TWO = Decimals()
ALIKE = {"totals": 3, "volume": 3, "amount": 2, "price": 2}


def head(places: Decimals, *, tells: bool = True) -> Pump:
    return Pump(0x50, 4, Options(decimals=places, tells_parameters=tells))


def doubts(site: Site) -> list[Body]:
    return [body for body in site.bodies("alarm") if body["kind"] == "SCALE" and not body["over"]]


def rewired(site: Site, places: Decimals) -> None:
    """Somebody changes the decimals on the page of the wiring: the line starts anew."""
    line: LineWiring = site.line
    new = replace(line, points=tuple(replace(p, decimals=places) for p in line.points))
    assert not line.same_port(new)
    site.line = new
    site.restart()


# --------------------------------------------------------------------------- what the head tells


@pytest.mark.req("DEV-01", "SAL-04")
@pytest.mark.parametrize("field", ["volume", "amount", "price"])
def test_a_head_that_tells_other_decimals_sells_nothing_until_the_wiring_is_right(
    tmp_path: Path, field: str
) -> None:
    change = 1 if field == "price" else -1  # a price in fen needs two places
    truth = replace(PLACES, **{field: getattr(PLACES, field) + change})
    site = Site(tmp_path, pumps=(head(truth),))
    site.until(lambda: site.point.doubt)
    site.pump.lift(1)
    site.pump.squeeze(D(1))
    site.run(20)
    assert site.pump.shown.volume == 0 and site.pump.status != 2
    assert site.pump.prices == {}  # not even a price, which would be ten times another
    assert (site.state(1), site.state(2)) == ("CLOSED", "CLOSED")
    [alarm] = doubts(site)
    assert alarm["subject"] == "1 号机"
    assert f"机上 {getattr(truth, field)} 位、接线 {getattr(PLACES, field)} 位" in alarm["text"]
    assert site.bodies("totals") == site.bodies("fill") == []
    site.order(orders.AUTHORISE, grant=site.grant(), seconds=3)
    site.until(lambda: site.answers() == [(1, "VOID")])
    assert "小数位不符" in site.bodies("command")[0]["answer"]

    site.pump.hang()
    rewired(site, truth)
    site.ready()
    assert site.state() == "IDLE"
    site.fill(litres="12")
    [fill] = site.bodies("fill")
    assert D(fill["litres"]) == D(site.pump.meters[1].volume).scaleb(-truth.totals) >= 12
    rounded = ["AMOUNT_MISMATCH"] if field == "amount" else []  # a display of whole jiao
    assert fill["flags"] in ([], rounded)


def test_a_technician_who_sets_the_head_right_needs_nobody_else(tmp_path: Path) -> None:
    site = Site(tmp_path, pumps=(head(TWO),))
    site.until(lambda: site.point.doubt)
    site.pump.options.decimals = PLACES
    site.until(lambda: site.point.synced)
    assert site.point.doubt == ""
    assert [body["over"] for body in site.bodies("alarm") if body["kind"] == "SCALE"][-1]


def test_a_head_told_not_to_be_asked_is_not_asked(tmp_path: Path) -> None:
    site = Site(tmp_path, wiring(options={"reads_parameters": False}), pumps=(head(PLACES),))
    site.ready().fill()
    assert len(site.bodies("fill")) == 1


def test_a_fill_that_ran_while_we_started_is_asked_about_when_it_ends(tmp_path: Path) -> None:
    site = Site(tmp_path, pumps=(head(PLACES),)).ready()
    site.start()
    site.restart()
    site.until(lambda: site.point.synced and site.point.condition is Condition.FUELLING)
    site.pump.options.decimals = replace(PLACES, price=3)
    assert not site.point.scaled
    site.pump.hang()
    site.until(lambda: site.point.doubt)
    assert "单价机上 3 位" in site.point.doubt or "倍" in site.point.doubt


# --------------------------------------------------------------------------- what a fill proves


@pytest.mark.req("SAL-02", "SAL-04", "DEV-01")
@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (replace(PLACES, volume=2, totals=2), "金额与升数 × 单价相差整 10 倍"),
        (replace(PLACES, amount=1), "金额与升数 × 单价相差整 10 倍"),
        (replace(PLACES, price=3), "金额与升数 × 单价相差整 10 倍"),
        (replace(PLACES, totals=2), "泵码走字与升数相差整 10 倍"),
        (replace(PLACES, totals=0), "泵码走字与升数相差整 1000 倍"),
    ],
)
def test_the_first_fill_of_a_silent_head_is_held_back_and_told_at_its_true_size(
    tmp_path: Path, truth: Decimals, words: str
) -> None:
    site = Site(tmp_path, pumps=(head(truth, tells=False),))
    site.pump.meters[1].volume = 1234567
    site.ready().start(rate="1")
    wanted = D(40).scaleb(truth.volume)
    site.until(lambda: site.pump.shown.volume >= wanted)
    delivered = D(site.pump.shown.volume).scaleb(-truth.volume)
    site.pump.hang()
    site.until(lambda: site.point.doubt)
    site.run(30)
    assert site.bodies("fill") == site.bodies("gap") == []
    [alarm] = doubts(site)
    assert words in alarm["text"] and "1 号枪一笔加油暂不入账" in alarm["text"]
    assert "报文 line1:" in alarm["text"]
    site.pump.lift(2)
    site.run(10)
    assert site.pump.status != 2  # the next customer waits for somebody to look
    site.pump.hang()
    site.restart()  # nor does a restart forget it
    site.run(30)
    assert site.bodies("fill") == site.bodies("gap") == []

    rewired(site, truth)
    site.until(lambda: site.point.synced)
    [fill] = site.bodies("fill")
    assert abs(D(fill["litres"]) - delivered) <= D(1).scaleb(-truth.volume)
    assert D(fill["amount"]) == D(site.pump.shown.amount).scaleb(-truth.amount)
    worth, room = D(fill["litres"]) * D(fill["unit_price"]), D(1).scaleb(-truth.amount)
    assert (abs(worth - D(fill["amount"])) > room) is (truth.price != PLACES.price)
    assert D(fill["totalizer_after"]) == D(site.pump.meters[1].volume).scaleb(-truth.totals)
    assert site.bodies("gap") == []
    assert not [body for body in site.bodies("alarm") if body["kind"] in ("BACKWARDS", "GAP")]
    changed = truth.totals != PLACES.totals
    assert [body["kind"] for body in site.bodies("meter")] == ["RESCALED"] * changed
    if changed:
        [meter] = [body for body in site.bodies("meter") if body["nozzle"] == 1]
        assert D(meter["last_litres"]) == D(1234567).scaleb(-PLACES.totals)
        assert D(meter["first_litres"]) == D(1234567).scaleb(-truth.totals)
        assert fill["meter_epoch"] == meter["epoch"] == 1
    site.run(10)
    assert len(site.bodies("fill")) == 1


def test_a_silent_heads_last_fill_tells_before_anything_is_sold(tmp_path: Path) -> None:
    truth = replace(PLACES, volume=2, totals=2)
    site = Site(tmp_path, pumps=(head(truth, tells=False),))
    site.pump.prices = {1: 752, 2: 803, 3: 910, 4: 711}
    site.pump.status = 5
    site.pump.sell_locally(1, D("30.00"), D("7.52"))
    site.until(lambda: site.point.doubt)
    assert "金额与升数 × 单价相差整 10 倍" in doubts(site)[0]["text"]
    assert site.bodies("totals") == []


def test_many_fills_that_nobody_saw_are_no_proof(tmp_path: Path) -> None:
    """Ten fills of twenty litres while the line was down: the step is ten times the last."""
    site = Site(tmp_path, pumps=(head(PLACES, tells=False),)).ready()
    site.fill(litres="2")
    site.drain()
    site.bus.faults.dead.add(0x50)
    site.run(20)
    for _ in range(10):
        site.pump.sell_locally(1, D("20.000"), D("7.52"))
    site.bus.faults.dead.clear()
    site.until(lambda: len(site.bodies("fill")) == 2)
    assert sum(D(body["litres"]) for body in site.bodies("fill")) == 200
    assert not site.point.doubt


# --------------------------------------------------------------------------- pure


def test_only_a_power_of_ten_is_about_decimals() -> None:
    def money(litres: str, price: str, amount: str, places: Decimals = PLACES) -> str:
        read = TransactionRead(
            address=0x50, nozzle=1, litres=D(litres), amount=D(amount), price=D(price)
        )
        return scale.money_off(read, [D(price)] if D(price) else [], places)

    assert money("40.000", "7.52", "300.80") == ""
    assert money("40.000", "7.52", "290.80") == ""  # odd, and flagged elsewhere
    assert money("400.00", "7.52", "300.80", TWO).endswith("10 倍")
    assert money("4.000", "7.52", "3008.00").endswith("100 倍")
    assert money("0.03", "7.52", "2.25", TWO) == ""  # too small to prove anything
    assert money("40.000", "0", "300.80") == ""
    assert scale.step_off(D("5.000"), D("50.000"), PLACES).endswith("10 倍")
    assert scale.step_off(D("5.000"), D("45.000"), PLACES) == ""
    assert scale.step_off(D("5.000"), D(0), PLACES) == ""


def test_a_kept_meter_is_read_anew_where_the_wiring_was_wrong_and_kept_where_the_head_changed() -> (
    None
):
    read = TotalsRead(address=0x50, nozzle=1, litres=D("1239.500"), amount=None)
    was, now = replace(PLACES, totals=2), PLACES
    kept = Meter(3, D("12345.67"), D("80000.00"))
    assert carried(kept, read, was, now) == Meter(3, D("1234.567"), D("80000.00"))
    same = Meter(3, D("1234.56"), D("8000.00"))
    assert carried(same, read, was, now) == same
    money = replace(now, totals_amount=3)
    assert carried(kept, read, was, money).amount == D("8000.000")
