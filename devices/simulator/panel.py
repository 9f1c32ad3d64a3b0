"""What heads with one nozzle at an address share: leave, fuel, and a fill that waits to be closed.

The protocol's own codes follow from the phase (`azt.py`, `zhengxing.py`). The price is lost with
the power, and so is leave that was not used; a fill under way ends there and waits.
"""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from enum import Enum, auto

from devices.protocols.base import Seconds
from devices.simulator.electronics import Fill, Head, HeadOptions

NOZZLE = 1


class Phase(Enum):
    """What the head is doing."""

    RESTS = auto()
    LEAVE = auto()  # authorised; the nozzle is in
    STARTED = auto()  # authorised and lifted
    FUELS = auto()
    STORED = auto()  # over; the fill waits to be closed


class Panel(Head):
    """One fuelling point with one nozzle."""

    ends_at_limit = True  # False: it says that it fuels until the nozzle is back
    stores_nothing = True  # hung without a drop, that is a fill as well

    def __init__(self, address: int, options: HeadOptions) -> None:
        super().__init__(address, 1, options)
        self.phase = Phase.RESTS
        self.price = 0
        self.local = False  # a dose was set at the pump
        self.number = 0  # of the fill that is shown

    @abstractmethod
    def code(self) -> int:
        """The protocol's own."""

    @property
    def status(self) -> int:  # type: ignore[override]  # it follows from the phase
        return self.code()

    # ------------------------------------------------------------------ people and power

    @property
    def open(self) -> bool:
        return self.phase in (Phase.LEAVE, Phase.STARTED) or (
            self.phase is Phase.FUELS and not self._limit_reached()
        )

    def lift(self, nozzle: int) -> None:
        if self.powered and not self.lifted and nozzle == NOZZLE:
            self.lifted = nozzle
            if self.phase is Phase.LEAVE:
                self.phase = Phase.STARTED

    def hang(self) -> None:
        if not self.lifted:
            return
        self.lifted, self.rate = 0, Decimal(0)
        if self.powered and self.phase in (Phase.STARTED, Phase.FUELS):
            self.end()

    def cut_power(self) -> None:
        self._book()
        self.powered = False
        self.rate = Decimal(0)

    def give_power(self) -> None:
        self.powered, self.price, self.local = True, 0, False
        if self.phase is Phase.FUELS:
            self.end()
        elif self.phase is not Phase.STORED:
            self.phase = Phase.RESTS

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        self.number += 1
        super().sell_locally(nozzle, litres, price)

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        spent, self.now = now - self.now, now
        flows = self.phase in (Phase.STARTED, Phase.FUELS) and self.rate > 0
        if not self.powered or spent <= 0 or not flows:
            return
        if self.phase is Phase.STARTED:
            self._begin()
            self.phase = Phase.FUELS
        self._pour(Decimal(str(round(spent, 6))) * self.rate)
        if self._limit_reached():
            self.rate = Decimal(0)
            if self.ends_at_limit:
                self.end()

    def _begin(self) -> None:
        """A new fill on the display; the one before is gone."""
        self.number += 1
        self.shown = Fill(NOZZLE, self.price)
        self.metered = False
        self._carry = Decimal(0)

    # ------------------------------------------------------------------ what a protocol asks of it

    def allow(self) -> bool:
        """Leave to fuel, up to the limit that was given before; a dose of the pump's own stays."""
        if self.phase is not Phase.RESTS or not self.price:
            return False
        self.phase = Phase.STARTED if self.lifted else Phase.LEAVE
        self.local = False
        return True

    def limit(self, *, volume: int | None = None, amount: int | None = None) -> bool:
        """So much of the next fill."""
        if self.phase is not Phase.RESTS or self.local:
            return False
        self._preset_volume, self._preset_amount = volume, amount
        return True

    def reprice(self, price: int) -> bool:
        """Only at rest."""
        if self.phase is not Phase.RESTS:
            return False
        self.price = price
        return True

    def halt(self) -> bool:
        """Leave is taken back, a fill under way ends."""
        if self.phase in (Phase.LEAVE, Phase.STARTED):
            self.phase = Phase.RESTS
        elif self.phase is Phase.FUELS:
            self.end()
        return True

    def end(self) -> None:
        """The fill is over."""
        empty = self.phase is Phase.STARTED
        self.rate = Decimal(0)
        self._book()
        self.phase = Phase.RESTS if empty and not self.stores_nothing else Phase.STORED

    def close(self) -> None:
        """Whoever asked knows the fill."""
        if self.phase is Phase.STORED:
            self.phase = Phase.RESTS
