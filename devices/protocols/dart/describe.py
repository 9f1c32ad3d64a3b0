"""DART frames in words, for the page that shows what was recorded."""

from devices.protocols.base import Malformed
from devices.protocols.dart import transactions as t
from devices.protocols.dart.frames import Control, Deframer, decode


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    cut = Deframer().feed(raw)
    if len(cut) != 1:
        return f"no whole frame: {raw.hex(' ')}"
    try:
        frame = decode(cut[0][1])
        if frame.control is not Control.DATA:
            return f"{frame.address:02X} {frame.control.name} {frame.tx:X}"
        read = t.read_from_master if from_master else t.read_from_pump
        items = " ".join(str(item) for item in read(frame.body))
    except Malformed as wrong:
        return f"damaged ({wrong}): {raw.hex(' ')}"
    return f"{frame.address:02X} DATA {frame.tx:X} {items}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """Polls, acknowledgements and "nothing to say", of either side."""
    return len(raw) <= 3
