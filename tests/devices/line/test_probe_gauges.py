"""A port with a tank gauge that nobody knows: it is found and read, and nothing is done to it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from devices.line.port import Port
from devices.line.probe import gauges, readers, run
from devices.line.probe.findings import FOUND, OCCUPIED, SILENT, Findings, Frame
from devices.line.probe.gauges import GaugeProber
from devices.line.probe.pumps import Forbidden, PumpProber, ways
from devices.line.probe.session import Cancelled, Session
from devices.models import GaugeTank, Line, Probe
from devices.protocols import table
from devices.protocols.base import Decimals, SerialSettings
from devices.protocols.veeder_root import codec as veeder_root
from devices.protocols.veeder_root import frames
from devices.protocols.veeder_root.codec import Ask, VeederRootCodec
from devices.protocols.veeder_root.messages import Units
from devices.recorder import JUNK, SENT
from devices.services import probing
from devices.simulator.bus import Bus
from devices.simulator.console import Console, ConsoleFaults, ConsoleOptions
from devices.simulator.ends import EndThread, PtyEnd, TcpEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine, ConsoleLine
from devices.simulator.probes import Probe as TankProbe
from station.models import Setting
from tests import make

D = Decimal
KEY = table.VEEDER_ROOT
NOW = make.NOW
CODE = "A7 x_9"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LISTEN", 0.1)
    monkeypatch.setattr(gauges, "FIRST", 0.15)
    monkeypatch.setattr(gauges, "WINDOW", 0.3)
    monkeypatch.setattr(veeder_root, "TAIL", 0.05)
    monkeypatch.setattr(readers, "PATIENCE", 0.1)


class Bench:
    """A console on a port, and a probe of it."""

    def __init__(self, end: Any, url: str, **options: Any) -> None:
        tanks = [
            TankProbe(1, label="92# GASOLINE", volume=D("12345.6"), water_mm=D(12)),
            TankProbe(2, label="0# DIESEL", volume=D(8000), temperature=D("-3.25")),
        ]
        self.url = url
        self.console = Console(
            tanks,
            clock=lambda: NOW,
            options=ConsoleOptions(**options),
            dice=random.Random(7),
        )
        self.line = ConsoleLine(self.console, end, byte_times=False)
        self.line.start()
        self.frames: list[Frame] = []
        self.said: list[str] = []

    def probe(self, protocol: str = KEY, security: str = "") -> Findings:
        session = Session(
            Findings(self.url), saw=self.frames.append, tell=self.said.append, security=security
        )
        session.absent.add(table.TWOWIRE)  # that make is looked for in a test of its own
        return run.probe(session, protocol=protocol)


@contextmanager
def bench(folder: Path, **options: Any) -> Iterator[Bench]:
    made = Bench(PtyEnd(folder / "port"), str(folder / "port"), **options)
    try:
        yield made
    finally:
        made.line.end_it()


def _figures(found: Findings) -> dict[int, tuple[Decimal | None, ...]]:
    return {one.tank: (one.volume, one.height, one.water, one.temperature) for one in found.tanks}


# --------------------------------------------------------------------------- found


@pytest.mark.req("DEV-01", "INV-02")
def test_a_console_is_found_read_and_proposed(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        found = port.probe()
    assert (found.outcome, found.protocol, found.serial) == (FOUND, KEY, veeder_root.SERIAL)
    body = json.loads(json.dumps(found.body()))
    assert body["gauge"] == {
        "format": "COMPUTER",
        "units": "METRIC",
        "security": False,
        "version": "SOFTWARE# 346116-100-F",
    }
    assert body["tanks"][0] == {
        "tank": 1,
        "product": "92# GASOLINE",
        "volume": "12345.600",
        "height": "999.6",
        "water": "12.0",
        "temperature": "18.50",
        "ullage": "17504.400",
        "doubt": "",
    }
    assert body["tanks"][1]["temperature"] == "-3.25"
    assert body["proposal"]["line"] == {
        "protocol": KEY,
        "url": port.url,
        "baud": 9600,
        "bits": 8,
        "parity": "N",
        "stop": 1,
        "echo": False,
    }
    assert body["proposal"]["tanks"] == [{"number": 1}, {"number": 2}]
    words = "".join(found.words)
    for part in ("计算机格式", "公制", "建议设置", "油罐 1：92# GASOLINE，油量 12345.600 升"):
        assert part in words
    assert not any(one.direction == JUNK for one in port.frames)
    assert any("问罐存 i20100" in one.words for one in port.frames)


def test_without_a_protocol_it_is_found_before_anybody_is_to_swipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        PumpProber, "probe", lambda prober: asked.append(prober._entry.key) or False
    )
    with bench(tmp_path) as port:
        found = port.probe("")
    assert (found.outcome, found.protocol, len(found.tanks)) == (FOUND, KEY, 2)
    assert set(asked) == set(table.PUMPS)


@pytest.mark.parametrize("protocol", [KEY, ""])
def test_a_pump_that_our_words_would_stop_is_looked_for_first(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digits of each question are bytes that a Two-Wire pump obeys."""
    words = VeederRootCodec()
    words.submit(Ask("201"))
    asked = words.next(0.0)
    moved = [one.key for one in table.PUMPS.values() if asked and one.acts(asked.data)]
    assert moved == list(table.GAUGES[KEY].after) == [table.TWOWIRE]
    if not protocol:
        monkeypatch.setattr(run, "probed", lambda: {KEY: table.GAUGES[KEY]})
    head = HEADS[table.TWOWIRE](1, 2, Decimals(), "1")
    line = BusLine(Bus([head]), PtyEnd(tmp_path / "port"), byte_times=False)
    line.start()
    found, sent = Findings(str(tmp_path / "port")), list[Frame]()
    try:
        run.probe(Session(found, saw=sent.append, tell=lambda words: None), protocol=protocol)
    finally:
        line.end_it()
    assert (found.outcome, found.protocol, found.tanks) == (FOUND, table.TWOWIRE, ())
    assert not any(b"201" in one.raw for one in sent if one.direction == SENT)
    assert "没有问 Veeder-Root TLS" in "".join(found.words)


