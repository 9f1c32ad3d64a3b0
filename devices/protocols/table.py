"""Every protocol that a line may speak: one entry each, and nobody else names them.

Pure values and functions. The simulated heads stand in a table of their own
(`devices/simulator/heads.py`), since what is sold does not import what is played.
"""

from __future__ import annotations

from devices.protocols import azt, displays, pcsc, pn532, pricesign, rdm6300, scanner, zhengxing
from devices.protocols.base import SerialSettings
from devices.protocols.dart import codec as dart
from devices.protocols.dart import describe as dart_words
from devices.protocols.dart import frames as dart_frames
from devices.protocols.dart import passive as dart_passive
from devices.protocols.entry import (
    DisplayProtocol,
    Entry,
    GaugeProtocol,
    PumpProtocol,
    ReaderProtocol,
    SignProtocol,
)
from devices.protocols.gaskit import codec as gaskit
from devices.protocols.gaskit import describe as gaskit_words
from devices.protocols.gaskit import frames as gaskit_frames
from devices.protocols.gaskit import passive as gaskit_passive
from devices.protocols.ifsf import codec as ifsf
from devices.protocols.ifsf import describe as ifsf_words
from devices.protocols.ifsf import messages as ifsf_messages
from devices.protocols.twowire import codec as twowire
from devices.protocols.twowire import describe as twowire_words
from devices.protocols.twowire import frames as twowire_frames
from devices.protocols.twowire import passive as twowire_passive
from devices.protocols.veeder_root import codec as veeder_root
from devices.protocols.veeder_root import describe as veeder_root_words
from devices.protocols.veeder_root.codec import VeederRootCodec

DART, GASKIT, TWOWIRE = "DART", "GASKITLINK", "TWOWIRE"
AZT, ZHENGXING, IFSF = "AZT", "ZHENGXING", "IFSF"
RDM6300, PN532, PCSC, SCANNER = "RDM6300", "PN532", "PCSC", "SCANNER"
VEEDER_ROOT = "VEEDER-ROOT"
CD5220, CD5220_CHINESE, LED8 = "CD5220", "CD5220GB", "LED8"
PRICESIGN = "PRICESIGN"
PARITY_WORDS = {"N": "无校验", "O": "奇校验", "E": "偶校验"}


PUMPS: dict[str, PumpProtocol] = {
    one.key: one
    for one in (
        PumpProtocol(
            key=DART,
            label="Wayne DART",
            serial=dart.SERIAL,
            timing=dart.TIMING,
            codec=dart.DartCodec,
            addresses=range(dart_frames.LOWEST_ADDRESS, dart_frames.HIGHEST_ADDRESS + 1),
            address_help="机头显示 1 的填 80（0x50），依次加 1",
            address_words=lambda address: f"{address}（0x{address:02X}）",
            totalizer_digits=10,
            volume_decimals=2,
            describe=dart_words.describe,
            is_poll=dart_words.is_poll,
            answers_repeat=False,
            others=(
                SerialSettings(19200, 8, "O"),
                SerialSettings(9600, 8, "E"),
                SerialSettings(9600, 8, "N"),
            ),
            passive=dart_passive.DartPassive,
        ),
        PumpProtocol(
            key=GASKIT,
            label="CENSTAR GasKitLink",
            serial=gaskit.SERIAL,
            timing=gaskit.TIMING,
            codec=gaskit.GasKitCodec,
            addresses=range(gaskit_frames.LOWEST_ADDRESS, gaskit_frames.HIGHEST_ADDRESS + 1),
            address_help="机头站号是几就填几，从 1 起",
            address_words=lambda address: f"{address} 号站",
            totalizer_digits=9,
            volume_decimals=2,
            describe=gaskit_words.describe,
            is_poll=gaskit_words.is_poll,
            answers_repeat=True,
            others=(
                SerialSettings(19200),
                SerialSettings(4800),
                SerialSettings(9600, 8, "E"),
                SerialSettings(9600, 8, "O"),
            ),
            passive=gaskit_passive.GasKitPassive,
        ),
        PumpProtocol(
            key=TWOWIRE,
            label="Gilbarco 两线",
            serial=twowire.SERIAL,
            timing=twowire.TIMING,
            codec=twowire.TwoWireCodec,
            addresses=range(twowire_frames.LOWEST_ADDRESS, twowire_frames.HIGHEST_ADDRESS + 1),
            address_help="机头泵号是几就填几，1 到 16",
            address_words=lambda address: f"{address} 号泵",
            totalizer_digits=8,
            volume_decimals=3,
            describe=twowire_words.describe,
            is_poll=twowire_words.is_poll,
            answers_repeat=True,
            others=(
                SerialSettings(5760, 8, "E"),
                SerialSettings(9600, 8, "N"),
                SerialSettings(9600, 8, "E"),
            ),
            acts=twowire_words.acts,
            passive=twowire_passive.TwoWirePassive,
        ),
        PumpProtocol(
            key=AZT,
            label="AZT 2.0",
            serial=azt.SERIAL,
            timing=azt.TIMING,
            codec=azt.AztCodec,
            addresses=azt.ADDRESSES,
            address_help="一个地址是一把枪，机头设的是几就填几，从 1 起",
            address_words=lambda address: f"{address} 号地址",
            totalizer_digits=10,
            volume_decimals=2,
            describe=azt.describe,
            is_poll=azt.is_poll,
            answers_repeat=True,
            after=(TWOWIRE,),
            nozzles=1,
        ),
        PumpProtocol(
            key=ZHENGXING,
            label="正星电流环",
            serial=zhengxing.SERIAL,
            timing=zhengxing.TIMING,
            codec=zhengxing.ZhengxingCodec,
            addresses=zhengxing.ADDRESSES,
            address_help="一个面板是一把枪，面板号是几就填几，从 1 起",
            address_words=lambda address: f"{address} 号面板",
            totalizer_digits=12,
            volume_decimals=2,
            describe=zhengxing.describe,
            is_poll=zhengxing.is_poll,
            answers_repeat=True,
            after=(TWOWIRE,),
            nozzles=1,
        ),
        PumpProtocol(
            key=IFSF,
            label="IFSF（TCP）",
            serial=ifsf.SERIAL,
            timing=ifsf.TIMING,
            codec=ifsf.IfsfCodec,
            addresses=ifsf_messages.ADDRESSES,
            address_help="填（节点号 − 1）× 4 + 加油点号，节点 1 的加油点 1 填 1，节点 2 的加油点 1 填 5",
            address_words=ifsf_words.address_words,
            totalizer_digits=12,
            volume_decimals=2,
            describe=ifsf_words.describe,
            is_poll=ifsf_words.is_poll,
            answers_repeat=True,
            after=(TWOWIRE,),
            nozzles=ifsf_messages.MOST_NOZZLES,
        ),
    )
}
READERS: dict[str, ReaderProtocol] = {
    one.key: one
    for one in (
        ReaderProtocol(
            key=RDM6300,
            label="RDM6300 读卡器",
            serial=rdm6300.Rdm6300.settings,
            listener=lambda options: rdm6300.Rdm6300(),
            asks_for="刷一张卡",
        ),
        ReaderProtocol(
            key=PN532,
            label="PN532 读卡器",
            serial=pn532.Pn532.settings,
            listener=lambda options: pn532.Pn532(),
            asks_for="刷一张卡",
            asks=True,
            after=(TWOWIRE,),
        ),
        ReaderProtocol(
            key=PCSC,
            label="PC/SC 读卡器",
            serial=pcsc.CardTerminal.settings,
            listener=lambda options: pcsc.CardTerminal(str(options.get(pcsc.AID, ""))),
            asks=True,
            options=(pcsc.AID,),
            asks_for="刷一张卡",
            serves="pcsc",
        ),
        ReaderProtocol(
            key=SCANNER,
            label="串口扫码枪",
            serial=scanner.Scanner.settings,
            listener=lambda options: scanner.Scanner(str(options.get(scanner.OPTION, ""))),
            asks_for="扫一个条码（不要扫付款码）",
            others=(SerialSettings(115200), SerialSettings(19200), SerialSettings(38400)),
            options=(scanner.OPTION,),
        ),
    )
}

