"""Faults of a line that no single exchange shows: a dead connection, a wrong address, two masters."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devices.line import keeping, thread
from devices.line.health import WINDOW, LineHealth, LineLive
from devices.line.thread import PumpLine
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.base import FOREIGN, Damaged, Decimals, Event
from devices.simulator.bus import Bus
from devices.simulator.ends import TcpEnd
from devices.simulator.heads import HEADS
from devices.spool import Spool
from tests.devices.line.kit import START, line_of, wiring
from tests.devices.line.test_thread import Station, until


class Scripted(threading.Thread):
    """Somebody at the far end who answers as a test says, whatever he is asked."""

    def __init__(self, answer: Callable[[bytes], bytes], unasked: bytes = b"") -> None:
        super().__init__(daemon=True)
        self.end = TcpEnd(0)
        self._answer, self._unasked = answer, unasked
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.is_set():
            heard = self.end.read(0.03)
            said = self._answer(heard) if heard else self._unasked
            if said:
                self.end.write(said)

    def close(self) -> None:
        self._ending.set()
        self.join()
        self.end.close()


class Watched:
    """A line of one head, asked of a scripted end."""

    def __init__(self, folder: Path, scripted: Scripted, line: LineWiring | None = None) -> None:
        scripted.start()
        self._scripted = scripted
        self.spool = Spool(folder / "spool.sqlite3")
        url = f"socket://127.0.0.1:{scripted.end.port}"
        self.line = PumpLine(
            replace(line or wiring(0x50), url=url),
            spool=self.spool,
            boxes=folder / "box",
            may_authorise=lambda: True,
        )
        self.line.start()

    def alarms(self, kind: str) -> list[bool]:
        """Whether each alarm of the kind was over, in the order they were told."""
        told = [fact.body for fact in self.spool.waiting(1000) if fact.kind == "alarm"]
        return [one["over"] for one in told if one["kind"] == kind]

    def close(self) -> None:
        self.line.end()
        self.line.join()
        self._scripted.close()


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """A line over TCP that is opened anew after half a second of silence."""
    monkeypatch.setattr(thread, "QUIET_FIRST", 0.5)
    end = TcpEnd(0)
    made = Station(tmp_path, wiring(0x50, url=f"socket://127.0.0.1:{end.port}"), end)
    until(lambda: made.state() == "IDLE")
    yield made
    made.close()


@pytest.mark.req("DEV-01", "DEV-03")
def test_a_half_open_connection_is_noticed_and_made_anew_without_a_restart(
    frozen: Station,
) -> None:
    """The converter was restarted and knows nothing of us; our side still looks connected."""
    end = frozen.heads.end
    assert isinstance(end, TcpEnd)
    forgotten, end._caller = end._caller, None
    assert forgotten is not None
    until(lambda: end._caller is not None)
    until(lambda: frozen.state() == "IDLE")
    alarms = [one for one in frozen.bodies("alarm") if one["kind"] == "LINE"]
    assert [one["over"] for one in alarms] == [True]  # opened once; no alarm for what we did
    forgotten.close()


def test_a_line_whose_heads_are_off_is_opened_anew_ever_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "QUIET_FIRST", 0.2)
    monkeypatch.setattr(thread, "QUIET_LAST", 0.4)
    opened: list[str] = []

    class Counted(keeping.Port):
        def __init__(self, url: str, settings: object) -> None:
            opened.append(url)
            super().__init__(url, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(keeping, "Port", Counted)
    watched = Watched(tmp_path, Scripted(lambda _: b""))
    until(lambda: len(opened) >= 4)
    assert watched.line._quiet == 0.4
    assert watched.alarms("LINE") == [True]
    watched.close()


@pytest.mark.req("DEV-01")
def test_a_head_that_answers_with_anothers_address_is_an_alarm_and_no_fact(tmp_path: Path) -> None:
    watched = Watched(tmp_path, Scripted(lambda _: bytes.fromhex("5170FA")))
    until(lambda: watched.alarms("IDENTITY") == [False])
    assert watched.alarms("CHECKSUM") == []  # the frames are whole
    assert not any(point.synced for point in watched.line.points.values())
    assert {fact.kind for fact in watched.spool.waiting(1000)} == {"alarm"}
    watched.close()


def test_a_second_master_on_the_line_is_an_alarm(tmp_path: Path) -> None:
    poll = bytes.fromhex("5020FA")
    watched = Watched(tmp_path, Scripted(lambda heard: bytes.fromhex("5070FA"), unasked=poll))
    until(lambda: watched.alarms("MASTER") == [False])
    watched.close()


def _health(*exchanges: tuple[tuple[Event, ...], bool]) -> list[tuple[str, bool]]:
    health, turns = LineHealth(LineLive(1)), []
    for events, unasked in exchanges:
        new = health.count(events, answered=True, unasked=unasked, at=START)
        turns += [(share.kind, share.told) for share in new]
    return turns


def test_what_a_dispenser_says_by_itself_is_acknowledged_and_no_second_master(
    tmp_path: Path,
) -> None:
    """IFSF speaks at any time, and not always in whole pieces."""
    told = bytes.fromhex("02 01 01 01 00 69 00 07 01 21 64 00 14 01 03")
    head = HEADS[table.IFSF](1, 2, Decimals(), "1")
    bus, acks = Bus([head]), []

    def answer(heard: bytes) -> bytes:
        acks.extend(range(heard.count(bytes.fromhex("01 01 02 01 00 E9 00 03 01 21 00"))))
        return told[7:] + b"".join(one.data for one in bus.feed(heard)) + told[:7]

    scripted = Scripted(answer)
    watched = Watched(tmp_path, scripted, line_of(table.IFSF))
    scripted.end.write(told[:7])
    try:
        until(lambda: [one.state for one in watched.line.board()] == ["IDLE"] * 2)
        until(lambda: watched.line.live.polls > 60 and len(acks) > 30, seconds=30)
    finally:
        watched.close()
    assert watched.alarms("MASTER") == watched.alarms("CHECKSUM") == []
    assert watched.line.live.bad_frames <= 2


def test_each_share_is_told_once_and_over_when_it_has_fallen_to_half() -> None:
    well: tuple[tuple[Event, ...], bool] = ((), False)
    bad: tuple[Event, ...] = (Damaged(address=1, why="cut off"),)
    foreign: tuple[Event, ...] = (Damaged(address=1, why=FOREIGN),)
    enough = [well] * WINDOW
    assert _health(*[(bad, False)] * 20, *enough) == []
    assert _health(*[(bad, False)] * 21, *enough) == [("CHECKSUM", True), ("CHECKSUM", False)]
    assert _health(*[(foreign, False)] * 3, *enough) == []
    assert _health(*[(foreign, False)] * 4, *enough) == [("IDENTITY", True), ("IDENTITY", False)]
    assert _health(*[((), True)] * 21, *enough) == [("MASTER", True), ("MASTER", False)]