@pytest.mark.parametrize("bare", [False, True])
def test_a_console_of_the_display_format_is_read_without_soh_and_etx(
    bare: bool, tmp_path: Path
) -> None:
    with bench(tmp_path, display_only=True, bare=bare) as port:
        found = port.probe()
    assert found.outcome == FOUND and found.gauge is not None
    assert (found.gauge.format, found.gauge.units) == ("DISPLAY", "METRIC")
    assert _figures(found)[1] == (D("12346.000"), D("999.7"), D("12.0"), D("18.50"))
    assert "显示格式" in "".join(found.words)
    assert any(one.words.startswith("显示格式：I20100") for one in port.frames)


@pytest.mark.parametrize(
    ("units", "word"), [(Units.US, "美制，已换算成升"), (Units.IMPERIAL, "英制，已换算成升")]
)
def test_gallons_inches_and_fahrenheit_become_litres_millimetres_and_celsius(
    units: Units, word: str, tmp_path: Path
) -> None:
    with bench(tmp_path, units=units) as port:
        found = port.probe()
    volume, height, water, temperature = _figures(found)[1]
    assert volume is not None and abs(volume - D("12345.6")) < D("0.01")
    assert (height, water, temperature) == (D("999.6"), D("12.0"), D("18.50"))
    assert word in "".join(found.words)


def test_a_console_that_does_not_tell_its_units_is_told_without_figures(tmp_path: Path) -> None:
    with bench(tmp_path, tells_units=False) as port:
        found = port.probe()
    assert found.outcome == FOUND and found.gauge is not None and found.gauge.units is None
    assert _figures(found) == {1: (None,) * 4, 2: (None,) * 4}
    assert [one["volume"] for one in found.body()["tanks"]] == [None, None]
    assert "没有说明用公制还是英制" in "".join(found.words)
    assert "92# GASOLINE，不可信：主机没有说明单位" in "".join(found.words)


