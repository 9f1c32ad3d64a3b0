"""GasKitLink frames in words, for whoever reads what was recorded.

Figures are the whole numbers of the wire: where the point stands is the wiring's word.
"""

from devices.protocols.base import Malformed
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.frames import ANSWERS, QUESTIONS, decode
from devices.protocols.words import damaged

_QUESTIONS = {
    "S": "问状态",
    "L": "问当前升数",
    "R": "问当前金额",
    "T": "问交易",
    "N": "结束交易",
    "B": "停止或暂停",
    "G": "继续",
}
_STATES = {
    m.ERROR: "故障",
    m.IDLE: "空闲",
    m.CALLING: "提枪",
    m.AUTHORISED: "已授权",
    m.STARTED: "已启动",
    m.SUSPENDED_STARTED: "启动时暂停",
    m.FUELLING: "加油中",
    m.SUSPENDED_FUELLING: "加油暂停",
    m.STOPPED: "已停",
    m.FINISHED: "加油结束待确认",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    try:
        frame = decode(raw, QUESTIONS if from_master else ANSWERS)
        said = _ours(m.read_question(frame)) if from_master else _theirs(m.read_answer(frame))
    except Malformed as wrong:
        return damaged(raw, str(wrong))
    return f"{frame.address} {frame.command}{frame.data} {said}"


def _ours(said: m.Question) -> str:
    match said:
        case m.Preset(letter, nozzle, value, price):
            what = "升数" if letter == m.VOLUME else "金额"
            return f"授权并预置 枪位 {nozzle} {what} {value} 单价 {price}"
        case m.AskTotalizer(nozzle):
            return f"问泵码 枪位 {nozzle}"
    return _QUESTIONS[said.letter]


def _theirs(said: m.Answer) -> str:
    match said:
        case m.State(state, nozzle):
            return f"状态 {state} {_STATES[state]} 枪位 {nozzle}"
        case m.Live(letter, nozzle, id, state, value):
            what = "升数" if letter == "L" else "金额"
            return f"枪位 {nozzle} 交易 {id} {_STATES[state]} 当前{what} {value}"
        case m.Transaction(nozzle, id, state, amount, volume, price):
            figures = f"金额 {amount} 升数 {volume} 单价 {price}"
            return f"枪位 {nozzle} 交易 {id} {_STATES[state]} {figures}"
    return f"枪位 {said.nozzle} 泵码 {said.volume}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """A question that is put all the time: status, litres, yuan."""
    return len(raw) == 5 and raw[3:4] in (b"S", b"L", b"R")
