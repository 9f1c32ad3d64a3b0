"""What a probe found, as values and as JSON of a fixed shape (`docs/commissioning.md`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from devices.protocols.base import Decimals, SerialSettings

VERSION = 1
FOUND, SILENT, OCCUPIED = "FOUND", "SILENT", "OCCUPIED"
OF_A_TANK = "油罐 "  # how the words of a tank begin
BY_HEAD, BY_FILL, BY_PROTOCOL = "HEAD", "FILL", "PROTOCOL"  # who says the decimals


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it passed. `at_ms` is Unix time; secret bytes are masked."""

    at_ms: int
    direction: str
    raw: bytes
    words: str

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at_ms": self.at_ms,
            "direction": self.direction,
            "hex": self.raw.hex(" ").upper(),
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class Total:
    """One nozzle's totalizer in litres, and in yuan where the head counts them."""

    nozzle: int
    litres: Decimal
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class LastFill:
    """The fill on the display, litres and yuan."""

    nozzle: int
    litres: Decimal
    amount: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Dispenser:
    """One head that answered."""

    address: int
    address_words: str
    identity: str | None
    state: str | None  # `base.Condition`
    nozzle: int
    nozzle_out: bool
    decimals: Decimals
    decimals_from: str
    prices: tuple[tuple[int, Decimal], ...]
    totals: tuple[Total, ...]
    last_fill: LastFill | None


@dataclass(frozen=True, slots=True)
class Tank:
    """One tank of a gauge: litres, millimetres, degrees Celsius; None for what it does not tell."""

    tank: int
    product: str
    volume: Decimal | None
    height: Decimal | None
    water: Decimal | None
    temperature: Decimal | None
    ullage: Decimal | None = None
    doubt: str = ""  # why its figures are not to be believed

    @property
    def words(self) -> str:
        """The tank in a line, for people."""
        told = (
            (self.volume, "油量 {} 升"),
            (self.ullage, "空容 {} 升"),
            (self.height, "油高 {} 毫米"),
            (self.water, "水高 {} 毫米"),
            (self.temperature, "油温 {} ℃"),
        )
        figures = [text.format(value) for value, text in told if value is not None]
        doubt = f"，不可信：{self.doubt}" if self.doubt else ""
        return f"{OF_A_TANK}{self.tank}：{'，'.join([self.product, *figures])}{doubt}"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A console that answered: in which format, what it counts in, whether it wants a code."""

    format: str | None  # `messages.Format`
    units: str | None  # METRIC, US or IMPERIAL; None where it does not tell
    security: bool
    version: str | None


@dataclass(frozen=True, slots=True)
class Spoke:
    """What a reader or scanner said, masked: CARD or CODE and its last digits, CHIP and its name."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Traffic that is not ours. `of` is the protocol it was recognised as."""

    size: int
    pieces: int
    of: str
    words: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One way that was tried: a protocol, a port's settings, and the addresses asked."""

    protocol: str
    serial: SerialSettings
    addresses: tuple[int, ...]


@dataclass(slots=True)
class Findings:
    """The whole of it. Numbers leave as strings, so that no reader rounds them."""

    url: str
    outcome: str = SILENT
    protocol: str = ""
    label: str = ""
    serial: SerialSettings | None = None
    echo: bool = False
    dispensers: tuple[Dispenser, ...] = ()
    tanks: tuple[Tank, ...] = ()
    gauge: Gauge | None = None
    reader: Spoke | None = None
    foreign: Foreign | None = None
    passed_over: tuple[int, ...] = ()
    tried: list[Tried] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def found(self) -> bool:
        return self.outcome == FOUND

    def body(self) -> dict[str, Any]:
        """As JSON, version 1."""
        whole: dict[str, Any] = _plain(self._body())
        return whole

    def _body(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "found": self.found,
            "outcome": self.outcome,
            "url": self.url,
            "protocol": self.protocol or None,
            "label": self.label or None,
            "settings": self._settings(),
            "dispensers": [_dispenser(one) for one in self.dispensers],
            "tanks": [asdict(one) for one in self.tanks],
            "gauge": asdict(self.gauge) if self.gauge else None,
            "reader": asdict(self.reader) if self.reader else None,
            "foreign": asdict(self.foreign) if self.foreign else None,
            "passed_over": list(self.passed_over),
            "tried": [
                {
                    "protocol": one.protocol,
                    **asdict(one.serial),
                    "addresses": list(one.addresses),
                }
                for one in self.tried
            ],
            "proposal": self._proposal(),
            "words": list(self.words),
        }

    def _settings(self) -> dict[str, Any] | None:
        return {**asdict(self.serial), "echo": self.echo} if self.serial else None

    def _proposal(self) -> dict[str, Any] | None:
        """The line, and a row for each dispenser or tank, by the names of their forms."""
        if not self.found:
            return None
        return {
            "line": {"protocol": self.protocol, "url": self.url, **(self._settings() or {})},
            "dispensers": [
                {
                    "address": one.address,
                    "volume_decimals": one.decimals.volume,
                    "amount_decimals": one.decimals.amount,
                    "price_decimals": one.decimals.price,
                    "totals_decimals": one.decimals.totals,
                }
                for one in self.dispensers
            ],
            "tanks": [{"number": one.tank} for one in self.tanks],
        }


def _dispenser(one: Dispenser) -> dict[str, Any]:
    told = asdict(one)
    told["prices"] = [{"nozzle": nozzle, "price": price} for nozzle, price in one.prices]
    told["totals"] = [asdict(total) for total in one.totals]
    del told["decimals"]["totals_amount"]
    return told


def _plain(value: Any) -> Any:
    """Numbers as text, and text of a machine without what a database cannot keep."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return "".join(one if one.isprintable() else "?" for one in value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
