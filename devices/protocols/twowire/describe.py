"""Two-Wire in words, for whoever reads what was recorded.

Figures are the whole numbers of the wire: where the point stands is the wiring's word.
"""

from devices.protocols.base import Malformed
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.words import damaged

_COMMANDS = {
    m.ASK_STATUS: "问状态",
    m.AUTHORISE: "授权",
    m.DATA_NEXT: "将发数据块",
    m.STOP: "停止",
    m.ASK_TRANSACTION: "问交易",
    m.ASK_TOTALS: "问泵码",
    m.ASK_MONEY: "问当前金额",
}
_STATES = {
    m.ERROR: "故障",
    m.OFF: "空闲",
    m.CALL: "提枪",
    m.AUTHORISED: "已授权",
    m.BUSY: "加油中",
    m.PEOT: "加油结束 枪未挂",
    m.FEOT: "加油结束 枪已挂",
    m.STOPPED: "已停",
    m.LISTENING: "等待数据块",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    try:
        return _from_master(raw) if from_master else _from_pump(raw)
    except Malformed as wrong:
        return damaged(raw, str(wrong))


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """What is asked all the time, status and money; and the money, which is no news."""
    if from_master:
        return len(raw) == 1 and raw[0] >> 4 in (m.ASK_STATUS, m.ASK_MONEY)
    return len(raw) == m.MONEY_SIZE and all(word & 0xF0 == f.DATA for word in raw)


def acts(raw: bytes) -> bool:
    """Whether these bytes, whoever means them, make a pump of a Two-Wire loop do something.

    A command is one byte without a check, so bytes of another protocol may be one.
    """
    return any(one >> 4 in (m.AUTHORISE, m.STOP) for one in raw) or f.ALL_STOP in raw


def _from_master(raw: bytes) -> str:
    if raw == f.ALL_STOP:
        return "全部停止"
    if len(raw) == 1 and raw[0] >> 4 in _COMMANDS:
        return f"{raw[0] & 0x0F or 16} {_COMMANDS[raw[0] >> 4]}"
    match m.read_block(raw):
        case m.SetPrice(level, grade, price):
            return f"下发单价 油品 {grade + 1} 价格档 {level} 单价 {price}"
        case m.PresetVolume(level, grade, value):
            return f"预置升数 {value} 油品 {grade + 1} 价格档 {level}"
        case m.PresetMoney(value, size, level):
            return f"预置金额 {value}（{size} 位）" + (f" 价格档 {level}" if level else "")
    return "问枪柄与枪位"


def _from_pump(raw: bytes) -> str:
    if len(raw) == 1:
        if raw[0] >> 4 not in _STATES:
            raise Malformed("no status")
        return f"{raw[0] & 0x0F or 16} {_STATES[raw[0] >> 4]}"
    if len(raw) == m.MONEY_SIZE:
        return f"当前金额 {f.number(raw)}"
    if len(raw) == m.EXTENDED_SIZE:
        said = m.read_extended(raw)
        return f"枪柄{'提起' if said.up else '放下'} 枪位 {said.nozzle}"
    if len(raw) == m.TRANSACTION_SIZE:
        fill = m.read_transaction(raw)
        figures = f"单价 {fill.price} 升数 {fill.volume} 金额 {fill.money}"
        return f"交易 {fill.id} 油品 {fill.grade + 1} {figures}"
    return "；".join(_grade(one) for one in m.read_totals(raw).grades)


def _grade(one: m.Grade) -> str:
    prices = f"单价 {one.price_1}/{one.price_2}"
    return f"油品 {one.grade + 1} 泵码 {one.volume} 金额累计 {one.money} {prices}"
