"""What every dispenser side has, whatever it speaks: display, totalizers, presets, people, power.

A head of a protocol is a small class on top (`pump.py`, `gaskit.py`): its states, and its answers.
It obeys its protocol and nothing else; it does not know who asks. Time is handed in, so that tests
and the sped-up forecourt decide how fast fuel flows. What a real head keeps without power is kept
here: totalizers and the last fill.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Protocol

from devices.protocols.base import Decimals, Seconds, SerialSettings, scaled, unscaled


@dataclass(slots=True)
class Meter:
    """One nozzle's totalizers, in the integers that the head shows."""

    volume: int = 0
    amount: int = 0


@dataclass(slots=True)
class Fill:
    """What the display shows; it stays until the next one begins."""

    nozzle: int = 0
    price: int = 0
    volume: int = 0
    amount: int = 0


@dataclass(slots=True)
class HeadOptions:
    """How this make of head behaves."""

    decimals: Decimals = field(default_factory=Decimals)
    serial: str = "0000000001"


@dataclass(frozen=True, slots=True)
class Message:
    """Something of the master's that arrived whole, for one address."""

    address: int
    poll: bool
    said: Any  # what the head of that protocol understands
    shared: tuple[int, ...] = ()  # others that it is for as well; the first that is there answers
    everyone: bool = False  # for all heads of the line; none of them answers


class Ear(Protocol):
    """How heads of one protocol cut what they hear into messages; None is a damaged one."""

    settings: SerialSettings

    def feed(self, data: bytes) -> Iterable[Message | None]: ...


class Head(ABC):
    """One fuelling point with its logical nozzles."""

    ear: ClassVar[type[Ear]]
    totalizer_digits: ClassVar[int]
    status: int  # the protocol's own code

    def __init__(self, address: int, nozzles: int, options: HeadOptions) -> None:
        self.address = address
        self.options = options
        self.meters = {number: Meter() for number in range(1, nozzles + 1)}
        self.shown = Fill()
        self.metered = True  # the display's fill is in the totalizer
        self.powered = True
        self.now: Seconds = 0.0
        self.lifted = 0
        self.rate = Decimal(0)  # litres per second while the trigger is squeezed
        self._carry = Decimal(0)
        self._preset_volume: int | None = None
        self._preset_amount: int | None = None

    # ------------------------------------------------------------------ people and power

    @property
    @abstractmethod
    def open(self) -> bool:
        """Authorised or fuelling: whoever squeezes gets fuel."""

    @abstractmethod
    def lift(self, nozzle: int) -> None:
        """Take a nozzle off; the first one out counts until it is back."""

    @abstractmethod
    def hang(self) -> None:
        """Put the nozzle back: delivery is over, and only now the totalizer is right."""

    @abstractmethod
    def cut_power(self) -> None:
        """A fill under way ends here; its litres were delivered and are kept."""

    @abstractmethod
    def give_power(self) -> None:
        """The head comes up again, with what it keeps."""

    @abstractmethod
    def hear(self, said: Any) -> bytes | None:
        """The answer to one undamaged message that names this head."""

    def squeeze(self, litres_per_second: Decimal) -> None:
        self.rate = litres_per_second

    def release(self) -> None:
        self.rate = Decimal(0)

    def recall(self, shown: Fill, *, metered: bool) -> None:
        """The display and the meters as they were before the head lost its power."""
        self.shown, self.metered = shown, metered
        self._book()

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        """A fill in the head's own manual mode, as happens while nobody listens."""
        places = self.options.decimals
        self.shown = Fill(nozzle, unscaled(price, places.price), unscaled(litres, places.volume))
        self.shown.amount = self._worth(self.shown.volume)
        self.metered = False
        self._book()

    # ------------------------------------------------------------------ fuel

    @abstractmethod
    def advance(self, now: Seconds) -> None:
        """Let time pass: fuel flows where it may."""

    def _pour(self, litres: Decimal) -> None:
        self._carry += litres.scaleb(self.options.decimals.volume)
        whole = int(self._carry)
        self._carry -= whole
        volume = self.shown.volume + whole
        if self._preset_volume is not None:
            volume = min(volume, self._preset_volume)
        if self._preset_amount is not None:
            volume = min(volume, self._volume_for(self._preset_amount))
        self.shown.volume = volume
        self.shown.amount = self._worth(volume)

    def _limit_reached(self) -> bool:
        by_volume = self._preset_volume is not None and self.shown.volume >= self._preset_volume
        by_amount = self._preset_amount is not None and (
            self.shown.volume >= self._volume_for(self._preset_amount)
        )
        return by_volume or by_amount

    def _worth(self, volume: int) -> int:
        """Display amount: litres times price, half up at the display's last digit."""
        places = self.options.decimals
        yuan = scaled(volume, places.volume) * scaled(self.shown.price, places.price)
        return int(yuan.scaleb(places.amount).quantize(Decimal(1), ROUND_HALF_UP))

    def _volume_for(self, amount: int) -> int:
        """The most litres whose amount does not pass the preset."""
        places = self.options.decimals
        price = scaled(self.shown.price, places.price)
        if not price:
            return 0
        volume = int((scaled(amount, places.amount) / price).scaleb(places.volume)) + 2
        while self._worth(volume) > amount:
            volume -= 1
        return volume

    def _book(self) -> None:
        """Move the display's fill into the totalizers, once."""
        if self.metered or self.shown.nozzle not in self.meters:
            return
        meter, most = self.meters[self.shown.nozzle], 10**self.totalizer_digits
        shift = self.options.decimals.totals - self.options.decimals.volume
        step = Decimal(self.shown.volume).scaleb(shift)
        meter.volume = (meter.volume + int(step)) % most
        meter.amount = (meter.amount + self.shown.amount) % most
        self.metered = True
