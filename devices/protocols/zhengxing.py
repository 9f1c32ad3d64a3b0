"""正星 (Censtar domestic, current loop): the controller's end, the frames of both ends, and in words.

`FC CMD FP data XOR`; FP is the panel, and a panel is a nozzle. There is no end byte: the length
follows from the command, and differs between a question and its answer. Each answer carries the
status, and an answer to a command says whether it was taken. The XOR has eight bits.

A finished fill stays stored (bit 4 of the status), and no sale begins before it was read by 15 and
acknowledged by 17 with two bytes out of it.

Chosen where the description is silent, and proved on no head: see UNPROVEN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, Malformed, bcd, from_bcd, scaled
from devices.protocols.cutting import Deframer, Shape, check_of
from devices.protocols.limits import limit_of, only_nozzle, only_price
from devices.protocols.states import Point, State
from devices.protocols.turns import Doing, Taken, Turns
from devices.protocols.words import damaged

UNPROVEN: Final = """
- Where litres, yuan and price stand in the answers to 0C, 12, 15 and 18: TOTALS_AT, PRICE_AT,
  FILL_AT, LIVE_AT. The bytes in between are read over.
- Totals are six bytes of litres and six of yuan.
- The bytes to echo are 23 and 24 counted from FC as nought: ECHO_AT.
- No stored fill: the answer carries 16 in the place of the command and is as long as a status.
- The chain number of a preset is nought: CHAIN.
- A closed head (status 2) came up anew: it gets its price, and 08 AA to open it.
- A fill-up is a preset of the largest sum; 06 alone is never sent.
- At its preset a head says that it fuels until the nozzle is hung; after 05 its fill is stored.
- Bits 5 and 6 of the status mean nothing.
"""

START = 0xFC
ADDRESSES = range(1, 100)
PRESET_YUAN, PRESET_LITRES, SET_PRICE, STOP, AUTHORISE, MODE = 0x01, 0x02, 0x03, 0x05, 0x06, 0x08
TOTALS, STATUS, READ_PRICE, TRANSACTION, NONE = 0x0C, 0x0D, 0x12, 0x15, 0x16
CLOSE, LIVE = 0x17, 0x18
TAKEN, REFUSED = 0xBB, 0xCC
OPEN = 0xAA  # the control mode in which the controller allows
PRESET_TYPE = b"\x00"
CHAIN = b"\x00\x00"
# whole frames, from FC to the XOR
QUESTIONS: Mapping[int, int] = {
    **dict.fromkeys((STOP, AUTHORISE, TOTALS, STATUS, READ_PRICE, TRANSACTION, LIVE), 4),
    **dict.fromkeys((SET_PRICE, CLOSE), 6),
    MODE: 5,
    PRESET_LITRES: 9,
    PRESET_YUAN: 10,
}
SAYS_TAKEN = (PRESET_YUAN, PRESET_LITRES, SET_PRICE, STOP, AUTHORISE, MODE, CLOSE)
ANSWERS: Mapping[int, int] = {
    **dict.fromkeys(SAYS_TAKEN, 6),
    **dict.fromkeys((STATUS, NONE), 5),
    LIVE: 13,
    TOTALS: 17,
    READ_PRICE: 18,
    TRANSACTION: 36,
}
DATA = 4  # where an answer's data begin
VOLUME, AMOUNT, PRICE, TOTAL = 3, 3, 2, 6  # bytes of BCD
LIVE_AT = FILL_AT = (4, 7, 10)  # litres, yuan, price
PRICE_AT = 4
TOTALS_AT = (4, 10)  # litres, yuan
ECHO_AT = slice(23, 25)
MOST = 999_999  # of litres or yuan

INOPERATIVE, CLOSED, IDLE, CALLING, AUTHORISED, STARTED = 1, 2, 3, 4, 5, 6
SUSPENDED_STARTED, FUELLING, SUSPENDED_FUELLING = 7, 8, 9
OUT, STORED = 0x80, 0x10  # bits of the status
_CONDITIONS = {
    INOPERATIVE: Condition.ERROR,
    CLOSED: Condition.UNPROGRAMMED,
    IDLE: Condition.IDLE,
    CALLING: Condition.CALLING,
    AUTHORISED: Condition.AUTHORISED,
    STARTED: Condition.AUTHORISED,
    SUSPENDED_STARTED: Condition.SUSPENDED,
    FUELLING: Condition.FUELLING,
    SUSPENDED_FUELLING: Condition.SUSPENDED,
}
_RESTS = (CLOSED, IDLE, CALLING)

TIMING = base.Timing(
    window=0.200,
    turnaround=0.100,
    reply_turnaround=0.100,
    idle_poll=0.450,
    busy_poll=0.100,
    misses_until_offline=5,
)
SERIAL = base.SerialSettings(baud=9600, bits=8, parity="E", stop=1)
ABILITIES = base.Abilities(suspends=False, closes_transactions=True, transaction_ids=True)


# --------------------------------------------------------------------------- frames


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of either end: command, panel, and what follows."""

    command: int
    address: int = 0  # in a question: filled in when it is written
    data: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of a message with its check."""
    body = bytes((frame.command, frame.address)) + frame.data
    return bytes((START,)) + body + bytes((check_of(body),))


def decode(raw: bytes, sizes: Mapping[int, int]) -> Frame:
    """A message from its bytes. Raises Malformed."""
    if len(raw) < 4 or raw[0] != START or raw[1] not in sizes:
        raise Malformed("no message")
    if len(raw) != sizes[raw[1]]:
        raise Malformed("not as long as its command says")
    if check_of(raw[1:]):
        raise Malformed("check byte")
    return Frame(raw[1], raw[2], raw[3:-1])


def deframer(sizes: Mapping[int, int]) -> Deframer[Frame]:
    """Cuts one direction of the stream."""

    def begins(left: bytes) -> bool:
        return left[0] == START and (len(left) < 2 or left[1] in sizes)

    def size(left: bytes) -> int:
        return sizes[left[1]] if len(left) > 1 else 0

    return Deframer(Shape(begins, size, lambda raw: decode(raw, sizes)))


# --------------------------------------------------------------------------- what is said


@dataclass(frozen=True, slots=True)
class Fill:
    """15 and 18: litres, yuan and price; a stored one with the bytes that acknowledge it."""

    volume: int = 0
    amount: int = 0
    price: int = 0
    echo: bytes = b""


@dataclass(frozen=True, slots=True)
class Totals:
    """0C."""

    volume: int
    amount: int


@dataclass(frozen=True, slots=True)
class Price:
    """12: what the head sells at."""

    value: int


Told = Fill | Totals | Price | bool | None


def answer(command: int, address: int, status: int, told: Told = None) -> bytes:
    """An answer as bytes: what a head says. Raises Malformed where a number has too many digits."""
    out = bytearray(ANSWERS[command])
    out[:4] = START, command, address, status
    match told:
        case bool():
            out[DATA] = TAKEN if told else REFUSED
        case Totals():
            _put(out, TOTALS_AT, (told.volume, told.amount), (TOTAL, TOTAL))
        case Price():
            _put(out, (PRICE_AT,), (told.value,), (PRICE,))
        case Fill():
            values = told.volume, told.amount, told.price
            at = LIVE_AT if command == LIVE else FILL_AT
            _put(out, at, values, (VOLUME, AMOUNT, PRICE))
            if command == TRANSACTION:
                out[ECHO_AT] = told.echo
    out[-1] = check_of(bytes(out[1:-1]))
    return bytes(out)


def _put(
    out: bytearray, at: tuple[int, ...], values: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    for start, value, size in zip(at, values, sizes, strict=True):
        out[start : start + size] = bcd(value, size)


def read_answer(frame: Frame) -> tuple[int, Told]:
    """Status, and what else an answer says. Raises Malformed."""
    raw = encode(frame)

    def number(at: int, size: int) -> int:
        return from_bcd(raw[at : at + size])

    status = raw[3]
    if frame.command in SAYS_TAKEN:
        if raw[DATA] not in (TAKEN, REFUSED):
            raise Malformed(f"{raw[DATA]:02X} is neither yes nor no")
        return status, raw[DATA] == TAKEN
    match frame.command:
        case 0x0C:
            return status, Totals(*(number(at, TOTAL) for at in TOTALS_AT))
        case 0x12:
            return status, Price(number(PRICE_AT, PRICE))
        case 0x15 | 0x18:
            stored = frame.command == TRANSACTION
            volume, amount, price = FILL_AT if stored else LIVE_AT
            echo = raw[ECHO_AT] if stored else b""
            figures = number(volume, VOLUME), number(amount, AMOUNT), number(price, PRICE)
            return status, Fill(*figures, echo)
        case 0x16:
            return status, Fill()
    return status, None


def state_of(status: int, nozzle: int) -> State:
    """A status byte in common words. Raises Malformed."""
    code, out = status & 0x0F, bool(status & OUT)
    if code not in _CONDITIONS:
        raise Malformed(f"no status {code}")
    condition = _CONDITIONS[code]
    unclosed = bool(status & STORED) and code in _RESTS
    if code in _RESTS:
        out = out or code == CALLING
    if unclosed or (code == IDLE and out):
        condition = Condition.IDLE if unclosed else Condition.CALLING
    alarm = "INOPERATIVE" if condition is Condition.ERROR else ""
    named = nozzle if out or condition is Condition.AUTHORISED else 0
    return State(condition, named, out, status, unclosed, alarm)


# --------------------------------------------------------------------------- the controller


class ZhengxingPoint(Point):
    """One panel: one nozzle. The status says whether it is out."""

    lifted_for = 0.0

    def forget(self) -> None:
        super().forget()
        self.echo = b""  # of the stored fill that was read last

    def live(self, said: Fill) -> list[Event]:
        """Litres and yuan on the display."""
        places = self.settings.decimals
        litres, amount = scaled(said.volume, places.volume), scaled(said.amount, places.amount)
        return [base.Delivered(address=self.settings.address, litres=litres, amount=amount)]


class ZhengxingCodec(Turns):
    """One loop of 正星 panels. A question is its command and data."""

    settings = SERIAL
    abilities = ABILITIES
    usual = TIMING
    status = Frame(STATUS, 0)
    round = (status, Frame(LIVE, 0))
    point = ZhengxingPoint

    def deframer(self) -> Deframer[Frame]:
        return deframer(ANSWERS)

    def write(self, address: int, question: Frame) -> bytes:
        return encode(Frame(question.command, address, question.data))

    def read(self, frame: Frame, question: Frame, point: ZhengxingPoint) -> Any:
        none = question.command == TRANSACTION and frame.command == NONE
        if frame.address != point.settings.address:
            raise Malformed(base.FOREIGN)
        if frame.command != question.command and not none:
            raise Malformed(f"{frame.command:02X} is no answer to {question.command:02X}")
        status, told = read_answer(frame)
        state = state_of(status, only_nozzle(point.settings))
        if told is None:
            return state
        if state != point.state:
            point.doubt()
        return Taken(told) if isinstance(told, bool) else told

    def steps(self, command: asks.Command, point: ZhengxingPoint) -> tuple[Frame, ...]:
        places = point.settings.decimals
        match command:
            case asks.Authorise():
                return self._authorise(command, point)
            case asks.SetPrices(prices=prices):
                price = Frame(SET_PRICE, 0, bcd(only_price(prices, places), PRICE))
                closed = point.state is not None and point.state.raw & 0x0F == CLOSED
                return (price, Frame(MODE, 0, bytes((OPEN,)))) if closed else (price,)
            case asks.Stop():
                return (Frame(STOP),)
            case asks.CloseTransaction():
                if not point.echo:
                    raise Malformed("only a fill that was read can be acknowledged")
                return (Frame(CLOSE, 0, point.echo),)
            case asks.ReadTransaction():
                return (Frame(TRANSACTION),)
            case asks.ReadPrices():
                return (Frame(READ_PRICE),)
            case asks.ReadTotals(nozzle=nozzle) if nozzle == only_nozzle(point.settings):
                return (Frame(TOTALS),)
        raise base.Unsupported(f"正星 has no {type(command).__name__}")

    @staticmethod
    def _authorise(command: asks.Authorise, point: ZhengxingPoint) -> tuple[Frame, ...]:
        """The limit, and leave; at the price that the head was given."""
        places = point.settings.decimals
        limit = limit_of(command, places, most_volume=MOST, most_amount=MOST)
        if limit.litres:
            preset = Frame(PRESET_LITRES, 0, bcd(limit.value, VOLUME) + CHAIN)
        else:
            preset = Frame(PRESET_YUAN, 0, bcd(limit.value, AMOUNT) + PRESET_TYPE + CHAIN)
        return preset, Frame(AUTHORISE)

    def figure(self, command: asks.Command, point: ZhengxingPoint, read: list[Any]) -> Event:
        places, address = point.settings.decimals, point.settings.address
        nozzle = only_nozzle(point.settings)
        match read[0]:
            case Totals(volume, amount):
                return base.TotalsRead(
                    address=address,
                    nozzle=nozzle,
                    litres=scaled(volume, places.totals),
                    amount=scaled(amount, places.totals_amount),
                )
            case Price(value):
                held = ((nozzle, scaled(value, places.price)),) if value else ()
                return base.PricesRead(address=address, prices=held)
        fill: Fill = read[0]
        point.echo = fill.echo
        return base.TransactionRead(
            address=address,
            nozzle=nozzle,
            litres=scaled(fill.volume, places.volume),
            amount=scaled(fill.amount, places.amount),
            price=scaled(fill.price, places.price) if fill.price else None,
            transaction_id=fill.echo.hex(),
        )

    def done(self, doing: Doing, point: ZhengxingPoint) -> None:
        if isinstance(doing.command, asks.CloseTransaction):
            point.echo = b""


# --------------------------------------------------------------------------- in words


_ASKED = {STOP: "停止", AUTHORISE: "授权", TOTALS: "问泵码", STATUS: "问状态", READ_PRICE: "问单价"}
_ASKED |= {TRANSACTION: "问交易", LIVE: "问当前升数金额", PRESET_YUAN: "预置金额"}
_ASKED |= {PRESET_LITRES: "预置升数", SET_PRICE: "改价", MODE: "控制方式", CLOSE: "结束交易"}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    try:
        frame = decode(raw, QUESTIONS if from_master else ANSWERS)
        head = f"{frame.address} {frame.command:02X}"
        if from_master:
            return f"{head} {_ASKED[frame.command]} {frame.data.hex(' ')}".rstrip()
        status, told = read_answer(frame)
    except Malformed as wrong:
        return damaged(raw, str(wrong))
    return f"{head} 状态 {status:02X} {_told_words(told)}".rstrip()


def _told_words(told: Told) -> str:
    match told:
        case bool():
            return "接受" if told else "拒绝"
        case Totals(volume, amount):
            return f"泵码 {volume} 金额累计 {amount}"
        case Price(value):
            return f"单价 {value}"
        case Fill(volume, amount, price, echo):
            return f"升数 {volume} 金额 {amount} 单价 {price} {echo.hex()}".rstrip()
    return ""


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """A question that is put all the time: status, litres and yuan."""
    return from_master and len(raw) == 4 and raw[1] in (STATUS, LIVE)
