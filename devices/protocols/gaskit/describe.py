"""GasKitLink frames in words, for the page that shows what was recorded."""

from devices.protocols.base import Malformed
from devices.protocols.gaskit.frames import ANSWERS, QUESTIONS, decode
from devices.protocols.gaskit.messages import read_answer, read_question


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    try:
        frame = decode(raw, QUESTIONS if from_master else ANSWERS)
        said = read_question(frame) if from_master else read_answer(frame)
    except Malformed as wrong:
        return f"damaged ({wrong}): {raw.hex(' ')}"
    return f"{frame.address} {frame.command}{frame.data} {said}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """A question that is put all the time: status, litres, yuan."""
    return len(raw) == 5 and raw[3:4] in (b"S", b"L", b"R")
