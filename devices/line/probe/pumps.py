"""Dispensers, asked through their codec: whoever is in the table of protocols is probed by this.

Nothing but questions goes out (`QUESTIONS`): no leave, no limit, no price, no closing. And before
a head has answered, the bytes of a poll are held against every other protocol, because the line may
be another make's: a Two-Wire pump obeys single bytes without a check, and a GasKitLink question to
station 16 holds one that is an authorisation there. Of AZT, 正星 and IFSF every question does, so that a
Two-Wire pump is looked for first, and they are asked where none is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from devices.line.port import Port
from devices.line.probe import findings as told
from devices.line.probe.session import Session
from devices.line.settling import money_agrees
from devices.line.wire import Wire, now
from devices.protocols import asks, base, table
from devices.protocols.base import (
    Codec,
    Decimals,
    DeviceSettings,
    Event,
    Identity,
    NozzleSelected,
    Parameters,
    PricesRead,
    Request,
    Seconds,
    SerialSettings,
    Status,
    TotalsRead,
    TransactionRead,
)
from devices.protocols.entry import PumpProtocol
from devices.recorder import HEARD, SENT

QUESTIONS = (
    asks.ReadStatus,
    asks.ReadIdentity,
    asks.ReadParameters,
    asks.ReadPrices,
    asks.ReadTotals,
    asks.ReadTransaction,
)
LIKELY = 16  # addresses that are tried at every setting before any other
NEIGHBOURS = 32  # addresses that are looked through once one has answered
MOST_NOZZLES = 8
PATIENCE: Seconds = 2.0
PLACES = (3, 2, 1, 0)
Said = TypeVar("Said", bound=Event)


class Forbidden(AssertionError):
    """A probe was about to do something."""


def ways(serial: SerialSettings, others: Iterable[SerialSettings]) -> tuple[SerialSettings, ...]:
    """The protocol's own setting first, then those it is met at, then the other parities."""
    rest = tuple(SerialSettings(serial.baud, 8, parity) for parity in ("N", "E", "O"))
    return tuple(dict.fromkeys((serial, *others, *rest)))


