"""Threads of readers on pseudo-terminals: one that must be asked, and payment codes on their whole way."""

import gzip
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache

from devices.line.listening import MUTE, ReaderLine
from devices.line.replaying import replay
from devices.models import Line, LineState, Reader, Swipe
from devices.protocols import pn532, table
from devices.queries.status import line_status
from devices.recorder import read_file
from devices.services import spooled, whispering
from devices.simulator.ends import PtyEnd
from devices.simulator.lines import ChipLine, Gun
from devices.simulator.pn532 import Chip, Tag
from devices.spool import Spool
from tests import make
from tests.devices.line.kit import wiring
from tests.devices.line.test_thread import until

UID = bytes.fromhex("04112233445566")
CODES = ("134567890123456789", "2812345678901234", "6212345678901234567", "YV" + "12" * 17)


class Desk:
    """A PN532 on a pseudo-terminal and the thread that asks it."""

    def __init__(self, folder: Path) -> None:
        self.end, self.chip = PtyEnd(folder / "reader"), Chip()
        self.heads = ChipLine(self.chip, self.end)
        self.heads.start()
        self.spool = Spool(folder / "spool.sqlite3")
        self.line = ReaderLine(
            wiring(
                url=str(self.end.path),
                protocol=table.PN532,
                baud=115200,
                parity="N",
                points=(),
                reader=3,
            ),
            spool=self.spool,
            boxes=folder / "box",
            whisper=lambda key, code: None,
        )
        self.line.start()

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [fact.body for fact in self.spool.waiting(1000) if fact.kind == kind]

    def cards(self) -> list[str]:
        return [str(body["text"]) for body in self.bodies("swipe")]

    def asked(self, code: int, since: int = 0) -> int:
        return self.chip.heard[since:].count(code)

    def close(self) -> None:
        self.line.end()
        self.line.join()
        self.heads.end_it()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    until(lambda: made.asked(pn532.LIST) > 2)
    yield made
    made.close()


@pytest.mark.req("DEV-02")
def test_a_card_on_an_asked_reader_is_one_fact_while_it_lies_there(desk: Desk) -> None:
    desk.chip.field = [Tag(UID)]
    until(lambda: desk.asked(pn532.RELEASE) > 4)
    assert desk.cards() == [UID.hex().upper()]
    assert desk.line.live.polls > 4 and desk.line.live.answers > 4
    desk.chip.field = []
    seen = len(desk.chip.heard)
    until(lambda: desk.asked(pn532.LIST, seen) > 6)  # longer than a card may be lifted for
    desk.chip.field = [Tag(UID)]
    until(lambda: len(desk.cards()) == 2)


def test_a_recording_of_an_asked_reader_tells_its_cards_again(desk: Desk, tmp_path: Path) -> None:
    desk.chip.field = [Tag(UID)]
    until(desk.cards)
    desk.line.end()
    desk.line.join()
    [box] = (tmp_path / "box" / "line1").glob("*.log")
    told = replay(read_file(box), protocol=table.PN532).told
    assert [one.words for one in told if UID.hex().upper() in one.words]


@pytest.mark.req("DEV-03")
def test_a_reader_without_power_is_told_and_comes_back_by_itself(desk: Desk) -> None:
    desk.chip.deaf = True
    until(lambda: "没有应答" in desk.line.live.error)
    [alarm] = desk.bodies("alarm")[-1:]
    assert (alarm["kind"], alarm["over"]) == ("SILENCE", False)
    assert MUTE * 0.4 < 10  # the light of the line goes out no later
    desk.chip.restart()
    desk.chip.deaf, desk.chip.field = False, [Tag(UID)]
    until(lambda: desk.cards() == [UID.hex().upper()])
    until(lambda: desk.bodies("alarm")[-1]["over"] is True)
    assert desk.line.live.error == ""


@pytest.mark.req("DEV-03")
def test_a_reader_that_is_unplugged_is_opened_again(desk: Desk) -> None:
    desk.end.break_off()
    until(lambda: not desk.line.live.is_open)
    desk.chip.restart()
    desk.end.mend()
    until(lambda: desk.line.live.is_open)
    desk.chip.field = [Tag(UID)]
    until(lambda: desk.cards() == [UID.hex().upper()])


@pytest.mark.django_db
@pytest.mark.req("DEV-03")
def test_an_asked_reader_that_is_silent_for_ten_seconds_is_not_there() -> None:
    station = make.station()
    at = make.NOW
    for protocol, word in ((table.PN532, "无应答"), (table.RDM6300, "正常")):
        line = Line.objects.create(
            station=station, name=protocol, url=f"/dev/{protocol}", protocol=protocol
        )
        told = {"line": line, "is_open": True, "written_at": at}
        state = LineState.objects.create(**told, heard_at=make.at(0))
        line.state = state
        assert line_status(line, at).word == word
        state.heard_at = at
        assert line_status(line, at).word == "正常"


@pytest.mark.django_db
@pytest.mark.req("DEV-02")
@pytest.mark.parametrize("end", ["", "CR", "LF", "CRLF", "TAB"])
def test_no_file_no_log_and_no_row_ever_holds_a_payment_code(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    caplog.set_level(logging.DEBUG)
    cache.clear()
    station = make.station()
    line = Line.objects.create(
        station=station, name="枪", url=str(tmp_path / "gun"), protocol=table.SCANNER
    )
    reader = Reader.objects.create(line=line, till=make.till(station))
    spool, port = Spool(tmp_path / "spool.sqlite3"), PtyEnd(tmp_path / "gun")
    said: list[tuple[str, str]] = []
    thread = ReaderLine(
        wiring(
            id=line.pk,
            url=line.url,
            protocol=table.SCANNER,
            parity="N",
            points=(),
            reader=reader.pk,
            options={"end": end} if end else {},
        ),
        spool=spool,
        boxes=tmp_path / "box",
        whisper=lambda key, code: said.append((key, code)),
    )
    thread.start()
    until(lambda: thread.live.is_open)
    mark = {"CR": "\r", "LF": "\n", "TAB": "\t"}.get(end, "\r\n")
    gun = Gun(port, mark)
    for code in (*CODES, "6901234567892"):
        gun.scan(code)
    until(lambda: len([one for one in spool.waiting() if one.kind == "swipe"]) == len(CODES) + 1)
    waiting = spool.waiting()
    # Where no database is there to hold it, the thread only lists what it would whisper.
    for key, code in said:
        whispering.whisper(key, code)
    spooled.move([spooled.Moving(one.seq, one.key, one.kind, one.body, one.at) for one in waiting])
    thread.end()
    thread.join()
    port.close()
    assert sorted(code for _, code in said) == sorted(CODES)
    assert Swipe.objects.count() == len(CODES) + 1
    written = [_bytes(path) for path in tmp_path.rglob("*") if path.is_file()]
    rows = [
        repr(list(model.objects.values())) for model in apps.get_models() if model._meta.managed
    ]
    for code in CODES:
        middle = code[2:-4]
        for text in (middle.encode(), middle.encode().hex().encode()):
            assert not [one for one in written if text in one]
        assert middle not in caplog.text and not [one for one in rows if middle in one]
    assert any(b"6901234567892" in one for one in written)  # the search finds what is there


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
