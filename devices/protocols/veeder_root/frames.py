"""Veeder-Root TLS: what one message is on the wire, and the two ways in which consoles answer.

A question is SOH, function code, data, CR LF. The computer format (lower-case letter) answers SOH,
the code, data, `&&`, four hex digits and ETX; the sixteen-bit sum of everything from SOH to `&&`
and those digits add up to nought. The display format (upper-case letter) answers with text between
SOH and ETX and has no check at all.
"""

from dataclasses import dataclass

from devices.protocols.base import Malformed

SOH, ETX, ESC = b"\x01", b"\x03", b"\x1b"
END = b"\r\n"  # consoles need none, but some function of some console does
MARK = b"&&"
UNKNOWN = (
    b"9999FF1B",
    b"9999&&FECF",
)  # the function is not known; the second with a sum of its own
CODE = 6  # letter, three of the function, two of the tank
STAMP = 10  # YYMMDDHHmm
NAMES = "602"  # products' names, in whatever letters the console was given them
_HEX = frozenset("0123456789abcdefABCDEF")


class Unknown(Malformed):
    """The console does not know the function."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in computer format: `i20100`, the console's time, and what follows."""

    code: str
    stamp: str
    data: str


def question(code: str, data: str = "", security: str = "") -> bytes:
    """The bytes of a question. Raises Malformed for a code that is none."""
    if len(code) != CODE or not code.isascii() or not code[4:].isdecimal():
        raise Malformed(f"{code} is no function code")
    return SOH + f"{security}{code}{data}".encode("ascii") + END


def checksum(data: bytes) -> str:
    """The four hex digits that bring the sum of `data` (SOH to `&&`) to nought."""
    return f"{-sum(data) & 0xFFFF:04X}"


def computer(code: str, stamp: str, data: str) -> bytes:
    """A whole answer in computer format, as a console sends it."""
    body = SOH + f"{code}{stamp}{data}".encode("latin-1") + MARK
    return body + checksum(body).encode() + ETX


def hexadecimal(text: str) -> int:
    """The number that hex digits of either case say. Raises Malformed for anything else."""
    if not text or not _HEX.issuperset(text):
        raise Malformed(f"{text!r} is not hexadecimal")
    return int(text, 16)


def decimal(text: str) -> int:
    """The number that decimal digits say. Raises Malformed for anything else."""
    if not (text.isascii() and text.isdecimal()):
        raise Malformed(f"{text!r} is not decimal")
    return int(text)


def cut(buffer: bytes) -> bytes | None:
    """The first whole message in what came, from its SOH to its ETX, or nothing yet.

    An SOH inside a message means that the one before it was cut off.
    """
    end = buffer.find(ETX)
    if end < 0:
        return None
    start = buffer.rfind(SOH, 0, end)
    return buffer[max(start, 0) : end + 1]


def is_unknown(frame: bytes) -> bool:
    """Whether the console says that it does not know the function."""
    said = frame.removeprefix(SOH).removesuffix(ETX).strip(b"\r\n")
    return said.upper() in UNKNOWN


def read_computer(frame: bytes) -> Answer:
    """What an answer in computer format says. Raises Malformed, and Unknown for a refusal."""
    if is_unknown(frame):
        raise Unknown("the console does not know the function")
    if ESC in frame:
        raise Malformed("broken off")
    shortest = len(SOH) + CODE + STAMP + len(MARK) + 4 + len(ETX)
    if len(frame) < shortest or not frame.startswith(SOH) or not frame.endswith(ETX):
        raise Malformed("no whole answer")
    body, check = frame[:-5], frame[-5:-1].decode("latin-1")
    if not body.endswith(MARK):
        raise Malformed("no end mark")
    if (sum(body) + hexadecimal(check)) & 0xFFFF:
        raise Malformed("checksum")
    text = body[len(SOH) : -len(MARK)].decode("latin-1")
    code, stamp, data = text[:CODE], text[CODE : CODE + STAMP], text[CODE + STAMP :]
    if code[1:4] != NAMES and not (text.isascii() and text.isprintable()):
        raise Malformed("what no console prints")
    read_stamp(stamp)
    return Answer(code, stamp, data)


def read_stamp(stamp: str) -> tuple[int, int, int, int, int]:
    """Year, month, day, hour, minute of a stamp. Raises Malformed for what is no time."""
    if len(stamp) != STAMP:
        raise Malformed(f"{stamp!r} is no time")
    year, month, day, hour, minute = (decimal(stamp[at : at + 2]) for at in range(0, STAMP, 2))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59):
        raise Malformed(f"{stamp!r} is no time")
    return 2000 + year, month, day, hour, minute
