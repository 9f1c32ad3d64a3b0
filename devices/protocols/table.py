"""Every protocol that a line may speak: one entry each, and nobody else names them.

Pure values and functions. The simulated heads stand in a table of their own
(`devices/simulator/heads.py`), since what is sold does not import what is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol as Shape

from devices.protocols import rdm6300, scanner
from devices.protocols.base import Codec, DeviceSettings, Listener, SerialSettings, Timing
from devices.protocols.dart import codec as dart
from devices.protocols.dart import describe as dart_words
from devices.protocols.dart import frames as dart_frames
from devices.protocols.gaskit import codec as gaskit
from devices.protocols.gaskit import describe as gaskit_words
from devices.protocols.gaskit import frames as gaskit_frames
from devices.protocols.twowire import codec as twowire
from devices.protocols.twowire import describe as twowire_words
from devices.protocols.twowire import frames as twowire_frames

DART, GASKIT, TWOWIRE = "DART", "GASKITLINK", "TWOWIRE"
RDM6300, SCANNER = "RDM6300", "SCANNER"
PARITY_WORDS = {"N": "无校验", "O": "奇校验", "E": "偶校验"}


class IsPoll(Shape):
    """What is said all the time and brings nothing."""

    def __call__(self, raw: bytes, *, from_master: bool = True) -> bool: ...


class Describe(Shape):
    """One frame in words; never raises."""

    def __call__(self, raw: bytes, *, from_master: bool) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpProtocol:
    """How dispensers are asked: the controller's end of a line with several heads."""

    key: str
    label: str
    serial: SerialSettings
    timing: Timing
    codec: Callable[[Iterable[DeviceSettings], Timing], Codec]
    addresses: range
    address_help: str  # how the number on the head becomes the address
    address_words: Callable[[int], str]
    totalizer_digits: int  # in all, those after the point included
    volume_decimals: int  # that most of its displays have
    describe: Describe
    is_poll: IsPoll
    answers_repeat: bool  # a poll is answered with the state, changed or not

    def takes(self, address: int) -> bool:
        """Whether a head can have this address."""
        return address in self.addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderProtocol:
    """A device that speaks without being asked."""

    key: str
    label: str
    serial: SerialSettings
    listener: Callable[[], Listener]


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
            listener=rdm6300.Rdm6300,
        ),
        ReaderProtocol(
            key=SCANNER,
            label="串口扫码枪",
            serial=scanner.Scanner.settings,
            listener=scanner.Scanner,
        ),
    )
}


def entries() -> dict[str, PumpProtocol | ReaderProtocol]:
    """All of them by key, pumps first."""
    return {**PUMPS, **READERS}


def choices() -> list[tuple[str, str]]:
    """Key and label, for people to choose from."""
    return [(key, one.label) for key, one in entries().items()]


def serial_in_words(settings: SerialSettings) -> str:
    """As a technician reads it: 9600，8 位，奇校验，1 停止位."""
    parity = PARITY_WORDS[settings.parity]
    return f"{settings.baud}，{settings.bits} 位，{parity}，{settings.stop} 停止位"