DISPLAYS: dict[str, DisplayProtocol] = {
    one.key: one
    for one in (
        DisplayProtocol(
            key=CD5220,
            label="CD5220/VFD220 客显",
            serial=displays.CD5220,
            pole=lambda: displays.TwoLines(chinese=False),
            letters=True,
            chinese=False,
        ),
        DisplayProtocol(
            key=CD5220_CHINESE,
            label="CD5220 客显（带汉字）",
            serial=displays.CD5220,
            pole=lambda: displays.TwoLines(chinese=True),
            letters=True,
            chinese=True,
        ),
        DisplayProtocol(
            key=LED8,
            label="LED8 数码客显",
            serial=displays.LED8,
            pole=displays.Digits,
            letters=False,
            chinese=False,
        ),
    )
}
SIGNS: dict[str, SignProtocol] = {
    one.key: one
    for one in (
        SignProtocol(
            key=PRICESIGN,
            label="价格牌",
            serial=pricesign.SERIAL,
            rows=pricesign.ROWS,
        ),
    )
}

GAUGES: dict[str, GaugeProtocol] = {
    one.key: one
    for one in (
        GaugeProtocol(
            key=VEEDER_ROOT,
            label="Veeder-Root TLS",
            serial=veeder_root.SERIAL,
            codec=VeederRootCodec,
            tanks=range(1, 100),
            tank_help="液位仪主机上的罐号（探棒号），1 到 99",
            describe=veeder_root_words.describe,
            is_poll=veeder_root_words.is_poll,
            others=(
                SerialSettings(9600, 7, "O"),
                SerialSettings(9600, 7, "E"),
                SerialSettings(19200),
                SerialSettings(4800),
                SerialSettings(2400),
                SerialSettings(1200),
                SerialSettings(1200, 7, "O"),
            ),
            after=(TWOWIRE,),
        ),
    )
}
SIGN_ROWS = pricesign.ROWS


def entries() -> dict[str, Entry]:
    """All of them by key, pumps first."""
    return {**PUMPS, **READERS, **GAUGES, **DISPLAYS, **SIGNS}


def is_asked(key: str) -> bool:
    """Whether devices of this protocol are asked all the time, so that silence tells of a break."""
    if key in READERS:
        return READERS[key].asks
    return key in PUMPS or key in GAUGES or key in SIGNS


def serves(key: str) -> str:
    """The scheme of the ports that a protocol is spoken on; "" for serial ones."""
    return READERS[key].serves if key in READERS else ""


def choices() -> list[tuple[str, str]]:
    """Key and label, for people to choose from."""
    return [(key, one.label) for key, one in entries().items()]


def serial_in_words(settings: SerialSettings) -> str:
    """As a technician reads it: 9600，8 位，奇校验，1 停止位."""
    parity = PARITY_WORDS[settings.parity]
    return f"{settings.baud}，{settings.bits} 位，{parity}，{settings.stop} 停止位"


def serial_in_short(settings: SerialSettings) -> str:
    """The same as it stands on a plate: 9600 8O1."""
    return f"{settings.baud} {settings.bits}{settings.parity}{settings.stop}"
