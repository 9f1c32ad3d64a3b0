"""What GasKitLink frames say, both directions, as raw integers of the wire."""

from dataclasses import dataclass
from typing import TypeAlias

from devices.protocols.base import Malformed
from devices.protocols.gaskit.frames import Frame

ERROR, IDLE, CALLING, AUTHORISED, STARTED = 0, 1, 2, 3, 4
SUSPENDED_STARTED, FUELLING, SUSPENDED_FUELLING, STOPPED, FINISHED = 5, 6, 7, 8, 9

MOST_VALUE, MOST_PRICE = 999_999, 9_999  # six digits of litres or yuan, four of a price
VOLUME, MONEY = "V", "M"
FIRST_ID, LAST_ID = "a", "z"


# ------------------------------------------------------------------ controller to dispenser


@dataclass(frozen=True, slots=True)
class Ask:
    """S, L, R, T: status, litres, yuan, transaction. N, B, G: close, stop or pause, resume."""

    letter: str


@dataclass(frozen=True, slots=True)
class AskTotalizer:
    """C."""

    nozzle: int


@dataclass(frozen=True, slots=True)
class Preset:
    """V or M: so much at this price; it also authorises."""

    letter: str
    nozzle: int
    value: int
    price: int


Question: TypeAlias = Ask | AskTotalizer | Preset


# ------------------------------------------------------------------ dispenser to controller


@dataclass(frozen=True, slots=True)
class State:
    """S: the state, and the nozzle, 0 where none is out or chosen."""

    state: int
    nozzle: int


@dataclass(frozen=True, slots=True)
class Live:
    """L or R: litres or yuan on the display."""

    letter: str
    nozzle: int
    id: str
    state: int
    value: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """T: the fill that the head holds."""

    nozzle: int
    id: str
    state: int
    amount: int
    volume: int
    price: int


@dataclass(frozen=True, slots=True)
class Totalizer:
    """C."""

    nozzle: int
    volume: int


Answer: TypeAlias = State | Live | Transaction | Totalizer


# ------------------------------------------------------------------ reading and writing


def ask_frame(address: int, question: Question) -> Frame:
    """A question as a frame. Raises Malformed where a number has too many digits."""
    match question:
        case Preset(letter, nozzle, value, price):
            data = f"{_number(nozzle, 1)};{_number(value, 6)};{_number(price, 4)}"
            return Frame(address, letter, data)
        case AskTotalizer(nozzle):
            return Frame(address, "C", _number(nozzle, 1))
    return Frame(address, question.letter)


def read_question(frame: Frame) -> Question:
    """A question out of its frame. Raises Malformed."""
    match frame.command:
        case "V" | "M":
            nozzle, value, price = _fields(frame.data, 1, 6, 4)
            return Preset(frame.command, nozzle, value, price)
        case "C":
            return AskTotalizer(_digits(frame.data))
        case "S" | "L" | "R" | "T" | "N" | "B" | "G":
            return Ask(frame.command)
    raise Malformed(f"no question {frame.command}")


def answer_frame(address: int, answer: Answer) -> Frame:
    """An answer as a frame. Raises Malformed where a number has too many digits."""
    match answer:
        case State(state, nozzle):
            return Frame(address, "S", _number(state, 1) + _number(nozzle, 1))
        case Live(letter, nozzle, id, state, value):
            return Frame(address, letter, f"{nozzle}{id}{state};{_number(value, 6)}")
        case Transaction(nozzle, id, state, amount, volume, price):
            figures = f"{_number(amount, 6)};{_number(volume, 6)};{_number(price, 4)}"
            return Frame(address, "T", f"{nozzle}{id}{state};{figures}")
    return Frame(address, "C", f"{_number(answer.nozzle, 1)};{_number(answer.volume, 9)}")


def read_answer(frame: Frame) -> Answer:
    """An answer out of its frame. Raises Malformed."""
    match frame.command:
        case "S":
            both = _digits(frame.data)
            return State(*divmod(both, 10))
        case "L" | "R":
            nozzle, id, state = _head(frame.data)
            [value] = _fields(frame.data[4:], 6)
            return Live(frame.command, nozzle, id, state, value)
        case "T":
            nozzle, id, state = _head(frame.data)
            amount, volume, price = _fields(frame.data[4:], 6, 6, 4)
            return Transaction(nozzle, id, state, amount, volume, price)
        case "C":
            nozzle, volume = _fields(frame.data, 1, 9)
            return Totalizer(nozzle, volume)
    raise Malformed(f"no answer {frame.command}")


def _head(data: str) -> tuple[int, str, int]:
    """Nozzle, transaction id and state, with the semicolon behind them."""
    nozzle, id, state, mark = tuple(data[:4])
    if not FIRST_ID <= id <= LAST_ID or mark != ";":
        raise Malformed(f"{data} names no transaction")
    return _digits(nozzle), id, _digits(state)


def _fields(data: str, *sizes: int) -> list[int]:
    parts = data.split(";")
    if [len(part) for part in parts] != list(sizes):
        raise Malformed(f"{data} has other fields")
    return [_digits(part) for part in parts]


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Malformed(f"{text} is no number")
    return int(text)


def _number(value: int, size: int) -> str:
    text = str(value).rjust(size, "0")
    if value < 0 or len(text) > size:
        raise Malformed(f"{value} does not fit into {size} digits")
    return text