def test_a_figure_that_cannot_be_is_told_as_one(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        port.console.probes[1].impossible = {"water": D("-5"), "temperature": D("NaN")}
        port.console.probes[2].invalid = True
        found = port.probe()
    first, second = found.tanks
    assert first.temperature is None and first.doubt == "水高为负（-5.0）"
    assert second.doubt == "主机判为液位无效"


@pytest.mark.parametrize(("security", "asked"), [(CODE, CODE), ("000000", "")])
def test_a_console_with_a_security_code_is_asked_with_it_and_nobody_reads_it(
    security: str, asked: str, tmp_path: Path
) -> None:
    with bench(tmp_path, security=security) as port:
        found = port.probe(security=asked)
    assert found.gauge is not None and found.gauge.security and len(found.tanks) == 2
    assert "要安全码" in "".join(found.words)
    sent = [one for one in port.frames if one.direction == SENT]
    assert not any(security.encode() in one.raw or security in one.words for one in sent)
    assert any(b"\x01******i20100" in one.raw and "问罐存" in one.words for one in sent)


def test_over_tcp_one_setting_is_tried_since_the_converter_has_its_own(tmp_path: Path) -> None:
    end = TcpEnd(0)
    port = Bench(end, f"socket://127.0.0.1:{end.port}")
    try:
        assert port.probe().outcome == FOUND
        port.console.faults.silent = True
        found = port.probe()
    finally:
        port.line.end_it()
    assert found.outcome == SILENT and len(found.tried) == 1


# --------------------------------------------------------------------------- not found, or not whole


def test_a_wrong_speed_is_passed_over_for_the_right_one(tmp_path: Path) -> None:
    right = SerialSettings(1200, 7, "O")
    with bench(tmp_path) as port:

        def opener(url: str, serial: SerialSettings) -> Port:
            port.console.faults.silent = serial != right
            return Port(url, serial)

        session = Session(
            Findings(port.url), saw=port.frames.append, tell=port.said.append, opener=opener
        )
        session.absent.add(table.TWOWIRE)
        found = run.probe(session, protocol=KEY)
    assert (found.outcome, found.serial) == (FOUND, right)
    every = list(ways(table.GAUGES[KEY].serial, table.GAUGES[KEY].others))
    assert [one.serial for one in found.tried] == every[: every.index(right) + 1]
    assert found.body()["proposal"]["line"]["bits"] == 7


def test_a_silent_line_is_told_with_what_was_tried_and_what_to_look_at(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        port.console.faults.silent = True
        found = port.probe()
    assert found.outcome == SILENT and found.body()["proposal"] is None and found.tanks == ()
    entry = table.GAUGES[KEY]
    assert [one.serial for one in found.tried] == list(ways(entry.serial, entry.others))
    assert "串口安全码" in found.words[0] and "没有设备应答" in found.words[-1]


class _Answers(EndThread):
    """Answers every question with what `made` makes of it."""

    def __init__(self, end: PtyEnd, made: Callable[[bytes], bytes]) -> None:
        super().__init__("answers", end)
        self._made = made

    def run(self) -> None:
        while not self._ending.is_set():
            data = self.end.read(0.02)
            if data:
                self.end.write(self._made(data))


_DICE = random.Random(11)
NONSENSE: dict[str, Callable[[bytes], bytes]] = {
    "echo": lambda asked: asked,
    "noise": lambda asked: bytes(_DICE.randrange(256) for _ in range(80)),
    "text": lambda asked: b"\x01\r\nI20100\r\nAPR 22, 2026 10:00 AM\r\nhello\r\n\x03",
    "cut": lambda asked: frames.computer("i20100", "2604221000", "0110000")[:-3],
    "sum": lambda asked: frames.computer("i20100", "2604221000", "01100000742")[:-2] + b"\x00\x03",
}


@pytest.mark.parametrize("kind", sorted(NONSENSE))
def test_garbage_is_no_console(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "FIRST", 0.05)
    line = _Answers(PtyEnd(tmp_path / "port"), NONSENSE[kind])
    line.start()
    found = Findings(str(tmp_path / "port"))
    seen: list[Frame] = []
    try:
        run.probe(
            Session(found, saw=seen.append, tell=lambda words: None, absent={table.TWOWIRE}),
            protocol=KEY,
        )
    finally:
        line.end_it()
    assert found.outcome == SILENT and found.tanks == () and found.gauge is None
    assert "认不出的应答" in found.words[0]
    assert any(one.direction == JUNK for one in seen)


def test_a_console_that_refuses_to_tell_its_tanks_is_found_with_what_to_do(tmp_path: Path) -> None:
    refusal = frames.SOH + frames.UNKNOWN[0] + frames.ETX
    line = _Answers(PtyEnd(tmp_path / "port"), lambda asked: refusal)
    line.start()
    found = Findings(str(tmp_path / "port"))
    try:
        run.probe(
            Session(found, saw=lambda one: None, tell=lambda words: None, absent={table.TWOWIRE}),
            protocol=KEY,
        )
    finally:
        line.end_it()
    assert found.outcome == FOUND and found.tanks == () and found.serial == veeder_root.SERIAL
    assert "安全码" in found.words[0] and found.body()["proposal"]["tanks"] == []


def test_a_bad_wire_is_read_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "TRIES", 8)
    with bench(tmp_path) as port:
        port.console.faults = ConsoleFaults(noise=1, halved=4)
        found = port.probe()
    assert found.outcome == FOUND
    assert _figures(found)[2][:1] == (D("8000.000"),)


def test_another_master_of_the_console_is_recognised_and_nothing_sent(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        answer = port.console.feed(frames.question("i20100"))[0]
        port.console.asked.clear()

        def opener(url: str, serial: SerialSettings) -> Port:
            made = Port(url, serial)
            port.line.end.write(answer)
            return made

        found = Findings(port.url)
        session = Session(found, saw=port.frames.append, tell=port.said.append, opener=opener)
        run.probe(session, protocol=KEY)
        assert port.console.asked == []
    assert found.outcome == OCCUPIED and found.foreign is not None
    assert found.foreign.of == KEY and "Veeder-Root" in found.words[0]


# --------------------------------------------------------------------------- nothing is done


@pytest.mark.parametrize("options", [{}, {"display_only": True}, {"security": "000000"}])
def test_only_questions_go_out(options: dict[str, Any], tmp_path: Path) -> None:
    with bench(tmp_path, **options) as port:
        port.probe()
        asked = list(port.console.asked)
    assert asked and {code[0] for code in asked} <= {"i", "I"}
    assert {code[1:4] for code in asked} <= gauges.QUESTIONS


def test_what_is_no_question_is_refused(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        session = Session(Findings(port.url), saw=port.frames.append, tell=port.said.append)
        with session.port(veeder_root.SERIAL) as opened:
            console = gauges._Console(table.GAUGES[KEY], session, opened, veeder_root.SERIAL, "")
            for function in ("051", "501", "503"):
                with pytest.raises(Forbidden):
                    console.ask(function)
        assert port.console.asked == []


def test_a_probe_that_was_given_up_gives_the_port_back(tmp_path: Path) -> None:
    with bench(tmp_path) as port:
        port.console.faults.silent = True
        session = Session(
            Findings(port.url),
            saw=port.frames.append,
            tell=port.said.append,
            ended=lambda: bool(port.frames),
        )
        prober = GaugeProber(table.GAUGES[KEY], session, named=True, address=None)
        with pytest.raises(Cancelled):
            prober.probe()
        Port(port.url, veeder_root.SERIAL).close()


# --------------------------------------------------------------------------- the shell and the page


@pytest.mark.django_db
@pytest.mark.req("DEV-01")
def test_the_shell_tells_the_tanks_in_words_and_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PumpProber, "probe", lambda prober: False)
    with bench(tmp_path, security=CODE) as port:
        out, err = StringIO(), StringIO()
        asked = ("probe", port.url, "--protocol", KEY, "--security", CODE)
        call_command(*asked, stdout=out, stderr=err)
        assert "油罐 2：0# DIESEL，油量 8000.000 升" in out.getvalue()
        assert "建议设置" in out.getvalue() and "带安全码" in err.getvalue()
        assert CODE not in out.getvalue()
        out = StringIO()
        call_command(*asked, "--json", stdout=out, stderr=err)
        body = json.loads(out.getvalue())
        assert (body["version"], body["found"], len(body["tanks"])) == (1, True, 2)
        assert body["frames"]
        with pytest.raises(CommandError, match="安全码是 6 位"):
            call_command("probe", port.url, "--security", "12", stdout=out, stderr=err)


@pytest.mark.django_db
@pytest.mark.req("DEV-01")
def test_the_page_shows_the_tanks_and_leads_to_their_forms(tmp_path: Path) -> None:
    station = make.station()
    manager = make.manager(station)
    with bench(tmp_path) as port:
        port.console.probes[2].impossible = {"volume": D("-1")}
        found = port.probe()
    made = Probe.objects.create(
        station=station,
        url=port.url,
        protocol=KEY,
        actor=manager,
        asked_at=make.NOW,
        finished_at=make.NOW,
        told_at=make.NOW,
        status=found.outcome,
        findings=found.body(),
        frames=[one.body() for one in port.frames],
    )
    browser = make.signed_in(manager)
    page = browser.get(reverse("devices:probe", args=[made.pk])).content.decode()
    for words in (
        "找到的油罐", "12345.600", "17504.400", "999.6", "油量为负（-1.000）",
        "按此设置建立线路", "问罐存 i20100", "单位公制",
    ):  # fmt: skip
        assert words in page
    assert "油罐 1：" not in page  # the table says it
    line = Line.objects.create(station=station, name="液位仪", url=port.url, protocol=KEY)
    page = browser.get(reverse("devices:probe", args=[made.pk])).content.decode()
    assert "登记主机 2 号罐" in page
    to = f"{reverse('devices:gauges-new')}?line={line.pk}&number=2"
    assert to in page.replace("&amp;", "&")
    form = browser.get(to).content.decode()
    assert 'value="2"' in form
    GaugeTank.objects.create(line=line, number=2, tank=make.tank(station))
    page = browser.get(reverse("devices:probe", args=[made.pk])).content.decode()
    assert "登记主机 1 号罐" in page and "登记主机 2 号罐" not in page
    assert KEY in browser.get(reverse("devices:probe_new")).content.decode()


@pytest.mark.django_db
def test_the_poller_gives_a_probe_the_stations_own_code() -> None:
    station = make.station()
    Setting.objects.create(station=station, name="devices.gauge_security", value=CODE)
    probing.ask(
        station=station, url="/dev/ttyS9", protocol=KEY, address=None, rest=False,
        at=make.NOW, actor=make.manager(station),
    )  # fmt: skip
    (asked,) = probing.take(busy=(), at=make.NOW)
    assert (asked.protocol, asked.security) == (KEY, CODE)
