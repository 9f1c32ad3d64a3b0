"""DART frames in words, for whoever reads what was recorded.

Figures are the whole numbers of the wire: where the point stands is the wiring's word.
"""

from devices.protocols.base import Malformed
from devices.protocols.dart import transactions as t
from devices.protocols.dart.frames import Control, Deframer, Frame, decode
from devices.protocols.dart.reading import ALARMS
from devices.protocols.words import damaged

_CONTROLS = {
    Control.POLL: "轮询",
    Control.EOT: "无新内容",
    Control.ACK: "确认",
    Control.NAK: "不接受",
    Control.ACKPOLL: "确认并轮询",
    Control.IAP: "升级",
}
_DO = {
    t.RETURN_STATUS: "问状态",
    t.RETURN_PARAMETERS: "问参数",
    t.RETURN_IDENTITY: "问机号",
    t.RETURN_FILLING: "问加油数据",
    t.RETURN_PRICES: "问单价",
    t.RESET: "复位",
    t.AUTHORIZE: "授权",
    t.STOP: "停止",
    t.SWITCH_OFF: "关机",
    t.SUSPEND: "暂停",
    t.RESUME: "继续",
}
_STATUS = {
    0: "未编程",
    1: "已复位",
    2: "已授权",
    4: "加油中",
    5: "加油完成",
    6: "到达限额",
    7: "已关机",
    8: "暂停",
}
_ALARMS = {
    "CPU_RESET": "处理器复位",
    "RAM": "内存故障",
    "PROM": "程序存储故障",
    "PULSER": "脉冲器故障",
    "PULSER_CURRENT": "脉冲器电流故障",
    "EMERGENCY_STOP": "急停",
    "POWER_FAIL": "掉电",
    "PRESSURE": "压力异常",
    "BLEND": "调和异常",
    "LEAK": "泄漏",
}


def describe(raw: bytes, *, from_master: bool) -> str:
    """One frame as text; says so when it is damaged. Never raises."""
    cut = Deframer().feed(raw)
    if len(cut) != 1:
        return damaged(raw, "shorter than a message" if not cut else "no frame")
    try:
        frame = decode(cut[0][1])
        if frame.control is not Control.DATA:
            return f"{frame.address:02X} {_CONTROLS[frame.control]} {frame.tx:X}"
        said = _said(frame, from_master=from_master)
    except Malformed as wrong:
        return damaged(raw, str(wrong))
    return f"{frame.address:02X} 数据 {frame.tx:X}：{said}"


def _said(frame: Frame, *, from_master: bool) -> str:
    if from_master:
        return "；".join(_ours(item) for item in t.read_from_master(frame.body))
    return "；".join(_theirs(item) for item in t.read_from_pump(frame.body))


def _ours(item: t.FromMaster) -> str:
    match item:
        case t.Do(code):
            return _DO.get(code, f"命令 {code:02X}")
        case t.AllowNozzles(nozzles):
            return f"允许枪位 {_row(nozzles)}"
        case t.PresetVolume(volume):
            return f"预置升数 {volume}"
        case t.PresetAmount(amount):
            return f"预置金额 {amount}"
        case t.PriceUpdate(prices):
            return f"下发单价 {_row(prices)}"
        case t.FillingType(credit):
            return "赊销加油" if credit else "现金加油"
        case t.AskVolumeTotals(counter):
            return f"问泵码 枪位 {counter}"
        case t.AskAmountTotals(counter):
            return f"问金额累计 枪位 {counter}"
    return _both(item)


def _theirs(item: t.FromPump) -> str:
    match item:
        case t.PumpStatus(code):
            return f"状态 {code} {_STATUS.get(code, '未知')}"
        case t.Filled(volume, amount):
            return f"升数 {volume} 金额 {amount}"
        case t.NozzlePrice(price, nozzle, out):
            return f"枪位 {nozzle} {'提起' if out else '挂好'} 单价 {price}"
        case t.Alarm(code):
            return f"报警 {code:02X} {_ALARMS.get(ALARMS.get(code, ''), '其他')}"
        case t.PumpIdentity(text):
            return f"机号 {text}"
        case t.VolumeTotals(counter, volume, amount):
            money = "" if amount is None else f" 金额累计 {amount}"
            return f"泵码 枪位 {counter} 升数 {volume}{money}"
        case t.AmountTotals(counter, amounts):
            return f"金额累计 枪位 {counter} {_row(amounts)}"
        case t.UnitPrices(prices):
            return f"单价 {_row(prices)}"
    return _both(item)


def _both(item: t.FromMaster | t.FromPump) -> str:
    match item:
        case t.AskTemperature(counter):
            return f"问温度 枪位 {counter}"
        case t.AskTag(counter):
            return f"问标签 枪位 {counter}"
        case t.SuspendNozzle(nozzle):
            return f"暂停 枪位 {nozzle}"
        case t.ResumeNozzle(nozzle):
            return f"继续 枪位 {nozzle}"
        case t.SetParameters(volume, amount, price, most):
            return f"参数 小数位 升 {volume} 元 {amount} 价 {price} 最大金额 {most}"
        case t.Unknown(code, data):
            return f"未知事务 {code:02X} {data.hex(' ').upper()}".rstrip()
    raise AssertionError(item)


def _row(values: tuple[int, ...]) -> str:
    return "、".join(str(value) for value in values)


def is_poll(raw: bytes, *, from_master: bool = True) -> bool:
    """Polls, acknowledgements and "nothing to say", of either side."""
    return len(raw) <= 3
