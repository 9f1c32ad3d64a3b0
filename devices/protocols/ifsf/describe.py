"""IFSF messages in words."""

from __future__ import annotations

from devices.protocols.base import Malformed
from devices.protocols.ifsf import messages as m
from devices.protocols.ifsf.frames import Frame, Item, Kind, decode, read_number
from devices.protocols.words import damaged

_KINDS = {
    Kind.READ: "问",
    Kind.ANSWER: "答",
    Kind.WRITE: "写",
    Kind.TOLD: "主动上报（要求确认）",
    Kind.SAID: "主动上报",
    Kind.ACK: "确认",
}
_POINT = {
    m.STATE: "状态",
    m.LIFTED: "提枪",
    m.ASSIGNED: "控制者",
    m.MASK: "允许的枪",
    m.AMOUNT_LIMIT: "预置金额",
    m.VOLUME_LIMIT: "预置升数",
    m.LIVE_AMOUNT: "当前金额",
    m.LIVE_VOLUME: "当前升数",
    m.NEXT: "下一笔序号",
    m.OPEN: "开机",
    m.CLOSE: "关机",
    m.RELEASE: "授权",
    m.TERMINATE: "停止",
    m.SUSPEND: "暂停",
    m.RESUME: "继续",
    m.STATUS_MESSAGE: "状态报告",
    m.RUNNING_MESSAGE: "加油报告",
}
_FILL = {
    m.AMOUNT: "金额",
    m.VOLUME: "升数",
    m.PRICE: "单价",
    m.NOZZLE: "油枪",
    m.STORED: "交易状态",
    m.CLEAR: "结束交易",
}
_NOZZLE = {m.PRODUCT: "油品", m.VOLUME_TOTAL: "泵码", m.AMOUNT_TOTAL: "金额累计"}
_PRODUCT = {m.PRODUCT_NUMBER: "油品号"}
_MODE = {m.UNIT_PRICE: "单价"}
_CALCULATOR = {m.MAKER: "厂家", m.MODEL: "型号", m.SERIAL_NUMBER: "编号"}
_TEXT = (m.MAKER, m.MODEL, m.SERIAL_NUMBER)
_STATES = {
    m.INOPERATIVE: "不能工作",
    m.CLOSED: "关机",
    m.IDLE: "空闲",
    m.CALLING: "提枪",
    m.AUTHORISED: "已授权",
    m.STARTED: "已提枪待加油",
    m.SUSPENDED_STARTED: "暂停",
    m.FUELLING: "加油中",
    m.SUSPENDED_FUELLING: "加油暂停",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """Messages as text, one behind the other; says so when one is damaged. Never raises."""
    out = []
    while raw:
        size = 8 + int.from_bytes(raw[6:8], "big")
        out.append(_one(raw[:size]))
        raw = raw[size:]
    return "；".join(out) or damaged(raw, "no message")


def _one(raw: bytes) -> str:
    try:
        frame = decode(raw)
    except Malformed as wrong:
        return damaged(raw, str(wrong))
    node = frame.to[1] if frame.kind in (Kind.READ, Kind.WRITE) else frame.sender[1]
    place, names = _place(frame.place)
    parts = [f"节点 {node} {place} {_KINDS[frame.kind]}"]
    if frame.kind is Kind.ACK:
        parts = [f"{parts[0]}：{'接受' if frame.taken else f'拒绝 {frame.ack}'}"]
    parts += [_item(frame, one, names) for one in frame.items]
    return f"{' '.join(parts)}（令牌 {frame.token}）"


def _place(place: bytes) -> tuple[str, dict[int, str]]:
    """A database address, and the names of its items."""
    first, behind = place[0], place[1:]
    if m.FP <= first < m.FP + m.POINTS_A_NODE:
        point = f"加油点 {first - m.FP + 1}"
        if not behind:
            return point, _POINT
        if behind[0] == m.TRANSACTIONS and len(behind) == 3:
            return f"{point} 交易 {behind[1:].hex()}", _FILL
        if len(behind) == 1 and m.NOZZLES <= behind[0] < m.NOZZLES + m.MOST_NOZZLES:
            return f"{point} 枪 {behind[0] - m.NOZZLES + 1}", _NOZZLE
    if place == m.CALCULATOR:
        return "计算器", _CALCULATOR
    if m.PRODUCTS <= first < m.PRODUCTS + m.MOST_NOZZLES and not behind:
        return f"油品 {first - m.PRODUCTS + 1}", _PRODUCT
    if first == m.MODES and len(behind) == m.PRODUCT_DIGITS + 1:
        return f"油品号 {behind[:-1].hex()} 方式 {behind[-1] - m.MODE + 1}", _MODE
    return f"数据库 {place.hex(' ').upper()}", {}


def _item(frame: Frame, item: Item, names: dict[int, str]) -> str:
    name = names.get(item.id, f"{item.id:02X}")
    if frame.kind is Kind.ACK:
        return name if item.value == b"\0" else f"{name} 拒绝 {item.value.hex()}"
    if frame.kind is Kind.READ or not item.value:
        return name
    if names is _POINT and item.id == m.STATE:
        return f"{name} {_STATES.get(item.value[0], item.value.hex())}"
    if names is _CALCULATOR and item.id in _TEXT:
        return f"{name} {item.value.strip(b' ').decode('ascii', 'replace')}"
    try:
        return f"{name} {read_number(item.value)}" if len(item.value) > 3 else _plain(name, item)
    except Malformed:
        return f"{name} {item.value.hex(' ').upper()}"


def _plain(name: str, item: Item) -> str:
    return f"{name} {item.value.hex().upper()}"


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """A question that is put all the time: status, litres and yuan, whether a fill is cleared."""
    try:
        frame = decode(raw)
    except Malformed:
        return False
    polled = [list(one.items) for one in (m.ASK_STATE, m.ASK_LIVE)]
    looks = frame.items == (Item(m.STORED),) and len(frame.place) == 4
    return from_master and frame.kind is Kind.READ and (list(frame.items) in polled or looks)


def address_words(address: int) -> str:
    """Which fuelling point of which node."""
    node, point = m.node_and_point(address)
    return f"{address}（节点 {node} 加油点 {point}）"
