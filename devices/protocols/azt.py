"""AZT 2.0: the controller's end, the frames of both ends, and a frame in words.

An address is a nozzle. Each byte of data is followed by its complement, and the whole by an XOR in
which one bit is always set. Answers name neither the head nor the question, and `ACK` has no check
at all: what counts is read back from the state.

Chosen where the description is silent, and proved on no head: see UNPROVEN.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, Malformed, scaled
from devices.protocols.cutting import Deframer, Shape, check_of
from devices.protocols.limits import limit_of, only_nozzle, only_price
from devices.protocols.states import Point, State
from devices.protocols.turns import Doing, Taken, Turns
from devices.protocols.words import damaged

UNPROVEN: Final = """
- 5 tells litres, yuan, price in FULL digits; 4 tells a nozzle digit and CURRENT digits of litres.
- 6 tells litres and yuan in equally many digits each.
- 5 may hold the fill before until fuel flows; what was sold is told by the totals.
- The price of 5 is the fill's and not the one in force: what Q set cannot be read back before.
- State 4 does not tell whether the nozzle is in. After it 1 is no call until 0 was seen.
- A dose of so many yuan, or the largest, may be given in states 0 and 1; in state 8 the head has a
  dose of its own, and only a start without a limit is given, which leaves it that.
- The reason behind 4 is an alarm where it is not 0.
"""

PAD, STX, ETX = 0x7F, 0x02, 0x03
ACK, CAN, NAK = 0x06, 0x18, 0x15
SHORTS = {ACK: "ACK", CAN: "CAN", NAK: "NAK"}
FURTHER = range(0x07, 0x15)  # start bytes of the addresses behind the first fifteen
A_START = 15  # addresses of one start byte
ADDRESSES = range(1, A_START * (1 + len(FURTHER)) + 1)
FIRST = 0x21  # the byte of the first address
ALWAYS = 0x40  # set in every check
LONGEST = 2 + 2 * 100 + 3  # of a frame, and more is none

OFF, CALLING, AUTHORISED, DELIVERING, ENDED, LOCAL = "0", "1", "2", "3", "4", "8"
ASK_STATE, START, STOP, CURRENT, FULL, TOTALS, TYPE, CONFIRM = "12345678"
VERSION, PRICE, DOSE_YUAN, DOSE_LITRES = "PQST"
FULL_DIGITS = (6, 8, 6)  # litres, yuan, price
CURRENT_DIGITS = 5
PRICE_DIGITS, YUAN_DIGITS, LITRES_DIGITS = 4, 6, 5
MOST_YUAN, MOST_LITRES = 10**YUAN_DIGITS - 1, 10**LITRES_DIGITS - 1
TOTALS_DIGITS = range(6, 11)
NORMAL = "0"  # the reason of an end
OVERRUN = "OVERRUN"

TIMING = base.Timing(
    window=0.400,
    turnaround=0.010,
    reply_turnaround=0.010,
    idle_poll=0.450,
    busy_poll=0.100,
    misses_until_offline=3,
)
SERIAL = base.SerialSettings(baud=4800, bits=7, parity="E", stop=2)
ABILITIES = base.Abilities(
    reads_prices=False, suspends=False, closes_transactions=True, totals_decide=True
)
_NONE = (None, None)


# --------------------------------------------------------------------------- frames


@dataclass(frozen=True, slots=True)
class Frame:
    """A short answer, or plain characters behind a start byte."""

    start: int
    text: str = ""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame, with complements and check."""
    if frame.start in SHORTS:
        return bytes((PAD, frame.start))
    plain = frame.text.encode("ascii")
    doubled = bytes(byte for one in plain for byte in (one, one ^ PAD))
    return bytes((PAD, frame.start)) + doubled + bytes((ETX, ETX, _check(plain)))


def decode(raw: bytes, *, from_master: bool) -> Frame:
    """A frame from its bytes, padding in front left out. Raises Malformed."""
    raw = raw.lstrip(bytes((PAD,)))
    if raw[:1] and raw[0] in SHORTS and len(raw) == 1 and not from_master:
        return Frame(raw[0])
    if len(raw) < 6 or not _starts(raw[0], from_master=from_master) or len(raw) % 2:
        raise Malformed("no whole frame")
    pairs = raw[1:-3]
    plain, complements = pairs[::2], pairs[1::2]
    if raw[-3:-1] != bytes((ETX, ETX)):
        raise Malformed("no end")
    if any(one ^ other != PAD for one, other in zip(plain, complements, strict=True)):
        raise Malformed("a byte and its complement")
    if raw[-1] != _check(plain):
        raise Malformed("check byte")
    if not all(0x20 <= one < PAD for one in plain):
        raise Malformed("data that is no text")
    return Frame(raw[0], plain.decode("ascii"))


def _check(plain: bytes) -> int:
    return check_of(plain) ^ ETX | ALWAYS


