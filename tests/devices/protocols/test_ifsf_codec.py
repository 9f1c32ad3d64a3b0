"""The controller's end of IFSF against simulated fuelling points, byte for byte but without a port."""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from devices.protocols import asks
from devices.protocols.asks import Command
from devices.protocols.base import (
    Accepted,
    Condition,
    Damaged,
    Delivered,
    GaveUp,
    Identity,
    Malformed,
    PricesRead,
    PumpAlarm,
    Silence,
    Status,
    TotalsRead,
    TransactionRead,
    Unsupported,
)
from devices.protocols.ifsf import messages as m
from devices.protocols.ifsf.codec import IfsfCodec
from devices.protocols.ifsf.describe import describe
from devices.protocols.ifsf.frames import CONTROLLER, Frame, Item, Kind, decode, encode
from devices.simulator.ifsf import IfsfOptions, IfsfPump
from tests.devices.protocols.turning import A, Talk, every

D = Decimal
PRICE = D("7.52")
STATE = "节点 1 加油点 1 问 状态 提枪 允许的枪 下一笔序号"
FILL, CLOSE = asks.ReadTransaction(address=A), asks.CloseTransaction(address=A)
TOTALS, STOP = asks.ReadTotals(address=A, nozzle=1), asks.Stop(address=A)
TOLD = encode(
    Frame(
        Kind.TOLD, 9, CONTROLLER, (1, 1), b"\x21", (Item(m.STATUS_MESSAGE), Item(m.STATE, b"\x03"))
    )
)


def _words(raw: bytes) -> str:
    return describe(raw, from_master=True).split("（令牌")[0]


def talk(count: int = 1, **fields: Any) -> Talk:
    """Open points with prices."""
    pumps = [IfsfPump(A + one, 2, IfsfOptions(**fields)) for one in range(count)]
    for pump in pumps:
        pump.status, pump.prices = m.IDLE, {1: 752, 2: 803}
    return Talk(IfsfCodec, *pumps, words=_words)


def _authorise(nozzle: int = 1, price: Decimal | None = PRICE, **limits: Decimal) -> Command:
    return asks.Authorise(address=A, nozzles=(nozzle,), price=price, **limits)


def ready(made: Talk) -> Talk:
    """Its products are known."""
    made.run(6)
    assert every(made.do(asks.ReadPrices(address=A), turns=40), PricesRead)
    made.sent.clear()
    return made


def fuelling(made: Talk, **limits: Decimal) -> Talk:
    ready(made).pump.lift(1)
    made.until(Condition.CALLING)
    assert every(made.do(_authorise(**limits)), Accepted)
    made.pump.squeeze(D(1))
    made.until(Condition.FUELLING)
    made.run(40)
    return made


def ended(made: Talk) -> Talk:
    made.pump.hang()
    for _ in range(20):
        made.turn()
        if every(made.events, Status)[-1].unclosed:
            return made
    raise AssertionError(made.events[-3:])


def _written(made: Talk) -> list[str]:
    return [one for one in made.sent if " 写 " in one]


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("wants_ack", [False, True])
def test_a_whole_sale_among_what_the_head_says_by_itself(wants_ack: bool) -> None:
    made = ended(fuelling(talk(wants_ack=wants_ack)))
    live = every(made.events, Delivered)
    assert len(live) > 5 and [one.litres for one in live] == sorted(one.litres for one in live)
    [fill] = every(made.do(FILL), TransactionRead)
    [totals] = every(made.do(TOTALS), TotalsRead)
    assert fill.litres == totals.litres > 0 and fill.amount == totals.amount
    assert (fill.nozzle, fill.price, fill.transaction_id) == (1, PRICE, "0001")
    assert every(made.do(CLOSE), Accepted) and not made.pump.payable
    assert every(made.events, Damaged) == every(made.events, Silence) == []
    assert not every(made.events, Status)[-1].unclosed


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"limit_litres": D("2.00")}, "预置金额 0.00 预置升数 2.00"),
        ({"limit_yuan": D("100.00")}, "预置金额 100.00 预置升数 0.00"),
        ({}, "预置金额 0.00 预置升数 0.00"),
        ({"limit_litres": D(90), "limit_yuan": D(100)}, "预置金额 100.00 预置升数 0.00"),
    ],
)
def test_price_limit_and_leave_go_out_once_and_in_order(
    limits: dict[str, Decimal], said: str
) -> None:
    made = ready(talk())
    assert every(made.do(_authorise(2, D("8.03"), **limits)), Accepted)
    assert made.pump.status == m.AUTHORISED and made.pump.mask == 2
    assert [one for one in made.sent if one != STATE] == [
        "节点 1 油品号 00001022 方式 1 问 单价",
        f"节点 1 加油点 1 写 允许的枪 02 {said}",
        "节点 1 加油点 1 写 授权",
    ]
    assert every(made.events, Status)[-1].nozzle == 2


