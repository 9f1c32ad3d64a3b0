"""What the table of protocols says of each kind of device: one class for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Shape

from devices.protocols import displays
from devices.protocols.asker import Asker
from devices.protocols.base import (
    Codec,
    DeviceSettings,
    Listener,
    Passive,
    SerialSettings,
    Timing,
)
from devices.protocols.veeder_root.codec import VeederRootCodec


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
    others: tuple[SerialSettings, ...] = ()  # ways its ports are also found to be set
    # Bytes that make one of its heads do something, whoever means them: no protocol with a check
    # takes another's frames for its own, so only one whose commands have none says anything here.
    acts: Callable[[bytes], bool] = lambda raw: False
    # Makes that its questions hold commands of: looked for, and found absent, before one is asked.
    after: tuple[str, ...] = ()
    # What reads a recording of both sides; without it a recording is told frame by frame.
    passive: Callable[[Iterable[DeviceSettings]], Passive] | None = None
    nozzles: int = 15  # that one address can have

    def takes(self, address: int) -> bool:
        """Whether a head can have this address."""
        return address in self.addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderProtocol:
    """A card reader or a scanner: one device on a line of its own."""

    key: str
    label: str
    serial: SerialSettings
    listener: Callable[[Mapping[str, Any]], Listener | Asker]  # from the options of the line
    asks_for: str  # what a person is to do so that it speaks
    others: tuple[SerialSettings, ...] = ()
    asks: bool = False  # answers only: where nothing is heard for long, it is not there
    options: tuple[str, ...] = ()  # of the line, which a page lets choose
    serves: str = ""  # the scheme of its ports, where they are no serial ones
    after: tuple[str, ...] = ()  # as of a pump's: makes that its questions hold commands of


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeProtocol:
    """A console of tank gauges, alone on its line: it is asked, and numbers its tanks itself."""

    key: str
    label: str
    serial: SerialSettings
    codec: Callable[..., VeederRootCodec]  # security code and units, where they are known
    tanks: range
    tank_help: str  # where the number of a tank is read
    describe: Describe
    is_poll: IsPoll
    others: tuple[SerialSettings, ...] = ()
    after: tuple[str, ...] = ()  # as in PumpProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayProtocol:
    """A customer's display: it is told and never answers."""

    key: str
    label: str
    serial: SerialSettings
    pole: Callable[[], displays.Pole]
    letters: bool  # it has a text to show when nobody is served
    chinese: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignProtocol:
    """A price sign that is set row by row and read back."""

    key: str
    label: str
    serial: SerialSettings
    rows: range


Entry = PumpProtocol | ReaderProtocol | GaugeProtocol | DisplayProtocol | SignProtocol