def _starts(byte: int, *, from_master: bool) -> bool:
    return byte == STX or (byte in FURTHER if from_master else byte in SHORTS)


def deframer(*, from_master: bool) -> Deframer[Frame]:
    """Cuts one direction of the stream; more padding than one byte is no damage."""

    def begins(left: bytes) -> bool:
        behind = left.lstrip(bytes((PAD,)))[:1]
        return left[0] == PAD and (not behind or _starts(behind[0], from_master=from_master))

    def size(left: bytes) -> int:
        at = len(left) - len(left.lstrip(bytes((PAD,))))
        if left[at : at + 1] and left[at] in SHORTS:
            return at + 1
        for pair in range(at + 1, len(left) - 1, 2):
            ends = left[pair] == left[pair + 1] == ETX
            if ends or left[pair] ^ left[pair + 1] != PAD or pair - at > LONGEST:
                return pair + 3 if ends else pair + 2
        return 0

    return Deframer(Shape(begins, size, lambda raw: decode(raw, from_master=from_master)))


def ask(address: int, text: str) -> Frame:
    """A question: the address, a command letter and its digits."""
    more, low = divmod(address - ADDRESSES[0], A_START)
    return Frame(FURTHER[more - 1] if more else STX, chr(FIRST + low) + text)


def asked(frame: Frame) -> tuple[int, str]:
    """Who is asked, and what. Raises Malformed."""
    low = ord(frame.text[:1] or "\0") - FIRST
    if not (0 <= low < A_START and frame.text[1:]):
        raise Malformed("nobody is asked")
    more = 0 if frame.start == STX else FURTHER.index(frame.start) + 1
    return ADDRESSES[0] + more * A_START + low, frame.text[1:]


def digits(value: int, size: int) -> str:
    """A number as so many characters. Raises Malformed where it has more."""
    text = str(value).rjust(size, "0")
    if value < 0 or len(text) > size:
        raise Malformed(f"{value} does not fit into {size} digits")
    return text


def numbers(text: str, *sizes: int) -> tuple[int, ...]:
    """Numbers of so many digits each, and nothing else. Raises Malformed."""
    if len(text) != sum(sizes) or not text.isdigit():
        raise Malformed(f"{text} has other digits")
    ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
    return tuple(int(text[end - size : end]) for end, size in zip(ends, sizes, strict=True))


# --------------------------------------------------------------------------- what is said


@dataclass(frozen=True, slots=True)
class Full:
    """5: the fill that the head holds."""

    volume: int
    amount: int
    price: int

    def text(self) -> str:
        values = (self.volume, self.amount, self.price)
        return "".join(digits(*each) for each in zip(values, FULL_DIGITS, strict=True))


def state_of(text: str) -> State:
    """A state as it is said, in common words. Raises Malformed."""
    ended = text[:1] == ENDED
    if not text.isdigit() or len(text) != 1 + ended:
        raise Malformed(f"{text} is no state")
    raw = int(text[0])
    match text[0]:
        case "0":
            return State(Condition.IDLE, 0, False, raw)
        case "1" | "8":
            return State(Condition.CALLING, 1, True, raw)
        case "2":
            return State(Condition.AUTHORISED, 1, False, raw)
        case "3":
            return State(Condition.FUELLING, 1, True, raw)
        case "4":
            alarm = "" if text[1] == NORMAL else OVERRUN
            return State(Condition.IDLE, 1, True, raw, unclosed=True, alarm=alarm)
    raise Malformed(f"no state {text}")


class AztPoint(Point):
    """One address: one nozzle."""

    price = Decimal(0)  # what the head was given last

    def live(self, said: int) -> list[Event]:
        """The head tells litres; the yuan are what they cost, and only shown."""
        places = self.settings.decimals
        litres = scaled(said, places.volume)
        fen = Decimal(1).scaleb(-places.amount)
        amount = (litres * self.price).quantize(fen, ROUND_HALF_UP)
        return [base.Delivered(address=self.settings.address, litres=litres, amount=amount)]