class PumpProber:
    """One protocol of dispensers on one port."""

    def __init__(
        self, entry: PumpProtocol, session: Session, *, named: bool, address: int | None
    ) -> None:
        self._entry, self._session = entry, session
        self._named, self._address = named, address
        self._nozzles = min(MOST_NOZZLES, entry.nozzles)
        self._echo = False
        self._settled = named and address is not None  # whose line it is, is known
        self._passed: set[int] = set()
        self._asked: set[int] = set()

    def probe(self) -> bool:
        """Look for heads and read them into the findings; True where one answered."""
        for serial, addresses, tries in self._plan():
            first = self._first(serial, addresses, tries)
            if first is not None:
                self._settled = True
                self._read_all(serial, first)
                return True
        self._session.findings.passed_over = tuple(sorted(self._passed))
        if self._asked == set(self._entry.addresses):
            self._session.absent.add(self._entry.key)
        return False

    def _plan(self) -> list[tuple[SerialSettings, tuple[int, ...], int]]:
        """Likely addresses at every setting, then the others; all of them only where it is named."""
        all_ways = ways(self._entry.serial, self._entry.others)
        if self._address is not None:
            return [(serial, (self._address,), 2) for serial in all_ways]
        known = tuple(self._entry.addresses)
        plan = [(all_ways[0], known[:LIKELY], 2)]
        plan += [(serial, known[:LIKELY], 1) for serial in all_ways[1:]]
        if self._named and known[LIKELY:]:
            plan += [(serial, known[LIKELY:], 1) for serial in all_ways]
        return plan

    def _first(self, serial: SerialSettings, addresses: tuple[int, ...], tries: int) -> int | None:
        """The first of these addresses that answers."""
        words = table.serial_in_words(serial)
        asked: list[int] = []
        try:
            with self._session.port(serial) as port:
                self._settle_echo(port, serial, addresses)
                for _ in range(tries):
                    for address in addresses:
                        self._session.tell(f"{self._entry.label}：{words}，问地址 {address}")
                        asked += [address] * (address not in asked)
                        if self._answers(port, serial, address):
                            return address
        finally:
            self._session.findings.tried.append(told.Tried(self._entry.key, serial, tuple(asked)))
        return None

    def _answers(self, port: Port, serial: SerialSettings, address: int) -> bool:
        """Two answers in a row: one may be noise."""
        head = self._head(port, serial, address)
        return all(head.poll() for _ in range(2))

    def _head(
        self, port: Port, serial: SerialSettings, address: int, decimals: Decimals | None = None
    ) -> _Head:
        known = decimals or _usual(self._entry)
        nozzles = tuple(range(1, self._nozzles + 1))
        codec = self._entry.codec(
            [DeviceSettings(address, nozzles, known, echo=self._echo)], self._entry.timing
        )
        codec.settings = serial
        log = _Log(self._entry, self._session)
        wire = Wire(port, codec, log, echo=self._echo)
        return _Head(self._session, codec, wire, log, address, self._may)

    def _may(self, request: Request) -> bool:
        """Whether this may be said. Raises Forbidden for what is no question at all."""
        if request.command is not None and not isinstance(request.command, QUESTIONS):
            raise Forbidden(type(request.command).__name__)
        free = {self._entry.key} | self._session.absent
        others = (one for one in table.PUMPS.values() if one.key not in free)
        if not self._settled and any(one.acts(request.data) for one in others):
            self._passed.add(request.address)
            return False
        self._asked.add(request.address)
        return True

    def _settle_echo(self, port: Port, serial: SerialSettings, addresses: tuple[int, ...]) -> None:
        """A converter that repeats us is heard at two addresses, since no two polls are alike."""
        self._echo = False
        two = [*addresses[:1], *(one for one in self._entry.addresses if one not in addresses[:1])]
        for address in two[:2]:
            head = self._head(port, serial, address)
            if not head.comes_back():
                return
        self._echo = True

    # ------------------------------------------------------------------ reading

    def _read_all(self, serial: SerialSettings, first: int) -> None:
        found = self._session.findings
        found.outcome, found.protocol, found.label = told.FOUND, self._entry.key, self._entry.label
        found.serial, found.echo = serial, self._echo
        with self._session.port(serial) as port:
            addresses = [first]
            if self._address is None:
                for address in self._entry.addresses[:NEIGHBOURS]:
                    self._session.tell(
                        f"{self._entry.label}：找同一条线上的其他机头，地址 {address}"
                    )
                    if address != first and self._answers(port, serial, address):
                        addresses.append(address)
            for address in sorted(addresses):
                self._session.tell(f"{self._entry.label}：读地址 {address} 的状态、单价、泵码")
                found.dispensers += (self._read(port, serial, address),)

    def _read(self, port: Port, serial: SerialSettings, address: int) -> told.Dispenser:
        head = self._head(port, serial, address)
        head.ask(asks.ReadStatus(address=address), Status)
        identity = head.ask(asks.ReadIdentity(address=address), Identity)
        parameters = head.ask(asks.ReadParameters(address=address), Parameters)
        decimals, source = _usual(self._entry), told.BY_PROTOCOL
        if parameters is not None and _sane(parameters.decimals):
            held = parameters.decimals
            decimals = replace(held, totals=held.volume, totals_amount=held.amount)
            source = told.BY_HEAD
            head = self._head(port, serial, address, decimals)
            head.ask(asks.ReadStatus(address=address), Status)
        prices = head.ask(asks.ReadPrices(address=address), PricesRead)
        fill = head.ask(asks.ReadTransaction(address=address), TransactionRead)
        if fill is not None and not (fill.litres or fill.amount):
            fill = None  # nothing is held
        totals = self._totals(head, address, len(prices.prices) if prices else 0)
        if source == told.BY_PROTOCOL and fill is not None:
            decimals, source = _by_fill(fill, decimals)
        shift = _usual(self._entry).volume - decimals.volume if source == told.BY_FILL else 0
        return told.Dispenser(
            address=address,
            address_words=self._entry.address_words(address),
            identity=identity.text if identity else None,
            state=str(head.status.condition) if head.status else None,
            nozzle=head.status.nozzle if head.status else 0,
            nozzle_out=head.status.nozzle_out if head.status else False,
            decimals=decimals,
            decimals_from=source,
            prices=prices.prices if prices else head.prices(),
            totals=tuple(
                told.Total(one.nozzle, one.litres.scaleb(shift), one.amount) for one in totals
            ),
            last_fill=told.LastFill(fill.nozzle, fill.litres.scaleb(shift), fill.amount, fill.price)
            if fill is not None
            else None,
        )

    def _totals(self, head: _Head, address: int, nozzles: int) -> list[TotalsRead]:
        """Of each nozzle; how many there are, the prices say, or the first that tells nothing."""
        out: list[TotalsRead] = []
        for nozzle in range(1, (nozzles or self._nozzles) + 1):
            command = asks.ReadTotals(address=address, nozzle=nozzle)
            said = head.ask(command, TotalsRead, _of(nozzle))
            if said is None and not nozzles:
                break
            out += [said] if said is not None else []
        return out


