"""The threads of displays and price signs on simulated ends: shown, read back, unplugged, plugged in again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from devices.line import showing
from devices.line.showing import DisplayLine, SignLine, SignOrder
from devices.line.wire import wall
from devices.line.wiring import LineWiring, SignWiring, from_body, to_body
from devices.protocols import table
from devices.protocols.base import SerialSettings
from devices.simulator.ends import PtyEnd
from devices.simulator.peripherals import Board, Face, Plugged
from devices.spool import Spool
from tests.devices.poller.kit import until

pytestmark = [pytest.mark.req("DEV-03"), pytest.mark.timeout(60)]
D = Decimal


def wiring(var: Path, protocol: str, **fields: object) -> LineWiring:
    settings: SerialSettings = table.entries()[protocol].serial
    return LineWiring(
        id=7,
        station=1,
        name="客显" if protocol in table.DISPLAYS else "价格牌",
        url=str(var / "wire"),
        protocol=protocol,
        baud=settings.baud,
        parity=settings.parity,
        options={},
        **fields,  # type: ignore[arg-type]
    )


class Bench:
    """A device on one end of a pseudo-terminal, its line's thread on the other."""

    def __init__(self, var: Path, device: Face | Board, line: LineWiring) -> None:
        self.spool = Spool(var / "spool.sqlite3")
        self.device = Plugged(device, PtyEnd(var / "wire"))
        self.device.start()
        kind = DisplayLine if line.protocol in table.DISPLAYS else SignLine
        self.line = kind(line, spool=self.spool, boxes=var / "boxes")
        self.line.start()

    def close(self) -> None:
        self.line.end()
        self.line.join()
        self.device.end_it()
        self.spool.close()

    def alarms(self) -> list[tuple[str, bool]]:
        waiting = self.spool.waiting()
        return [(one.body["kind"], one.body["over"]) for one in waiting if one.kind == "alarm"]

    def ends(self) -> dict[int, tuple[str, str]]:
        return {
            one.body["id"]: (one.body["status"], one.body["answer"])
            for one in self.spool.waiting()
            if one.kind == "command"
        }


@pytest.fixture
def display(tmp_path: Path) -> Iterator[tuple[Bench, Face]]:
    face = Face()
    bench = Bench(tmp_path, face, wiring(tmp_path, table.CD5220_CHINESE, idle_text="欢迎光临"))
    yield bench, face
    bench.close()


@pytest.fixture
def sign(tmp_path: Path) -> Iterator[tuple[Bench, Board]]:
    board = Board()
    line = wiring(tmp_path, table.PRICESIGN, sign=SignWiring(1, (1, 2)))
    bench = Bench(tmp_path, board, line)
    yield bench, board
    bench.close()


def test_a_display_shows_what_it_is_given_and_again_after_it_was_unplugged(
    display: tuple[Bench, Face],
) -> None:
    bench, face = display
    assert isinstance(bench.line, DisplayLine)
    until(lambda: face.upper.strip() == "欢迎光临", what="the idle text")
    bench.line.show({"what": "TOTAL", "total": "212.00"})
    until(lambda: face.lower == "合计          212.00", what="the total")
    # What an earlier process told is over.
    until(lambda: bench.alarms() == [("DISPLAY", True)], what="well")
    bench.device.plug(False)
    until(lambda: not bench.line.live.is_open, what="seen to be away")
    until(lambda: bench.alarms()[1:] == [("DISPLAY", False)], what="told")
    bench.line.show({"what": "CHANGE", "tendered": "300", "change": "88.00"})
    face.upper = face.lower = ""
    bench.device.plug(True)
    until(lambda: face.lower == "找零           88.00", what="what was asked for meanwhile")
    until(lambda: bench.alarms()[2:] == [("DISPLAY", True)], what="told to be over")


def test_a_display_that_lost_its_power_shows_again(
    display: tuple[Bench, Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, face = display
    monkeypatch.setattr(showing, "AGAIN", 0.2)
    until(lambda: face.upper.strip() == "欢迎光临")
    face.upper = ""
    until(lambda: face.upper.strip() == "欢迎光临", what="shown again")


@pytest.mark.parametrize("body", [{"what": "DANCE"}, {"what": "TOTAL", "total": "much"}, {}])
def test_nonsense_is_the_idle_text(body: dict[str, str]) -> None:
    assert showing.shown_of(body, "HI") == showing.Shown(idle="HI")


def order(number: int, price: str, row: int = 1, seconds: int = 10) -> SignOrder:
    return SignOrder(number, row, D(price), wall() + timedelta(seconds=seconds))


def test_a_sign_is_set_by_order_read_back_and_told_again_without_doing_it_twice(
    sign: tuple[Bench, Board],
) -> None:
    bench, board = sign
    assert isinstance(bench.line, SignLine)
    line = bench.line
    line.order(order(1, "8.03"))
    line.order(order(2, "7.52", row=2))
    until(lambda: len(bench.ends()) == 2, what="both orders end")
    assert bench.ends() == {
        1: ("DONE", "价格牌已显示 8.03"),
        2: ("DONE", "价格牌已显示 7.52"),
    }
    assert board.rows[1] == "8.03"
    assert {row.row: row.price for row in line.board()} == {1: D("8.03"), 2: D("7.52")}
    board.rows[1] = "9.99"  # somebody pressed the sign's own buttons
    until(lambda: {row.price for row in line.board()} == {D("9.99"), D("7.52")}, what="seen")


def test_an_order_ends_in_what_the_sign_really_shows(sign: tuple[Bench, Board]) -> None:
    bench, board = sign
    assert isinstance(bench.line, SignLine)
    board.stuck = True
    bench.line.order(order(1, "8.03"))
    bench.line.order(order(2, "8.03", row=8))
    bench.line.order(order(3, "8.03", seconds=-1))
    until(lambda: len(bench.ends()) == 3, what="all end")
    assert bench.ends() == {
        1: ("FAILED", "价格牌显示的是 全暗"),
        2: ("FAILED", "价格牌没有这一行，请核对接线"),
        3: ("VOID", "超时未下发，已作废"),
    }


def test_a_sign_that_is_unplugged_or_silent_is_told_and_is_well_when_it_answers(
    sign: tuple[Bench, Board],
) -> None:
    bench, board = sign
    until(lambda: bench.line.live.heard_at is not None, what="it answers")
    board.number = 2  # it answers to another number: silence
    until(lambda: bench.alarms()[-1] == ("SIGN", False), what="silence is told")
    assert bench.line.live.error == "没有应答"
    board.number = 1
    until(lambda: bench.alarms()[-1] == ("SIGN", True), what="it is well")
    bench.device.plug(False)
    until(lambda: bench.alarms()[-1] == ("SIGN", False), what="unplugged")
    bench.device.plug(True)
    until(lambda: bench.alarms()[-1] == ("SIGN", True), what="plugged in")


def test_their_wiring_reads_back_from_the_spool(tmp_path: Path) -> None:
    lines = (
        wiring(tmp_path, table.PRICESIGN, sign=SignWiring(1, (1, 3))),
        wiring(tmp_path, table.LED8, idle_text=""),
    )
    assert from_body(to_body(lines)) == lines
    assert not lines[0].same_port(wiring(tmp_path, table.PRICESIGN, sign=SignWiring(1, (1,))))