class AztCodec(Turns):
    """One line of AZT heads. A question is its characters behind the address."""

    settings = SERIAL
    abilities = ABILITIES
    usual = TIMING
    status = ASK_STATE
    round = (ASK_STATE, CURRENT)
    point = AztPoint

    def deframer(self) -> Deframer[Frame]:
        return deframer(from_master=False)

    def write(self, address: int, question: str) -> bytes:
        return encode(ask(address, question))

    def read(self, frame: Frame, question: str, point: AztPoint) -> Any:
        command, text = question[0], frame.text
        if frame.start in SHORTS and command != ASK_STATE:
            return Taken(frame.start == ACK)
        match command:
            case "1":
                told = state_of(text)
                return told if not told.nozzle else _at(told, only_nozzle(point.settings))
            case "4":
                return numbers(text, 1, CURRENT_DIGITS)[1]
            case "5":
                return Full(*numbers(text, *FULL_DIGITS))
            case "6" if len(text) % 2 == 0 and len(text) // 2 in TOTALS_DIGITS:
                return numbers(text, len(text) // 2, len(text) // 2)
            case "7" | "P" if text:
                return text
        raise Malformed(f"{text} is no answer to {command}")

    def steps(self, command: asks.Command, point: AztPoint) -> tuple[str, ...]:
        places = point.settings.decimals
        match command:
            case asks.Authorise():
                return self._authorise(command, point)
            case asks.SetPrices(prices=prices):
                price = only_price(prices, places)
                point.price = scaled(price, places.price)
                return (PRICE + digits(price, PRICE_DIGITS),)
            case asks.Stop():
                return (STOP,)
            case asks.CloseTransaction():
                return (CONFIRM,)
            case asks.ReadTransaction():
                return (FULL,)
            case asks.ReadTotals(nozzle=nozzle) if nozzle == only_nozzle(point.settings):
                return (TOTALS,)
            case asks.ReadIdentity():
                return (TYPE, VERSION)
        raise base.Unsupported(f"AZT has no {type(command).__name__}")

    @staticmethod
    def _authorise(command: asks.Authorise, point: AztPoint) -> tuple[str, ...]:
        """Price, dose, start. A dose that was set at the pump stays, and nothing is put over it."""
        places = point.settings.decimals
        limit = limit_of(command, places, most_volume=MOST_LITRES, most_amount=MOST_YUAN)
        if point.state is not None and str(point.state.raw) == LOCAL:
            return (START,)
        point.price = scaled(limit.price, places.price)
        dose = DOSE_LITRES if limit.litres else DOSE_YUAN
        size = LITRES_DIGITS if limit.litres else YUAN_DIGITS
        return (PRICE + digits(limit.price, PRICE_DIGITS), dose + digits(limit.value, size), START)

    def possible(self, doing: Doing, point: AztPoint) -> bool:
        match doing.command:
            case asks.Authorise(limit_litres=litres, limit_yuan=yuan) if (litres, yuan) != _NONE:
                if str(point.known.raw) == LOCAL:
                    return False  # what is allowed here and what was keyed there are two limits
        return super().possible(doing, point)

    def figure(self, command: asks.Command, point: AztPoint, read: list[Any]) -> Event:
        places, address = point.settings.decimals, point.settings.address
        nozzle = only_nozzle(point.settings)
        match read[0]:
            case Full(volume, amount, price):
                return base.TransactionRead(
                    address=address,
                    nozzle=nozzle,
                    litres=scaled(volume, places.volume),
                    amount=scaled(amount, places.amount),
                    price=scaled(price, places.price) if price else None,
                )
            case (int(volume), int(amount)):
                return base.TotalsRead(
                    address=address,
                    nozzle=nozzle,
                    litres=scaled(volume, places.totals),
                    amount=scaled(amount, places.totals_amount),
                )
        return base.Identity(address=address, text=" ".join(read))


def _at(state: State, nozzle: int) -> State:
    return State(state.condition, nozzle, state.out, state.raw, state.unclosed, state.alarm)


# --------------------------------------------------------------------------- in words


_SHORT_WORDS = {ACK: "接受", CAN: "现在不能", NAK: "不认识"}
_ASKED = {
    ASK_STATE: "问状态",
    START: "授权",
    STOP: "停止",
    CURRENT: "问当前升数",
    FULL: "问交易",
    TOTALS: "问泵码",
    TYPE: "问型号",
    CONFIRM: "结束交易",
    VERSION: "问版本",
    PRICE: "改价",
    DOSE_YUAN: "预置金额",
    DOSE_LITRES: "预置升数",
}
_STATES = {
    OFF: "空闲",
    CALLING: "提枪",
    AUTHORISED: "已授权",
    DELIVERING: "加油中",
    ENDED: "加油结束待确认",
    LOCAL: "机上已定量",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises.

    An answer does not tell what it answers: one that is no state is given as it stands.
    """
    try:
        frame = decode(raw, from_master=from_master)
        if from_master:
            address, text = asked(frame)
            return f"{address} {text} {_ASKED.get(text[0], '')}".rstrip()
    except Malformed as wrong:
        return damaged(raw, str(wrong))
    text = frame.text
    if frame.start in SHORTS:
        return f"{SHORTS[frame.start]} {_SHORT_WORDS[frame.start]}"
    known = _STATES.get(text[:1], "") if len(text) == 1 + (text[:1] == ENDED) else ""
    return f"状态 {text} {known}" if known else f"应答 {text}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """A question that is put all the time: status, litres."""
    try:
        return from_master and asked(decode(raw, from_master=True))[1] in (ASK_STATE, CURRENT)
    except Malformed:
        return False
