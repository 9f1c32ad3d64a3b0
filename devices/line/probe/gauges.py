"""Consoles of tank gauges, asked through their codec.

Nothing but questions goes out (`QUESTIONS`). Each setting is asked without a security code first:
a console that wants one says nothing to whoever leaves it out, one that wants none does not know
what begins with it. The codec itself goes from the computer format to the display format.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from devices.line.gauging import listen
from devices.line.port import Port
from devices.line.probe import findings as told
from devices.line.probe.pumps import Forbidden, ways
from devices.line.probe.session import Session
from devices.line.wire import now
from devices.protocols import table
from devices.protocols.base import Event, Heard, Outcome, Seconds, SerialSettings
from devices.protocols.entry import GaugeProtocol
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.believing import why_impossible
from devices.protocols.veeder_root.codec import TRIES, WINDOW, Ask, NotKnown
from devices.protocols.veeder_root.describe import UNIT_WORDS
from devices.protocols.veeder_root.units import metric
from devices.recorder import HEARD, JUNK, SENT

QUESTIONS: Final = frozenset({m.INVENTORY, m.UNITS, m.LABELS, m.VERSION})
FIRST: Seconds = 2.0  # to the first byte, of a console that may not be there
FACTORY_CODE = "000000"
FORMATS = {m.Format.COMPUTER: "计算机格式", m.Format.DISPLAY: "显示格式（主机不认计算机格式）"}
NO_UNITS = (
    "主机没有说明用公制还是英制，油量、高度、温度不换算也不显示："
    "请在主机上设为公制，或查清后在“设置 → 限额与参数”里写明单位"
)
REFUSES = (
    "主机有应答，但不认读罐存的命令：请看主机是否启用了串口安全码，在“设置 → 限额与参数”填写后再试"
)
SILENT_HINT = (
    "液位仪没有应答时，请看主机的串口设置；启用了串口安全码的，先在“设置 → 限额与参数”填写"
)


class GaugeProber:
    """One protocol of consoles on one port."""

    def __init__(
        self, entry: GaugeProtocol, session: Session, *, named: bool, address: int | None
    ) -> None:
        self._entry, self._session, self._named = entry, session, named
        self._noise = 0  # bytes that made no sense

    def probe(self) -> bool:
        """Look for a console and read its tanks into the findings; True where one answered."""
        if any(self._try(serial) for serial in self._ways()):
            return True
        self._session.findings.words += list(self._why_not())
        return False

    def _ways(self) -> tuple[SerialSettings, ...]:
        """A converter of raw TCP has its own setting, whatever we say."""
        every = ways(self._entry.serial, self._entry.others)
        return every[:1] if self._session.findings.url.startswith("socket://") else every

    def _why_not(self) -> Iterable[str]:
        if self._noise:
            yield (
                f"{self._entry.label}：收到 {self._noise} 个字节认不出的应答，"
                "多半是波特率、校验不对，或线上是别的设备"
            )
        if self._named:
            yield SILENT_HINT

    # ------------------------------------------------------------------ one setting

    def _try(self, serial: SerialSettings) -> bool:
        words = table.serial_in_words(serial)
        self._session.findings.tried.append(told.Tried(self._entry.key, serial, ()))
        refused = False
        with self._session.port(serial) as port:
            for code in ("", self._session.security or FACTORY_CODE):
                with_code = "，带安全码" if code else ""
                self._session.tell(f"{self._entry.label}：{words}，问罐存{with_code}")
                console = _Console(self._entry, self._session, port, serial, code)
                events = console.ask(m.INVENTORY)
                self._noise += console.noise
                for event in events:
                    if isinstance(event, m.InventoryRead):
                        self._read(serial, console, event, bool(code))
                        return True
                    refused |= isinstance(event, NotKnown)
        if refused:
            self._found(serial, told.Gauge(None, None, False, None))
            self._session.findings.words.append(REFUSES)
        return refused

    def _found(self, serial: SerialSettings, gauge: told.Gauge) -> None:
        found = self._session.findings
        found.outcome, found.protocol, found.label = told.FOUND, self._entry.key, self._entry.label
        found.serial, found.gauge = serial, gauge

    def _read(
        self, serial: SerialSettings, console: _Console, inventory: m.InventoryRead, coded: bool
    ) -> None:
        """What else it tells: units, names, its version."""
        self._session.tell(f"{self._entry.label}：读单位、油品名、版本")
        console.patient()
        units, labels, version = None, dict[int, str](), None
        for function in (m.UNITS, m.LABELS, m.VERSION):
            for event in console.ask(function):
                match event:
                    case m.UnitsRead():
                        units = event.units
                    case m.LabelsRead():
                        labels = dict(event.labels)
                    case m.VersionRead():
                        version = event.text
        known = units.name if units is not None else None
        self._found(serial, told.Gauge(inventory.format, known, coded, version))
        found = self._session.findings
        found.tanks = tuple(_tank(one, labels, units) for one in inventory.tanks)
        found.words += list(_words(inventory.format, units, coded))


def _words(format: m.Format, units: m.Units | None, coded: bool) -> Iterable[str]:
    if units is None:
        yield f"液位仪用{FORMATS[format]}应答；{NO_UNITS}"
    else:
        turned = "" if units is m.Units.METRIC else "，已换算成升、毫米、℃"
        yield f"液位仪用{FORMATS[format]}应答，单位{UNIT_WORDS[units]}{turned}"
    if coded:
        yield "这台主机要安全码：请在“设置 → 限额与参数”填写，线路才问得到它"


def _tank(one: m.Tank, labels: dict[int, str], units: m.Units | None) -> told.Tank:
    product = labels.get(one.tank) or one.product.strip()
    if units is None:
        return told.Tank(one.tank, product, None, None, None, None, None, "主机没有说明单位")
    read = metric(one, units)
    return told.Tank(
        tank=one.tank,
        product=product,
        volume=_number(read.volume),
        height=_number(read.height),
        water=_number(read.water),
        temperature=_number(read.temperature),
        ullage=_number(read.ullage),
        doubt="主机判为液位无效" if one.invalid else why_impossible(read),
    )


def _number(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value.is_finite() else None


class _Console:
    """One console under questions."""

    def __init__(
        self,
        entry: GaugeProtocol,
        session: Session,
        port: Port,
        serial: SerialSettings,
        security: str,
    ) -> None:
        self._entry, self._session, self._port = entry, session, port
        self._codec = entry.codec(security=security, tries=1, window=FIRST)
        self._codec.settings = serial
        self.noise = 0

    def patient(self) -> None:
        """It is there: wait for its answers as a line does."""
        self._codec.tries, self._codec.window = TRIES, WINDOW

    def ask(self, function: str) -> tuple[Event, ...]:
        """Put one question until it is answered or given up. Raises Forbidden for what is none."""
        if function not in QUESTIONS:
            raise Forbidden(function)
        self._codec.submit(Ask(function))
        events: tuple[Event, ...] = ()
        while (request := self._codec.next(now())) is not None:
            self._session.check()
            self._stale(self._port.receive(request.turnaround))
            self._port.send(request.data)
            asked = Heard(request.data, True, request.secret).masked()
            self._session.note(asked, self._entry.describe(asked, from_master=True), SENT)
            outcome = listen(self._port, self._codec, self._note, ended=self._session.ended)
            self._note(outcome)
            events += outcome.events
        return events

    def _stale(self, data: bytes) -> None:
        if data:
            self._note(Outcome(heard=(Heard(data, good=False),)))

    def _note(self, outcome: Outcome) -> None:
        for heard in outcome.heard:
            self.noise += 0 if heard.good else len(heard.raw)
            words = self._entry.describe(heard.raw, from_master=False)
            self._session.note(heard.masked(), words, HEARD if heard.good else JUNK)
