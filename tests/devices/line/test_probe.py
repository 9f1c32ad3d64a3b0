"""A port that nobody knows: what hangs on it is found, told and proposed, and nothing is done to it.

A pseudo-terminal has neither baud nor parity, so that a wrong one is silence there is not proved;
the order in which settings are tried is, with a port that counts.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line.port import Port, PortBusy
from devices.line.probe import pumps, readers, run
from devices.line.probe.findings import FOUND, OCCUPIED, SILENT, Findings, Frame
from devices.line.probe.pumps import Forbidden, PumpProber, ways
from devices.line.probe.session import Cancelled, Session, blurred
from devices.protocols import asks, azt, pn532, table, zhengxing
from devices.protocols.base import Decimals, DeviceSettings, Request, SerialSettings
from devices.protocols.dart import transactions as dart
from devices.protocols.dart.frames import Control
from devices.protocols.dart.frames import Frame as DartFrame
from devices.protocols.entry import PumpProtocol
from devices.protocols.gaskit import messages as gaskit
from devices.protocols.ifsf import frames as ifsf
from devices.protocols.twowire import messages as twowire
from devices.recorder import JUNK, SENT
from devices.simulator.bus import Bus, Faults
from devices.simulator.ends import PtyEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine, ChipLine, Gun, Reader
from devices.simulator.pn532 import Chip

D = Decimal
PLACES = {table.DART: Decimals(volume=3, totals=3)}
SERIAL = "1234567890"
PAYMENT = "134567890123456789"


def _places(key: str) -> Decimals:
    usual = table.PUMPS[key].volume_decimals
    return PLACES.get(key, Decimals(volume=usual, totals=usual))


def _head(key: str, offset: int = 0) -> Any:
    made = HEADS[key](table.PUMPS[key].addresses[offset], 2, _places(key), SERIAL)
    made.sell_locally(1, D("12.30"), D("7.52"))
    return made


class Bench:
    """A port with heads, and a probe of it."""

    def __init__(self, folder: Path, *heads: Any, faults: Faults | None = None) -> None:
        self.url = str(folder / "port")
        self.end = PtyEnd(folder / "port")
        self.heads = BusLine(Bus(heads, faults=faults), self.end, byte_times=False)
        self.heads.start()
        self.frames: list[Frame] = []
        self.said: list[str] = []
        self.ended = threading.Event()

    def session(self) -> Session:
        return Session(
            Findings(self.url),
            saw=self.frames.append,
            tell=self.said.append,
            ended=self.ended.is_set,
        )

    def probe(self, protocol: str = "", address: int | None = None) -> Findings:
        return run.probe(self.session(), protocol=protocol, address=address)


@contextmanager
def bench(folder: Path, *heads: Any, faults: Faults | None = None) -> Iterator[Bench]:
    made = Bench(folder, *heads, faults=faults)
    try:
        yield made
    finally:
        made.heads.end_it()


@pytest.fixture(autouse=True)
def _hasty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    key = getattr(request.node, "callspec", None) and request.node.callspec.params.get("key")
    for absent in table.PUMPS[key].after if key in table.PUMPS else ():
        if "echo" in request.node.name:  # which comes back late where nobody waits for it
            monkeypatch.setitem(table.PUMPS, absent, replace(table.PUMPS[absent], others=()))
        else:
            _hasten(monkeypatch, absent)
    monkeypatch.setattr(run, "LISTEN", 0.1)
    monkeypatch.setattr(pumps, "LIKELY", 4)
    monkeypatch.setattr(pumps, "NEIGHBOURS", 5)


def _hasten(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Nobody will answer, and there is no need to wait for that."""
    entry = table.PUMPS[key]
    hasty = replace(entry.timing, window=0.001, turnaround=0.0, tail=0.001)
    monkeypatch.setitem(table.PUMPS, key, replace(entry, timing=hasty, others=entry.others[:1]))