@pytest.mark.req("SAL-03")
def test_a_preset_is_never_passed() -> None:
    for limits, volume in (({"limit_litres": D("1.00")}, 100), ({"limit_yuan": D("7.52")}, 100)):
        made = fuelling(talk(), **limits)
        assert made.pump.shown.volume == volume and not made.pump.open


@pytest.mark.req("SAL-05")
def test_nothing_is_released_at_another_price_than_the_head_holds() -> None:
    made = ready(talk())
    made.pump.prices[1] = 760
    assert every(made.do(_authorise(), turns=60), GaveUp)
    assert _written(made) == [] and made.pump.status == m.IDLE


@pytest.mark.req("SAL-05")
def test_a_price_is_the_products_and_so_every_points_of_the_node() -> None:
    made = ready(talk(2))
    prices = asks.SetPrices(address=A, prices=((1, D("7.80")), (2, D("8.10"))))
    assert every(made.do(prices), Accepted)
    assert [pump.prices for pump in made.pumps] == [{1: 780, 2: 810}] * 2
    [read] = every(made.do(asks.ReadPrices(address=A)), PricesRead)
    assert read.prices == ((1, D("7.80")), (2, D("8.10")))


def test_a_head_that_comes_up_closed_gets_its_prices_and_is_opened() -> None:
    made = talk()
    made.pump.cut_power()
    made.pump.give_power()
    made.until(Condition.UNPROGRAMMED)
    prices = asks.SetPrices(address=A, prices=((1, PRICE), (2, D("8.03"))))
    assert every(made.do(prices, turns=40), Accepted)
    assert (made.pump.status, made.pump.prices) == (m.IDLE, {1: 752, 2: 803})
    assert _written(made)[-1].endswith("写 开机")


def test_what_the_wire_cannot_carry_is_refused_before_it_is_sent() -> None:
    made = ready(talk())
    for wrong in (
        _authorise(limit_litres=D("2.005")),
        _authorise(limit_yuan=D(0)),
        _authorise(limit_yuan=D(1_000_000)),
        _authorise(price=None),
        asks.SetPrices(address=A, prices=((1, D(0)),)),
        asks.SetPrices(address=A, prices=((1, D(10_000)),)),
        CLOSE,
    ):
        with pytest.raises(Malformed):
            made.codec.submit(wrong)
    for unknown in (asks.ReadParameters(address=A), asks.SwitchOff(address=A)):
        with pytest.raises(Unsupported):
            made.codec.submit(unknown)
    made.run()
    assert set(made.sent) == {STATE}


def test_a_pause_goes_on_and_a_head_that_has_none_says_so() -> None:
    made = fuelling(talk())
    assert every(made.do(asks.Suspend(address=A)), Accepted)
    assert made.pump.status == m.SUSPENDED_FUELLING
    assert every(made.do(asks.Resume(address=A)), Accepted)
    assert made.pump.status == m.FUELLING
    made.pump.options.pauses = False
    assert every(made.do(asks.Suspend(address=A), turns=60), GaveUp)
    assert made.pump.status == m.FUELLING


@pytest.mark.req("DEV-05")
def test_a_stop_ends_a_fill_and_takes_leave_back() -> None:
    made = fuelling(talk())
    made.codec.submit(TOTALS)
    assert made.codec.preempt(A) == (TOTALS,)
    made.sent.clear()
    assert every(made.do(STOP), Accepted)
    assert made.sent[0].endswith("写 停止") and made.pump.payable
    made.do(FILL)
    assert every(made.do(CLOSE), Accepted)
    made.run(3)
    assert every(made.events, Status)[-1].condition is Condition.ENDED  # its nozzle is still out
    other = ready(talk())
    other.do(_authorise())
    assert every(other.do(STOP), Accepted) and other.pump.status == m.IDLE


def test_fills_that_nobody_read_are_told_one_after_the_other() -> None:
    made = talk()
    for litres in ("3.00", "4.00", "5.00"):
        made.pump.sell_locally(1, D(litres), PRICE)
    for litres in ("5.00", "4.00", "3.00"):
        made.run(12)
        assert every(made.events, Status)[-1].unclosed
        [fill] = every(made.do(FILL), TransactionRead)
        assert fill.litres == D(litres)
        assert every(made.do(CLOSE), Accepted)
    made.run(12)
    assert not every(made.events, Status)[-1].unclosed and not made.pump.payable


