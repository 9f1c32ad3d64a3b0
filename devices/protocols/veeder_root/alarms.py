"""The alarm types of a console's tanks: by number, in English as its display says, in Chinese."""

from __future__ import annotations

from dataclasses import dataclass

WATER, LOW, HIGH, OVERFILL = "WATER", "LOW", "HIGH", "OVERFILL"
PROBE, LEVEL, LOSS, LEAK, GAUGE = "PROBE", "LEVEL", "LOSS", "LEAK", "GAUGE"


@dataclass(frozen=True, slots=True)
class AlarmType:
    """One type: what sort of thing it is, and its names."""

    sort: str
    word: str
    display: str


TYPES: dict[str, AlarmType] = {
    "01": AlarmType(GAUGE, "油罐参数缺失", "SETUP DATA WARNING"),
    "02": AlarmType(LEAK, "漏油报警", "LEAK ALARM"),
    "03": AlarmType(WATER, "水位过高", "HIGH WATER ALARM"),
    "04": AlarmType(OVERFILL, "溢油报警", "OVERFILL ALARM"),
    "05": AlarmType(LOW, "低液位", "LOW PRODUCT ALARM"),
    "06": AlarmType(LOSS, "油量突降", "SUDDEN LOSS ALARM"),
    "07": AlarmType(HIGH, "高液位", "HIGH PRODUCT ALARM"),
    "08": AlarmType(LEVEL, "液位无效", "INVALID FUEL LEVEL"),
    "09": AlarmType(PROBE, "探棒脱线", "PROBE OUT"),
    "10": AlarmType(WATER, "水位预警", "HIGH WATER WARNING"),
    "11": AlarmType(LOW, "需要进油", "DELIVERY NEEDED"),
    "12": AlarmType(HIGH, "超过最高液位", "MAXIMUM PRODUCT"),
    "13": AlarmType(LEAK, "粗测漏不合格", "GROSS TEST FAIL"),
    "14": AlarmType(LEAK, "定期测漏不合格", "PERIODIC TEST FAIL"),
    "15": AlarmType(LEAK, "年度测漏不合格", "ANNUAL TEST FAIL"),
    "26": AlarmType(LOSS, "对账不符", "RECONCILIATION WARNING"),
    "27": AlarmType(GAUGE, "油温过低", "COLD TEMPERATURE WARNING"),
}
QUIET = frozenset({"20"})  # a leak test that runs is no alarm


def type_of(code: str) -> AlarmType:
    """The type by its number; one that is not listed is told with its number."""
    return TYPES.get(code) or AlarmType(GAUGE, f"报警 {code}", f"ALARM {code}")


def code_of(display: str) -> str | None:
    """The number of a type by what a display says."""
    text = display.strip().upper()
    return next((code for code, one in TYPES.items() if one.display == text), None)


CATEGORIES = {
    "01": "系统", "02": "油罐", "03": "液体传感器", "04": "蒸气传感器", "05": "输入",
    "06": "体积测漏", "07": "地下水传感器", "08": "A 型传感器", "12": "B 型传感器", "21": "管线压力测漏",
}  # fmt: skip


def system_in_words(category: str, kind: str, device: int) -> str:
    """One line of i101 for people."""
    where = CATEGORIES.get(category, f"类别 {category}")
    what = type_of(kind).word if category == "02" else f"报警 {kind}"
    return f"{where} {device}：{what}" if device else f"{where}：{what}"
