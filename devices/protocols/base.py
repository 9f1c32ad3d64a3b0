"""What every protocol speaks to the line: commands in, bytes out; bytes in, events out.

A codec is sans-I/O. It opens no port, reads no clock (`now` is handed in, monotonic seconds)
and knows no Django. One codec object serves one line with all its addresses, since on a shared
pair of wires only one request may be in flight.

The interface is wider than one protocol needs, because the others differ: answers without a
terminator whose length follows from the command, converters that echo, prices that travel only
inside a preset, transactions that must be closed, transaction numbers, blocks that need a
"data next" handshake. All of that stays inside a codec; the line sees `Request` and `Outcome`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

from devices.protocols.asks import Command

Seconds: TypeAlias = float  # durations and the monotonic clock; never litres, never money


class Unsupported(ValueError):
    """The protocol has no words for this command."""


class Malformed(ValueError):
    """Bytes that are not a whole and undamaged frame, or a frame that makes no sense."""


FOREIGN = "another address answered"  # the answer is whole, and not from whom was asked


# --------------------------------------------------------------------------- the line itself


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How the port is opened. Parity is pyserial's letter: N, E, O."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    def byte_time(self) -> Seconds:
        """Seconds that one byte spends on the wire, start bit and parity included."""
        return (1 + self.bits + (self.parity != "N") + self.stop) / self.baud


@dataclass(frozen=True, slots=True)
class Timing:
    """The protocol's own times in seconds."""

    window: Seconds  # from our last byte to the end of waiting for the first of the answer
    turnaround: Seconds  # quiet before we speak again
    reply_turnaround: Seconds  # quiet before a mere acknowledgement
    idle_poll: Seconds  # how often an idle device wants to be asked
    busy_poll: Seconds  # how often a fuelling device must be asked at least
    misses_until_offline: int = 3
    hits_until_online: int = 3
    tail: Seconds = 0.040  # more patience once an answer has begun
    longest_answer: Seconds = 0.400


@dataclass(frozen=True, slots=True)
class Decimals:
    """Digits after the point. A setting of the site: heads of one maker differ."""

    volume: int = 2
    amount: int = 2
    price: int = 2
    totals: int = 2
    totals_amount: int = 2


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One address on a line."""

    address: int
    nozzles: tuple[int, ...]  # logical numbers as the head counts them
    decimals: Decimals = field(default_factory=Decimals)
    echo: bool = False  # the converter repeats what we send
    reads_prices: bool = True  # the head can be asked for the prices it holds
    reads_parameters: bool = True  # and for the decimals it counts in


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a protocol can do; the line asks instead of knowing protocols."""

    sets_prices: bool = True  # False: the price travels inside each authorisation
    reads_prices: bool = True
    suspends: bool = True
    amount_totals: bool = True
    closes_transactions: bool = False  # a finished fill blocks the head until it is closed
    transaction_ids: bool = False
    stops_all_at_once: bool = False  # a broadcast that halts every head of the line
    binds_nozzle: bool = True  # False: leave given while hung is for whichever nozzle is lifted
    speaks_unasked: bool = False  # its heads say things by themselves, between answers too
    totals_decide: bool = False  # what the head holds may be the fill before: a sale moves totals


# --------------------------------------------------------------------------- events


class Condition(StrEnum):
    """What a fuelling point is doing, in words that hold for every protocol."""

    UNPROGRAMMED = "UNPROGRAMMED"  # lost its prices
    IDLE = "IDLE"  # nozzle in, nothing under way
    CALLING = "CALLING"  # nozzle out, not authorised
    AUTHORISED = "AUTHORISED"
    FUELLING = "FUELLING"
    SUSPENDED = "SUSPENDED"
    LIMIT = "LIMIT"  # preset reached, nozzle still out
    ENDED = "ENDED"  # delivery over, nozzle still out
    OFF = "OFF"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Event):
    condition: Condition
    nozzle: int  # 0 when the head names none
    nozzle_out: bool
    raw: int  # the protocol's own code
    unclosed: bool = False  # the head waits to be told that it may forget the finished fill


@dataclass(frozen=True, slots=True, kw_only=True)
class NozzleSelected(Event):
    """A nozzle was lifted or hung, or a status answer names it; with the price it sells at."""

    nozzle: int
    nozzle_out: bool
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(Event):
    """Litres and yuan on the display while fuel flows."""

    litres: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRead(Event):
    """The fill that the head holds, in answer to a question for it."""

    nozzle: int  # 0 when the head does not say
    litres: Decimal
    amount: Decimal
    price: Decimal | None
    transaction_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsRead(Event):
    nozzle: int
    litres: Decimal
    amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesRead(Event):
    prices: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpAlarm(Event):
    code: str
    raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Event):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters(Event):
    decimals: Decimals
    max_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Event):
    """The head acknowledged at link level. That is not yet an effect."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp(Event):
    """A command was not taken: refused, or no acknowledgement after all tries."""

    command: Command
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Event):
    """No answer within the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged(Event):
    """Something came that was not a whole frame, or not from the address that was asked."""

    why: str

    @property
    def foreign(self) -> bool:
        return self.why == FOREIGN