def test_only_the_fill_that_was_read_is_cleared() -> None:
    made = ended(fuelling(talk()))
    made.do(FILL)
    made.pump.sell_locally(1, D("3.00"), PRICE)
    made.run(8)
    assert every(made.do(CLOSE), GaveUp)
    assert [one.state for one in made.pump.stored.values()] == [m.PAYABLE, m.PAYABLE]


@pytest.mark.parametrize("silent", [False, True])
def test_a_head_that_never_sold_is_idle_and_holds_nothing(silent: bool) -> None:
    made = talk(silent_on_nothing=silent)
    made.until(Condition.IDLE)
    [none] = every(made.do(FILL), TransactionRead)
    assert (none.litres, none.amount, none.transaction_id) == (0, 0, "")


def test_maker_model_and_number_are_read_and_a_broken_head_is_an_alarm_once() -> None:
    made = ready(talk(serial="12345"))
    [told] = every(made.do(asks.ReadIdentity(address=A)), Identity)
    assert told.text == "SIM DS1 12345"
    made.pump.status = m.INOPERATIVE
    made.run(8)
    assert [one.code for one in every(made.events, PumpAlarm)] == ["INOPERATIVE"]


def test_a_nozzle_without_a_product_is_not_there() -> None:
    pump = IfsfPump(A, 1)
    made = ready(Talk(IfsfCodec, pump, words=_words))
    assert made.codec._heads[A].point.products == {1: 1021}  # type: ignore[attr-defined]
    made.codec._heads[A].point.products[2] = 0  # type: ignore[attr-defined]
    with pytest.raises(Unsupported):
        made.codec.submit(asks.ReadTotals(address=A, nozzle=2))


# --------------------------------------------------------------------------- tokens, and what nobody asked


def _answer(made: Talk) -> tuple[bytes, Frame]:
    asked = made.ask().data
    return b"".join(one.data for one in made.bus.feed(asked)), decode(asked)


def test_every_question_has_a_token_and_another_is_no_answer() -> None:
    made = ready(talk())
    tokens = [decode(made.codec.next(A, made.now).data).token for _ in range(70)]
    assert set(tokens) == set(range(1, 32)) and all(a != b for a, b in itertools.pairwise(tokens))
    late, _ = _answer(made)
    answer, _ = _answer(made)
    outcome = made.codec.feed(late, made.now)
    assert (outcome.events, outcome.finished) == ((), False)  # it came too late
    assert made.codec.feed(answer, made.now).finished


@pytest.mark.parametrize("cut", [0, 5, len(TOLD)])
def test_what_is_told_at_any_time_is_acknowledged_and_hides_no_answer(cut: int) -> None:
    """In front of the answer, or begun before the question was put."""
    made = ready(talk())
    made.codec.feed(TOLD[:cut], made.now)
    answer, _ = _answer(made)
    outcome = made.codec.feed(TOLD[cut:] + answer + TOLD, made.now)
    assert outcome.finished and not [one for one in outcome.events if isinstance(one, Damaged)]
    assert outcome.reply is not None and outcome.reply.window == 0
    ack = bytes.fromhex("01 01 02 01 00 E9 00 03 01 21 00")
    assert outcome.reply.data == ack + ack
    assert list(made.bus.feed(ack)) == []  # which nobody answers


def test_what_is_told_before_a_silence_is_acknowledged_with_it() -> None:
    made = ready(talk())
    made.ask()
    assert made.codec.feed(TOLD, made.now).reply is None
    late = made.codec.expire(made.now)
    assert late.reply is not None and every(list(late.events), Silence)


def test_garbage_costs_no_answer_and_another_nodes_is_none() -> None:
    made = ready(talk())
    answer, _ = _answer(made)
    outcome = made.codec.feed(b"\x01\x02\x02\x01\x07" + answer, made.now)
    assert outcome.finished and every(list(outcome.events), Damaged)
    answer, asked = _answer(made)
    strange = bytearray(answer)
    strange[3] = 5
    [event] = made.codec.feed(bytes(strange), made.now).events
    assert isinstance(event, Damaged) and event.foreign
    assert made.codec.feed(answer, made.now).finished and asked.to == (1, 1)


def test_states_fills_and_totals_are_believed_when_they_are_said_twice() -> None:
    made = ended(fuelling(talk()))
    stored, turns = made.pump.stored[1].fill, iter(range(100))
    before = stored.volume

    def restless(data: bytes) -> bytes:
        stored.volume += next(turns) + 1
        return data

    made.spoil = restless
    asked = made.do(FILL, turns=40)
    assert every(asked, GaveUp) and every(asked, TransactionRead) == []
    stored.volume, made.spoil = before, lambda data: data
    assert every(made.do(FILL), TransactionRead)[0].litres == D(before) / 100
