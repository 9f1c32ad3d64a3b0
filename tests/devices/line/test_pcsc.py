"""A PC/SC reader on its thread, over pyscard's documented calls; the real one where it is installed."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.line import pcsc
from devices.line.listening import ReaderLine
from devices.protocols import table
from devices.services import wiring as services
from devices.simulator.smartcard import SmartCard
from devices.spool import Spool
from tests import make
from tests.devices.line.kit import wiring
from tests.devices.line.test_thread import until


class SmartcardException(Exception):
    pass


class NoCardException(SmartcardException):
    pass


class CardConnectionException(SmartcardException):
    pass


class Slot:
    """What pyscard tells of one reader: `readers()`, `createConnection`, `connect`, `transmit`."""

    def __init__(self) -> None:
        self.card: SmartCard | None = None
        self.plugged = self.service = True

    def __str__(self) -> str:
        return "ACS ACR122U 00 00"

    def readers(self) -> list["Slot"]:
        if not self.service:
            raise SmartcardException("service not running")
        return [self] if self.plugged else []

    def createConnection(self) -> "Slot":
        return self

    def connect(self) -> None:
        if not self.plugged:
            raise CardConnectionException("unknown reader")
        if self.card is None:
            raise NoCardException("no smart card inserted")

    def transmit(self, apdu: list[int]) -> tuple[list[int], int, int]:
        if self.card is None or not self.plugged:
            raise CardConnectionException("card was removed")
        said = self.card.transmit(bytes(apdu))
        return list(said[:-2]), said[-2], said[-1]

    def disconnect(self) -> None:
        if not self.plugged:
            raise CardConnectionException("unknown reader")

    def modules(self) -> dict[str, Any]:
        root: Any = types.ModuleType("smartcard")
        root.__spec__ = types.SimpleNamespace()
        trouble: Any = types.ModuleType("smartcard.Exceptions")
        for one in (SmartcardException, NoCardException, CardConnectionException):
            setattr(trouble, one.__name__, one)
        system: Any = types.ModuleType("smartcard.System")
        system.readers = self.readers
        return {"smartcard": root, "smartcard.System": system, "smartcard.Exceptions": trouble}


@pytest.fixture
def slot(monkeypatch: pytest.MonkeyPatch) -> Slot:
    made = Slot()
    for name, module in made.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return made


def line_of(folder: Path, name: str = "ACR122U") -> tuple[ReaderLine, Spool]:
    spool = Spool(folder / "spool.sqlite3")
    told = wiring(url=f"pcsc://{name}", protocol=table.PCSC, parity="N", points=(), reader=3)
    return ReaderLine(told, spool=spool, boxes=folder / "box", whisper=lambda *_: None), spool


@pytest.fixture
def desk(slot: Slot, tmp_path: Path) -> Iterator[tuple[ReaderLine, Spool]]:
    line, spool = line_of(tmp_path)
    line.start()
    until(lambda: line.live.is_open)
    yield line, spool
    line.end()
    line.join()


@pytest.mark.req("DEV-02")
def test_a_card_in_the_slot_is_one_fact_and_an_unplugged_reader_is_told(
    slot: Slot, desk: tuple[ReaderLine, Spool]
) -> None:
    line, spool = desk

    def swipes() -> list[object]:
        return [one.body["text"] for one in spool.waiting() if one.kind == "swipe"]

    slot.card = SmartCard(b"\xde\xad\xbe\xef")
    until(lambda: swipes())
    asked = line.live.polls
    until(lambda: line.live.polls > asked + 3)
    assert swipes() == ["DEADBEEF"]
    slot.plugged = False
    until(lambda: not line.live.is_open)
    assert line.live.error == "找不到这台 PC/SC 读卡器，请检查插好没有、名称写对没有"
    slot.plugged = True
    until(lambda: line.live.is_open)


@pytest.mark.req("DEV-03")
def test_a_machine_without_pcsc_says_so_and_nothing_else_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pcsc, "installed", lambda: False)
    line, _ = line_of(tmp_path)
    line.start()
    until(lambda: line.live.error)
    assert line.live.error == pcsc.MISSING
    line.end()
    line.join()


@pytest.mark.parametrize(("plugged", "service"), [(False, True), (True, False)])
def test_no_reader_and_no_service_are_told_apart(slot: Slot, plugged: bool, service: bool) -> None:
    slot.plugged, slot.service = plugged, service
    with pytest.raises(pcsc.ReaderLost, match="找不到" if service else "没有运行"):
        pcsc.PcscPort("pcsc://")


@pytest.mark.django_db
@pytest.mark.req("DEV-02")
def test_a_line_of_such_a_reader_is_refused_where_it_could_not_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = make.station()
    told = {"row": None, "at": make.NOW, "actor": make.manager(station), "station": station}
    values = {"name": "卡", "protocol": table.PCSC, "baud": 9600, "aid": "F0595A475A01"}
    monkeypatch.setattr(pcsc, "installed", lambda: False)
    with pytest.raises(services.WiringRefused, match="没有装 pyscard"):
        services.save_line(values={**values, "url": "pcsc://"}, **told)
    monkeypatch.setattr(pcsc, "installed", lambda: True)
    with pytest.raises(services.WiringRefused, match="pcsc://"):
        services.save_line(values={**values, "url": "/dev/ttyS0"}, **told)
    with pytest.raises(services.WiringRefused, match="端口须是串口"):
        services.save_line(values={**values, "protocol": table.RDM6300, "url": "pcsc://"}, **told)
    line = services.save_line(values={**values, "url": "pcsc://"}, **told)
    assert line.options == {"aid": "F0595A475A01"}
    scanner = {
        "name": "枪",
        "protocol": table.SCANNER,
        "url": "/dev/ttyS1",
        "end": "TAB",
        "aid": "",
    }
    assert services.save_line(values=scanner, **told).options == {"end": "TAB"}


def test_the_real_pyscard_lists_readers() -> None:
    """Proves against the library itself what the double above only plays."""
    system = pytest.importorskip(
        "smartcard.System",
        reason="NOT PROVEN HERE: pyscard is not installed, it has no wheel for Linux",
    )
    trouble = pytest.importorskip("smartcard.Exceptions")
    assert issubclass(trouble.NoCardException, trouble.SmartcardException)
    assert issubclass(trouble.CardConnectionException, trouble.SmartcardException)
    try:
        assert isinstance(system.readers(), list)
    except trouble.SmartcardException:
        pytest.skip("NOT PROVEN HERE: no PC/SC service runs on this machine")
