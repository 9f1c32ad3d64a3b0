"""Questions and answers in words, for the page that shows what was recorded.

Figures are those of the wire, in the console's own units.
"""

from __future__ import annotations

import re
from decimal import Decimal

from devices.protocols.base import Malformed
from devices.protocols.veeder_root import frames
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.alarms import system_in_words, type_of
from devices.protocols.words import damaged

_NAMES = {
    m.INVENTORY: "罐存", m.DELIVERIES: "进油记录", m.LAST_DELIVERY: "最近一次进油",
    m.TANK_STATUS: "油罐报警", m.SYSTEM: "主机状态", m.CLOCK: "时钟",
    m.UNITS: "单位", m.LABELS: "油品名", m.MASS: "质量", m.VERSION: "版本",
}  # fmt: skip
UNIT_WORDS = {m.Units.US: "美制", m.Units.METRIC: "公制", m.Units.IMPERIAL: "英制"}
_CODE = r"([iIsS])(\d[\dA-F]{2})(\d\d)"
_QUESTION = re.compile(rf"(?:.{{6}})?{_CODE}(\d*)", re.DOTALL)
_TEXT = re.compile(rf"\s*{_CODE}\s")
MOST_TEXT = 200


def describe(raw: bytes, *, from_master: bool) -> str:
    """One message as text; says so when it is damaged. Never raises."""
    try:
        return _question(raw) if from_master else _answer(raw)
    except Malformed as wrong:
        return damaged(raw, str(wrong))


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """The question whether all is normal, and the answer that it is."""
    return raw[1:5].lower() == b"i101" and (from_master or b"000000&&" in raw)


def _question(raw: bytes) -> str:
    said = raw.strip(frames.SOH + frames.END).decode("latin-1")
    found = _QUESTION.fullmatch(said)
    if not raw.startswith(frames.SOH) or found is None:
        raise Malformed("no frame")
    letter, function, device, data = found.groups()
    verb = "设" if letter in "sS" else "问"
    where = "" if device == "00" else f" {int(device)} 号"
    return f"{verb}{_NAMES.get(function, function)}{where} {letter}{function}{device}{data}"


def _answer(raw: bytes) -> str:
    if frames.is_unknown(raw):
        return "主机不认这个命令"
    text = raw.strip(frames.SOH + frames.ETX + b"\x00\r\n").decode("latin-1")
    if frames.MARK not in raw and _TEXT.match(text):
        return f"显示格式：{' '.join(text.split())[:MOST_TEXT]}"
    answer = frames.read_computer(raw)
    said = "；".join(_said(one) for one in m.heard(answer.code, answer.stamp, answer.data))
    return f"{_NAMES[answer.code[1:4]]} {answer.stamp} {said}"


def _said(event: m.Said) -> str:
    match event:
        case m.InventoryRead():
            return "；".join(
                f"{one.tank} 号罐 油量 {_short(one.volume)} 油高 {_short(one.height)} "
                f"水高 {_short(one.water)} 油温 {_short(one.temperature)}"
                + "，正在卸油"
                * one.delivering
                for one in event.tanks
            )
        case m.DeliveriesRead():
            return "；".join(
                f"{one.tank} 号罐 {one.started} 到 {one.ended}" for one in event.deliveries
            )
        case m.TankAlarmsRead():
            return "；".join(
                f"{tank} 号罐 {'、'.join(type_of(one).word for one in types) or '正常'}"
                for tank, types in event.alarms
            )
        case m.SystemRead():
            return "；".join(system_in_words(*one) for one in event.states) or "正常"
        case m.UnitsRead():
            return UNIT_WORDS[event.units]
        case m.LabelsRead():
            return "；".join(f"{tank} 号罐 {label}" for tank, label in event.labels)
        case m.ClockRead():
            return event.time
        case m.VersionRead():
            return event.text
        case m.MassRead():
            return "；".join(f"{one.tank} 号罐 质量 {_short(one.mass)}" for one in event.tanks)
    raise Malformed("no message")


def _short(value: Decimal | None) -> str:
    if value is None or not value.is_finite():
        return "—"
    return str(round(value, 2)) if abs(value) < 10**12 else f"{value:.3E}"