class _Log:
    """The black box of a probe: every frame with its words."""

    def __init__(self, entry: PumpProtocol, session: Session) -> None:
        self._entry, self._session = entry, session
        self.last: tuple[bytes, bytes] = b"", b""  # what was said, and what came of it

    def write(self, direction: str, data: bytes, at_ms: int) -> None:
        words = "未能辨认"
        if direction == SENT:
            self.last = data, b""
        else:
            self.last = self.last[0], self.last[1] + data
        if direction in (SENT, HEARD):
            words = self._entry.describe(data, from_master=direction == SENT)
        self._session.saw(told.Frame(at_ms, direction, data, words))


class _Head:
    """One address under questions."""

    def __init__(
        self,
        session: Session,
        codec: Codec,
        wire: Wire,
        log: _Log,
        address: int,
        may: Callable[[Request], bool],
    ) -> None:
        self._session, self._codec, self._wire, self._log = session, codec, wire, log
        self.address, self._may = address, may
        self.status: Status | None = None
        self._named: dict[int, NozzleSelected] = {}

    def poll(self) -> bool:
        """One exchange; whether the head answered it."""
        return self._exchange()[1]

    def comes_back(self) -> bool:
        """One poll; whether the wire gave our own words back."""
        self._exchange()
        sent, heard = self._log.last
        return bool(sent) and heard.startswith(sent)

    def ask(
        self,
        command: asks.Command,
        kind: type[Said],
        wanted: Callable[[Said], bool] = lambda one: True,
    ) -> Said | None:
        """Put one question and poll until it is answered, given up, or too late."""
        try:
            self._codec.submit(command)
        except (base.Unsupported, base.Malformed):
            return None
        until = now() + PATIENCE
        while now() < until:
            for event in self._exchange()[0]:
                if isinstance(event, kind) and wanted(event):
                    return event
                if isinstance(event, base.GaveUp):
                    return None
        self._codec.preempt(self.address)
        return None

    def prices(self) -> tuple[tuple[int, Decimal], ...]:
        """Where the head cannot be asked for them: of the nozzle it named by itself."""
        named = ((one.nozzle, one.price) for one in self._named.values())
        return tuple((nozzle, price) for nozzle, price in named if price)

    def _exchange(self) -> tuple[tuple[Event, ...], bool]:
        self._session.check()
        request = self._codec.next(self.address, now())
        if not self._may(request):
            return (), False
        events, answered = self._wire.exchange(request)
        for event in events:
            if isinstance(event, Status):
                self.status = event
            if isinstance(event, NozzleSelected) and event.nozzle:
                self._named[event.nozzle] = event
        return events, answered


def _of(nozzle: int) -> Callable[[TotalsRead], bool]:
    return lambda one: one.nozzle == nozzle


def _usual(entry: PumpProtocol) -> Decimals:
    return Decimals(volume=entry.volume_decimals, totals=entry.volume_decimals)


def _sane(held: Decimals) -> bool:
    return all(0 <= places <= 3 for places in (held.volume, held.amount, held.price))


def _by_fill(fill: TransactionRead, usual: Decimals) -> tuple[Decimals, str]:
    """The decimals of litres that make the last fill's own arithmetic come out; else the usual."""
    if not fill.price or not fill.amount:
        return usual, told.BY_PROTOCOL
    for places in sorted(PLACES, key=lambda one: one != usual.volume):
        own = replace(usual, volume=places, totals=places)
        if money_agrees(replace(fill, litres=fill.litres.scaleb(usual.volume - places)), own):
            return own, told.BY_FILL
    return usual, told.BY_PROTOCOL
