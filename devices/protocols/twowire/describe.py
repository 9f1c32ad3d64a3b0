"""Two-Wire in words, for the page that shows what was recorded."""

from devices.protocols.base import Malformed
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m

_COMMANDS = {
    m.ASK_STATUS: "status",
    m.AUTHORISE: "authorise",
    m.DATA_NEXT: "data next",
    m.STOP: "stop",
    m.ASK_TRANSACTION: "transaction",
    m.ASK_TOTALS: "totals",
    m.ASK_MONEY: "money",
}
_STATES = {
    m.ERROR: "ERROR",
    m.OFF: "OFF",
    m.CALL: "CALL",
    m.AUTHORISED: "AUTH",
    m.BUSY: "BUSY",
    m.PEOT: "PEOT",
    m.FEOT: "FEOT",
    m.STOPPED: "STOP",
    m.LISTENING: "LISTENING",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    try:
        return _from_master(raw) if from_master else _from_pump(raw)
    except Malformed as wrong:
        return f"damaged ({wrong}): {raw.hex(' ')}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """What is asked all the time, status and money; and the money, which is no news."""
    if from_master:
        return len(raw) == 1 and raw[0] >> 4 in (m.ASK_STATUS, m.ASK_MONEY)
    return len(raw) == m.MONEY_SIZE and all(word & 0xF0 == f.DATA for word in raw)


def _from_master(raw: bytes) -> str:
    if raw == f.ALL_STOP:
        return "all stop"
    if len(raw) == 1 and raw[0] >> 4 in _COMMANDS:
        return f"{raw[0] & 0x0F or 16} {_COMMANDS[raw[0] >> 4]}"
    return str(m.read_block(raw))


def _from_pump(raw: bytes) -> str:
    if len(raw) == 1:
        if raw[0] >> 4 not in _STATES:
            raise Malformed("no status")
        return f"{raw[0] & 0x0F or 16} {_STATES[raw[0] >> 4]}"
    if len(raw) == m.MONEY_SIZE:
        return str(m.Money(f.number(raw)))
    if len(raw) == m.EXTENDED_SIZE:
        return str(m.read_extended(raw))
    return str(m.read_transaction(raw) if len(raw) == m.TRANSACTION_SIZE else m.read_totals(raw))
