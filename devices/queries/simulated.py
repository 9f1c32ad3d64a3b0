"""模拟设备: what the simulator's devices show, as panels of a page.

A device is one function in `PANELS` that turns the simulator's state into a panel, and its buttons
are keys of `ACTS`: what is sent to the control socket. Cameras are added here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from station.queries.columns import Tone

State = Mapping[str, Any]

TANKS = (1, 2, 3, 4)  # that the simulator has, as its gauge counts them
GAUGE = "液位仪"  # the simulator's name of its line
TRUCK, SPILT = "3000", "300"  # litres
WET, DRY = "60", "4"  # mm of water
LEAK = "0.1"  # litres a second
HOT, USUAL = "35", "18.5"  # ℃
TANK_ACTS: dict[str, dict[str, Any]] = {
    "truck": {"do": "deliver", "litres": TRUCK, "seconds": 60},
    "wet": {"do": "water", "mm": WET},
    "dry": {"do": "water", "mm": DRY},
    "leak": {"do": "leak", "rate": LEAK},
    "tight": {"do": "leak", "rate": "0"},
    "lose": {"do": "lose", "litres": SPILT},
    "hot": {"do": "heat", "celsius": HOT},
    "usual": {"do": "heat", "celsius": USUAL},
    "out": {"do": "probe", "out": True},
    "in": {"do": "probe", "out": False},
    "quiet": {"do": "tank_alarms", "types": []},
}

# What a button sends; `devices/simulator/control.py` knows what it means.
ACTS: dict[str, dict[str, Any]] = {
    "paper-out": {"do": "paper", "paper": "out"},
    "paper-near": {"do": "paper", "paper": "near"},
    "paper-full": {"do": "paper", "paper": "full"},
    "paper-tear": {"do": "paper", "paper": "full", "lines": 5},
    "cover-open": {"do": "cover", "open": True},
    "cover-shut": {"do": "cover", "open": False},
    "sign-stick": {"do": "stick", "on": True},
    "sign-free": {"do": "stick", "on": False},
    **{
        f"{device}-{act}": {"do": act, "device": device}
        for device in ("printer", "display", "sign", "reader", "scanner")
        for act in ("unplug", "plug")
    },
    "gauge-unplug": {"do": "break", "line": GAUGE},
    "gauge-plug": {"do": "mend", "line": GAUGE},
    "gauge-silent": {"do": "gauge_faults", "silent": True},
    "gauge-answers": {"do": "gauge_faults", "silent": False},
    "gauge-display": {"do": "console", "display_only": True},
    "gauge-computer": {"do": "console", "display_only": False},
    **{
        f"tank-{number}-{act}": {**asked, "tank": number}
        for number in TANKS
        for act, asked in TANK_ACTS.items()
    },
}


@dataclass(frozen=True)
class Button:
    """One button: its word and the key of what it sends."""

    word: str
    act: str


@dataclass(frozen=True)
class Panel:
    """One device: its light, what it shows line by line, and what can be done to it."""

    title: str
    tone: Tone
    word: str
    shows: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    text: str = ""  # the name of a text that may be sent with it
    text_label: str = ""
    text_act: str = ""
    notes: tuple[str, ...] = ()


def panels(state: State) -> list[Panel]:
    """Every device that the simulator tells of."""
    return [made(state) for made in PANELS]


def _plugs(device: str, unplugged: bool) -> Button:
    return Button("插上", f"{device}-plug") if unplugged else Button("拔掉", f"{device}-unplug")


PAPER = {"full": "有纸", "near": "纸快用完", "out": "缺纸"}


def _printer(state: State) -> Panel:
    told = state["printer"]
    good = not told["unplugged"] and not told["cover_open"] and told["paper"] != "out"
    word = "机盖打开" if told["cover_open"] else PAPER[told["paper"]]
    receipts = told["receipts"]
    return Panel(
        "小票机",
        "good" if good else "bad",
        "已拔掉" if told["unplugged"] else word,
        shows=tuple(((receipts or [""])[-1] or "还没有打过小票").split("\n")),
        buttons=(
            Button("取走纸", "paper-out"),
            Button("纸快用完", "paper-near"),
            Button("只剩 5 行", "paper-tear"),
            Button("装新纸", "paper-full"),
            Button("合上机盖", "cover-shut")
            if told["cover_open"]
            else Button("打开机盖", "cover-open"),
            _plugs("printer", told["unplugged"]),
        ),
        notes=(
            f"钱箱弹开 {told['kicks']} 次",
            *((f"还没切下的：{told['unfinished']}",) if told["unfinished"] else ()),
        ),
    )


def _display(state: State) -> Panel:
    told = state["display"]
    return Panel(
        "客显",
        "bad" if told["unplugged"] else "good",
        "已拔掉" if told["unplugged"] else "已接上",
        shows=(told["upper"] or " ", told["lower"] or " "),
        buttons=(_plugs("display", told["unplugged"]),),
    )


def _sign(state: State) -> Panel:
    told = state["sign"]
    rows = sorted(told["rows"].items(), key=lambda one: int(one[0]))
    return Panel(
        "价格牌",
        "bad" if told["unplugged"] or told["stuck"] else "good",
        "已拔掉" if told["unplugged"] else "数码管不动" if told["stuck"] else "已接上",
        shows=tuple(f"第 {row} 行  {'全暗' if shown == '-' else shown}" for row, shown in rows),
        buttons=(
            Button("修好数码管", "sign-free")
            if told["stuck"]
            else Button("数码管卡住", "sign-stick"),
            _plugs("sign", told["unplugged"]),
        ),
    )


def _reader(state: State) -> Panel:
    plugged = state["readers"]["reader"]
    return Panel(
        "读卡器",
        "good" if plugged else "bad",
        "已接上" if plugged else "已拔掉",
        buttons=(_plugs("reader", not plugged),),
        text="card",
        text_label="卡号",
        text_act="swipe",
    )


def _scanner(state: State) -> Panel:
    plugged = state["readers"]["scanner"]
    return Panel(
        "扫码枪",
        "good" if plugged else "bad",
        "已接上" if plugged else "已拔掉",
        buttons=(_plugs("scanner", not plugged),),
        text="code",
        text_label="条码或二维码",
        text_act="scan",
    )


def _gauge(state: State) -> Panel:
    told = state["gauge"]
    bad = told["unplugged"] or told["silent"]
    return Panel(
        "液位仪主机",
        "bad" if bad else "good",
        "已拔掉" if told["unplugged"] else "不应答" if told["silent"] else "已接上",
        buttons=(
            _plugs("gauge", told["unplugged"]),
            Button("恢复应答", "gauge-answers")
            if told["silent"]
            else Button("死机不应答", "gauge-silent"),
            Button("换成新主机", "gauge-computer")
            if told["display_only"]
            else Button("换成只有显示格式的老主机", "gauge-display"),
        ),
        notes=("老主机，只有显示格式",) if told["display_only"] else (),
    )


def _tank(number: int, state: State) -> Panel:
    told = state["tanks"][str(number)]
    litres, room, water = (Decimal(told[name]) for name in ("litres", "room", "water_mm"))
    either = (
        ("排净水", "dry") if water > Decimal(DRY) else (f"进水 {WET} mm", "wet"),
        ("堵住漏点", "tight") if Decimal(told["leak"]) else (f"漏油 每秒 {LEAK} 升", "leak"),
        (f"丢油 {SPILT} 升", "lose"),
        (f"油温 {USUAL} ℃", "usual") if told["celsius"] == HOT else (f"油温 {HOT} ℃", "hot"),
        ("接好探棒", "in") if told["out"] else ("拔掉探棒", "out"),
    )
    acts = (
        *(() if told["pouring"] else ((f"来车卸油 {int(TRUCK):,} 升", "truck"),)),
        *either,
        *((("消除突降报警", "quiet"),) if "06" in told["set"] else ()),
    )
    notes = (
        *((f"正在卸油，车上还有 {Decimal(told['pouring']):,.0f} 升",) if told["pouring"] else ()),
        *((f"正在漏油，每秒 {told['leak']} 升",) if Decimal(told["leak"]) else ()),
    )
    return Panel(
        f"{number} 号罐",
        "bad" if told["alarms"] else "good",
        "、".join(told["alarms"]) or "正常",
        shows=(
            f"存油 {litres:,.1f} 升　空容 {room:,.1f} 升",
            f"水高 {water:.1f} mm　油温 {Decimal(told['celsius']):.1f} 度",
        ),
        buttons=tuple(Button(word, f"tank-{number}-{act}") for word, act in acts),
        notes=notes,
    )


PANELS: tuple[Callable[[State], Panel], ...] = (
    *(_printer, _display, _sign, _reader, _scanner, _gauge),
    *(partial(_tank, number) for number in TANKS),
)