# --------------------------------------------------------------------------- found


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_every_make_of_head_is_found_told_and_proposed(key: str, tmp_path: Path) -> None:
    entry = table.PUMPS[key]
    with bench(tmp_path, _head(key, 1), _head(key, 3)) as port:
        found = port.probe(key)
    assert (found.outcome, found.protocol, found.serial) == (FOUND, key, entry.serial)
    first, second = found.dispensers
    assert (first.address, second.address) == (entry.addresses[1], entry.addresses[3])
    assert first.state in ("IDLE", "UNPROGRAMMED")
    assert [total.nozzle for total in first.totals] == [1, 2][: entry.nozzles]
    assert first.totals[0].litres == D("12.30")
    if key == table.ZHENGXING:  # which stores what the controller allowed, and nothing else
        assert first.last_fill is None
    else:
        assert first.last_fill is not None
        assert (first.last_fill.litres, first.last_fill.amount) == (D("12.30"), D("92.50"))
    assert (first.decimals.volume, first.decimals.totals) == (_places(key).volume,) * 2
    assert not found.echo
    body = found.body()
    assert body["proposal"]["line"] == {
        "protocol": key,
        "url": port.url,
        "baud": entry.serial.baud,
        "bits": entry.serial.bits,
        "parity": entry.serial.parity,
        "stop": entry.serial.stop,
        "echo": False,
    }
    assert [one["address"] for one in body["proposal"]["dispensers"]] == [
        first.address,
        second.address,
    ]
    assert entry.label in found.words[0] and entry.address_words(first.address) in found.words[1]
    assert any(one.direction == SENT for one in port.frames)
    good = [one for one in port.frames if one.direction != JUNK]
    assert good and not any(one.words.startswith("损坏") for one in good)


def test_a_dart_head_tells_its_identity_its_decimals_and_its_prices(tmp_path: Path) -> None:
    head = _head(table.DART)
    head.prices = {1: 752, 2: 803}
    with bench(tmp_path, head) as port:
        [one] = port.probe(table.DART, head.address).dispensers
    assert (one.identity, one.decimals_from) == (SERIAL, "HEAD")
    assert one.prices == ((1, D("7.52")), (2, D("8.03")))


@pytest.mark.parametrize("places", [2, 3])
def test_the_decimals_of_a_head_that_does_not_tell_come_from_its_last_fill(
    places: int, tmp_path: Path
) -> None:
    key = table.TWOWIRE
    head: Any = HEADS[key](1, 2, Decimals(volume=places, totals=places), SERIAL)
    head.sell_locally(1, D("12.30"), D("7.52"))
    with bench(tmp_path, head) as port:
        [one] = port.probe(key, 1).dispensers
    assert (one.decimals.volume, one.decimals_from) == (places, "FILL")
    assert one.last_fill is not None and one.last_fill.litres == D("12.30")
    assert one.totals[0].litres == D("12.30")