@dataclass(frozen=True, slots=True, kw_only=True)
class Swiped(Event):
    """A card lies on the reader."""

    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRemoved(Event):
    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Event):
    """A code was read. `secret` marks payment codes, which nobody may write down."""

    code: str
    secret: bool


# --------------------------------------------------------------------------- what a codec hands out


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a frame that must be masked before anything is written."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame as it came, or the junk between frames."""

    raw: bytes
    good: bool
    secret: tuple[Span, ...] = ()

    def masked(self) -> bytes:
        """The frame with every secret byte replaced by `*`."""
        out = bytearray(self.raw)
        for span in self.secret:
            out[span.start : span.stop] = b"*" * len(out[span.start : span.stop])
        return bytes(out)


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes to send to one address."""

    address: int
    data: bytes
    turnaround: Seconds
    window: Seconds = 0.0  # nothing is expected when zero
    command: Command | None = None  # None: a mere poll or acknowledgement
    secret: tuple[Span, ...] = ()
    unanswered: bool = False  # no answer belongs to it: it proves neither life nor silence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the bytes fed in, or of the waiting that ran out."""

    events: tuple[Event, ...] = ()
    heard: tuple[Heard, ...] = ()
    reply: Request | None = None  # to be sent at once; with a window it is waited for
    finished: bool = False  # the exchange is over and the line is free


class Codec(Protocol):
    """A master on a line with several devices."""

    settings: SerialSettings
    timing: Timing
    abilities: Abilities

    def submit(self, command: Command) -> None:
        """Queue a command for its address. Raises Unsupported."""

    def preempt(self, address: int) -> tuple[Command, ...]:
        """Drop whatever waits for the address and return it; an urgent command follows."""

    def busy(self, address: int) -> bool:
        """True while a command for the address waits or is under way."""

    def next(self, address: int, now: Seconds) -> Request:
        """What to say to this address now: a retry, the next step of a command, or a poll."""

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        """Bytes that came in answer to the last request."""

    def expire(self, now: Seconds) -> Outcome:
        """The window closed before the answer was whole."""

    def forget(self, address: int) -> None:
        """The link to this address was lost: nothing assumed about its state holds."""

    def stop_all(self) -> Request | None:
        """One message that halts the whole line, where the protocol has it."""


class Listener(Protocol):
    """A device that speaks without being asked: a card reader, a scanner."""

    settings: SerialSettings
    quiet: Seconds  # how long to wait before `expire` is called

    def feed(self, data: bytes, now: Seconds) -> Outcome: ...

    def expire(self, now: Seconds) -> Outcome: ...


class Passive(Protocol):
    """Somebody who hears both sides of a line and speaks to neither: what a recording is read by.

    It believes what the controller believes, by the same rules. What it cannot know is why a
    question was put, so what a command wanted and whether it was given up is not among its events.
    """

    def sent(self, raw: bytes, now: Seconds) -> None:
        """A frame of the controller's."""

    def heard(self, raw: bytes, now: Seconds) -> tuple[Event, ...]:
        """What comes of a frame of a head's. Damage is an event too."""


class Echo:
    """Takes our own bytes out of what comes back from an echoing converter."""

    def __init__(self) -> None:
        self._pending = b""

    def sent(self, data: bytes) -> None:
        self._pending = data

    def strip(self, data: bytes) -> bytes:
        """What is left after the echo. A differing byte ends the echo: somebody else spoke."""
        while data and self._pending and data[0] == self._pending[0]:
            data, self._pending = data[1:], self._pending[1:]
        if data:
            self._pending = b""
        return data


def bcd(value: int, size: int) -> bytes:
    """Packed BCD, most significant digit first. Raises Malformed when it does not fit."""
    text = str(value).rjust(2 * size, "0")
    if value < 0 or len(text) > 2 * size:
        raise Malformed(f"{value} does not fit into {size} bytes of BCD")
    return bytes.fromhex(text)


def from_bcd(data: Sequence[int]) -> int:
    """The number in packed BCD. Raises Malformed for a nibble above nine."""
    text = bytes(data).hex()
    if not text.isdecimal():
        raise Malformed(f"{text} is not BCD")
    return int(text)


def scaled(value: int, decimals: int) -> Decimal:
    """An integer of the wire as a number with its decimals."""
    return Decimal(value).scaleb(-decimals)


def unscaled(value: Decimal, decimals: int) -> int:
    """A number as the integer of the wire. Raises Malformed rather than round."""
    whole = value.scaleb(decimals)
    if whole != whole.to_integral_value():
        raise Malformed(f"{value} has more than {decimals} decimals")
    return int(whole)