@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_without_a_protocol_each_is_tried_in_turn(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(table.PUMPS)[: list(table.PUMPS).index(key) + 1]
    for absent in before[:-1]:
        _hasten(monkeypatch, absent)
    with bench(tmp_path, _head(key)) as port:
        found = port.probe()
    assert (found.outcome, found.protocol) == (FOUND, key)
    assert list(dict.fromkeys(one.protocol for one in found.tried)) == before


@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_a_converter_that_echoes_is_recognised(key: str, tmp_path: Path) -> None:
    with bench(tmp_path, _head(key), faults=Faults(echo=True)) as port:
        found = port.probe(key)
    assert found.outcome == FOUND and found.echo
    assert found.body()["proposal"]["line"]["echo"] is True and "回显" in found.words[0]


def test_nothing_there_is_told_with_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE", 0.1)
    with bench(tmp_path, _head(table.DART, 20)) as port:
        found = port.probe(table.TWOWIRE, 3)
    assert found.outcome == SILENT and not found.found
    assert found.body()["proposal"] is None and "没有设备应答" in found.words[0]
    entry = table.PUMPS[table.TWOWIRE]
    assert [one.serial for one in found.tried] == list(ways(entry.serial, entry.others))
    assert {one.addresses for one in found.tried} == {(3,)}


# --------------------------------------------------------------------------- nothing is done


def _reads_dart(said: DartFrame) -> bool:
    asking = {
        dart.Do(code)
        for code in (
            dart.RETURN_STATUS,
            dart.RETURN_PARAMETERS,
            dart.RETURN_IDENTITY,
            dart.RETURN_FILLING,
            dart.RETURN_PRICES,
        )
    }
    if said.control is not Control.DATA:
        return said.control in (Control.POLL, Control.ACK, Control.NAK, Control.ACKPOLL)
    items = dart.read_from_master(said.body)
    return all(one in asking or isinstance(one, dart.AskVolumeTotals) for one in items)


def _reads_gaskit(said: gaskit.Question) -> bool:
    plain = isinstance(said, gaskit.Ask) and said.letter in "SLRT"
    return plain or isinstance(said, gaskit.AskTotalizer)


def _reads_twowire(said: object) -> bool:
    quiet = {
        twowire.ASK_STATUS,
        twowire.ASK_TRANSACTION,
        twowire.ASK_TOTALS,
        twowire.ASK_MONEY,
        twowire.DATA_NEXT,  # of which only the question for the handle may follow
    }
    return said in quiet if isinstance(said, int) else said == twowire.AskExtended()


def _reads_azt(said: str) -> bool:
    return said[0] in (azt.ASK_STATE, azt.CURRENT, azt.FULL, azt.TOTALS, azt.TYPE, azt.VERSION)


def _reads_ifsf(said: ifsf.Frame) -> bool:
    return said.kind is ifsf.Kind.READ


def _reads_zhengxing(said: zhengxing.Frame) -> bool:
    return not said.data and said.command in (
        zhengxing.STATUS,
        zhengxing.TOTALS,
        zhengxing.READ_PRICE,
        zhengxing.TRANSACTION,
        zhengxing.LIVE,
    )


# What a head may hear of a probe. Whoever adds a protocol says here which of its words only ask.
READS: dict[str, Callable[[Any], bool]] = {
    table.DART: _reads_dart,
    table.GASKIT: _reads_gaskit,
    table.TWOWIRE: _reads_twowire,
    table.AZT: _reads_azt,
    table.ZHENGXING: _reads_zhengxing,
    table.IFSF: _reads_ifsf,
}


def test_every_protocol_says_which_of_its_words_only_ask() -> None:
    assert set(READS) == set(table.PUMPS)


def _calling(head: Any) -> None:
    head.lift(1)


def _held(head: Any) -> None:
    """A fill that waits for whatever the protocol has to end it with."""
    head.lift(1)
    head.shown.volume, head.shown.amount = 100, 752
    head.hang()


def _kept(head: Any) -> dict[str, Any]:
    """What a probe must leave as it is: everything but the talk itself and the clock."""
    talk = ("link", "now", "_listens", "_told_eot", "ear", "_reported")
    return copy.deepcopy({name: it for name, it in vars(head).items() if name not in talk})


@pytest.mark.req("DEV-01", "DEV-05")
@pytest.mark.parametrize("prepare", [lambda head: None, _calling, _held])
@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_no_word_that_acts_is_ever_sent(
    key: str, prepare: Callable[[Any], None], tmp_path: Path
) -> None:
    head, heard = _head(key), []
    prepare(head)
    hear = head.hear
    head.hear = lambda said: heard.append(said) or hear(said)
    before = _kept(head)
    with bench(tmp_path, head) as port:
        assert port.probe(key).found
        assert port.probe(key, head.address).found  # twice is as little as once
    assert heard and all(READS[key](one) for one in heard)
    assert _kept(head) == before
    assert not head.open


def _calling_twowire() -> list[Any]:
    heads: list[Any] = [HEADS[table.TWOWIRE](at, 2, Decimals(), SERIAL) for at in range(1, 17)]
    for head in heads:
        head.lift(1)
    return heads


def _obeyed(sent: list[bytes], heads: list[Any]) -> bool:
    """Whether a Two-Wire pump, which obeys single bytes, heard anything to obey."""
    acted = any(table.PUMPS[table.TWOWIRE].acts(one) for one in sent)
    return acted or any(head.open or head.status != twowire.CALL for head in heads)


@pytest.mark.parametrize("other", [table.DART, table.GASKIT])
def test_looking_for_another_make_moves_no_pump_that_obeys_bare_bytes(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hasten(monkeypatch, other)
    heads = _calling_twowire()
    with bench(tmp_path, *heads) as port:
        assert not port.probe(other).found
        sent = [one.raw for one in port.frames if one.direction == SENT]
    assert len(set(sent)) > 50 and not _obeyed(sent, heads)


@pytest.mark.parametrize("other", sorted(key for key, one in table.PUMPS.items() if one.after))
def test_a_make_whose_questions_move_another_is_not_asked_where_that_one_answers(
    other: str, tmp_path: Path
) -> None:
    heads = _calling_twowire()
    with bench(tmp_path, *heads) as port:
        found = port.probe(other)
        sent = [one.raw for one in port.frames if one.direction == SENT]
    assert (found.outcome, found.protocol) == (FOUND, table.TWOWIRE)
    assert table.PUMPS[other].label in found.words[0]
    assert sent and not _obeyed(sent, heads)


def test_every_make_whose_questions_move_another_comes_after_it() -> None:
    for key, entry in table.PUMPS.items():
        polls = [_poll(entry, address) for address in entry.addresses]
        moved = {
            other
            for other, one in table.PUMPS.items()
            if other != key and all(one.acts(poll) for poll in polls)
        }
        assert moved <= set(entry.after), key


def _poll(entry: PumpProtocol, address: int) -> bytes:
    settings = DeviceSettings(address, (1,), Decimals())
    return entry.codec([settings], entry.timing).next(address, 0.0).data


def test_addresses_passed_over_for_that_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pumps, "LIKELY", 18)
    _hasten(monkeypatch, table.GASKIT)
    with bench(tmp_path, _head(table.DART)) as port:
        found = port.probe(table.GASKIT)
    assert set(range(16, 32)) <= set(found.passed_over)
    assert any("没有试地址 16 到 31" in one for one in found.words)


def test_a_command_that_acts_is_refused_before_it_is_bytes(tmp_path: Path) -> None:
    entry = table.PUMPS[table.DART]
    with bench(tmp_path, _head(table.DART)) as port:
        prober = PumpProber(entry, port.session(), named=True, address=None)
        for command in (asks.Stop(address=0x50), asks.Authorise(address=0x50, nozzles=(1,))):
            with pytest.raises(Forbidden):
                prober._may(Request(0x50, b"\x01", 0.0, command=command))


# --------------------------------------------------------------------------- others on the line


def test_another_master_is_heard_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LISTEN", 1.0)
    with bench(tmp_path, _head(table.DART)) as port:
        other = threading.Thread(target=_speaks, args=(port.end, "50 20 FA", "51 20 FA"))
        other.start()
        found = port.probe()
        other.join()
    assert found.outcome == OCCUPIED and found.foreign is not None
    assert found.foreign.of == table.DART and "另一台主机" in found.words[0]
    assert not any(one.direction == SENT for one in port.frames)


def test_what_nobody_knows_is_told_without_its_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LISTEN", 1.0)
    pin = b"PIN=482913"
    with bench(tmp_path, _head(table.DART)) as port:
        other = threading.Thread(target=_speaks, args=(port.end, pin.hex(), b"xyzabc".hex()))
        other.start()
        found = port.probe(table.DART)
        other.join()
    assert found.outcome == OCCUPIED and found.foreign is not None and found.foreign.of == ""
    passed = b"".join(one.raw for one in port.frames)
    assert b"PIN=******" in passed and b"482913" not in passed
    assert blurred(b"a12b3456789c") == b"a12b*******c"


def _speaks(end: PtyEnd, *pieces: str) -> None:
    time.sleep(0.3)
    for piece in pieces * 3:
        end.write(bytes.fromhex(piece))
        time.sleep(0.08)


# --------------------------------------------------------------------------- readers


def _waits(said: list[str]) -> None:
    until = time.monotonic() + 20
    while not any("请" in one for one in said):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("key", [key for key, one in table.READERS.items() if not one.asks])
def test_a_reader_is_found_by_what_a_person_does(key: str, tmp_path: Path) -> None:
    with bench(tmp_path, _head(table.DART)) as port:

        def person() -> None:
            _waits(port.said)
            if key == table.RDM6300:
                Reader(port.end).present("0006499026", 0.2)
            else:
                Gun(port.end).scan("6901234567892")

        hand = threading.Thread(target=person)
        hand.start()
        found = port.probe(key)
        hand.join()
    assert found.outcome == FOUND and found.reader is not None
    assert found.reader.text == ("…9026" if key == table.RDM6300 else "…7892")
    assert found.body()["proposal"]["line"]["protocol"] == key
    assert not any(one.direction == SENT for one in port.frames)


@pytest.mark.req("DEV-02")
@pytest.mark.parametrize("named", [True, False])
def test_a_reader_that_must_be_asked_tells_its_make_without_a_card(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE", 0.1)
    for key in table.PUMPS:
        _hasten(monkeypatch, key)
    chip, end = Chip(), PtyEnd(tmp_path / "port")
    heads = ChipLine(chip, end)
    heads.start()
    frames: list[Frame] = []
    session = Session(Findings(str(end.path)), saw=frames.append, tell=lambda words: None)
    found = run.probe(session, protocol=table.PN532 if named else "")
    heads.end_it()
    assert (found.outcome, found.protocol) == (FOUND, table.PN532) and found.reader is not None
    assert (found.reader.kind, found.reader.text) == ("CHIP", "PN532 1.6")
    assert found.serial == table.READERS[table.PN532].serial
    assert pn532.LIST not in chip.heard  # no card is looked for, let alone opened
    assert {one.words for one in frames} >= {"问读卡器", "读到的内容"}


def test_a_chip_is_not_asked_where_a_pump_would_obey_its_questions(tmp_path: Path) -> None:
    acts = table.PUMPS[table.TWOWIRE].acts
    assert acts(pn532.WAKE_UP + pn532.ask(pn532.SAM, 1, 0x14, 1))
    pump = HEADS[table.TWOWIRE](3, 1, _places(table.TWOWIRE), SERIAL)
    pump.lift(1)
    with bench(tmp_path, pump) as port:
        found = port.probe(table.PN532)
        assert not any(acts(one.raw) for one in port.frames if one.direction == SENT)
    assert (found.outcome, found.protocol) == (FOUND, table.TWOWIRE)
    assert any("没有问 PN532" in one for one in found.words)


def test_no_reader_is_offered_that_hangs_on_no_port() -> None:
    assert table.PCSC not in run.probed() and table.PN532 in run.probed()


def test_a_payment_code_is_nowhere_in_what_a_probe_leaves(tmp_path: Path) -> None:
    with bench(tmp_path, _head(table.DART)) as port:
        hand = threading.Thread(
            target=lambda: (_waits(port.said), Gun(port.end).scan(PAYMENT))  # type: ignore[func-returns-value]
        )
        hand.start()
        found = port.probe(table.SCANNER)
        hand.join()
    left = f"{found.body()}{[one.body() for one in port.frames]}{port.said}"
    assert found.outcome == FOUND and "付款码" in left
    for secret in (PAYMENT, PAYMENT[4:12], PAYMENT[4:12].encode().hex(" ")):
        assert secret.upper() not in left.upper()


def test_a_scan_while_we_listen_says_that_the_port_is_a_scanner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LISTEN", 1.0)
    with bench(tmp_path, _head(table.DART)) as port:
        hand = threading.Timer(0.3, lambda: Gun(port.end).scan(PAYMENT))
        hand.start()
        found = port.probe()
        hand.join()
    assert (found.outcome, found.protocol) == (FOUND, table.SCANNER)
    assert not any(PAYMENT[4:12].encode() in one.raw for one in port.frames)
    assert not any(one.direction == SENT for one in port.frames)


# --------------------------------------------------------------------------- the port


class _Deaf:
    """A port on which nobody answers; what it was set to is noted."""

    opened: list[SerialSettings] = []

    def __init__(self, url: str, serial: SerialSettings) -> None:
        self.opened.append(serial)

    def close(self) -> None:
        return

    def send(self, data: bytes) -> None:
        return

    def receive(self, patience: float) -> bytes:
        time.sleep(max(0.0, min(patience, 0.001)))
        return b""


@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_settings_are_tried_from_the_likeliest_on(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hasten(monkeypatch, key)
    entry = replace(table.PUMPS[key], addresses=table.PUMPS[key].addresses[:40])
    monkeypatch.setitem(table.PUMPS, key, entry)
    opened: list[SerialSettings] = []
    deaf = type("Deaf", (_Deaf,), {"opened": opened})
    session = Session(Findings("x"), saw=lambda one: None, tell=lambda words: None, opener=deaf)  # type: ignore[arg-type]
    found = run.probe(session, protocol=key)
    order = list(ways(entry.serial, entry.others))
    before = 1 + sum(one.protocol != key for one in found.tried)  # the first was to listen
    assert opened[before : before + len(order)] == order
    assert order[0] == entry.serial and len(set(order)) == len(order)
    assert {one.parity for one in order if one.baud == entry.serial.baud} == {"N", "E", "O"}
    own = [one for one in found.tried if one.protocol == key]
    rest = [one.addresses for one in own[len(order) :]]
    beyond = tuple(entry.addresses)[pumps.LIKELY :]
    assert all(set(one) <= set(beyond) for one in rest) and len(rest) == len(order)


def test_a_port_that_is_held_is_refused_and_one_given_back_is_free(tmp_path: Path) -> None:
    with bench(tmp_path, _head(table.DART)) as port:
        held = Port(port.url, table.PUMPS[table.DART].serial)
        with pytest.raises(PortBusy):
            port.probe(table.DART)
        held.close()
        assert port.probe(table.DART).found
        Port(port.url, table.PUMPS[table.DART].serial).close()


def test_whoever_has_had_enough_gets_the_port_back(tmp_path: Path) -> None:
    with bench(tmp_path, _head(table.DART, 20)) as port:
        hand = threading.Timer(0.4, port.ended.set)
        hand.start()
        with pytest.raises(Cancelled):
            port.probe()
        hand.join()
        Port(port.url, table.PUMPS[table.DART].serial).close()


def test_the_json_has_the_shape_that_is_documented(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "commissioning.md").read_text(encoding="utf-8")
    with bench(tmp_path, _head(table.DART)) as port:
        body = port.probe(table.DART).body()
    assert body["version"] == 1
    missing = [name for name in _names(body) if f"`{name}`" not in text]
    assert not missing


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for one in value.values() for name in _names(one)}
    if isinstance(value, list):
        return {name for one in value for name in _names(one)}
    return set()
