"""What a Two-Wire pump's answers mean: conditions, fills, totals, prices.

A status is one byte without any check, an LRC is four bits wide, and the handle is told in words
with none. So a state, a handle, a fill and the totals are believed when two answers in a row say
the same. Only what is shown, the money while fuel flows, is believed at once.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from devices.protocols import base
from devices.protocols.base import Condition, Event, Malformed, scaled
from devices.protocols.twowire import messages as m

_CONDITIONS = {
    m.ERROR: Condition.ERROR,
    m.OFF: Condition.IDLE,
    m.CALL: Condition.CALLING,
    m.AUTHORISED: Condition.AUTHORISED,
    m.BUSY: Condition.FUELLING,
    m.PEOT: Condition.ENDED,
    m.FEOT: Condition.IDLE,  # hung up; the fill can be read
    m.STOPPED: Condition.ENDED,
    m.LISTENING: Condition.ERROR,  # it waits for a block that nobody sends
}
_OUT = frozenset({m.CALL, m.BUSY, m.PEOT, m.STOPPED})
RUNS = frozenset({m.AUTHORISED, m.BUSY})
READY = frozenset({m.OFF, m.CALL})
HANDLE_TRIES = 5  # questions for the handle without an answer: this head does not tell


class Point:
    """One address as its own words describe it."""

    def __init__(self, settings: base.DeviceSettings) -> None:
        self.settings = settings
        self.several = len(settings.nozzles) > 1
        self.prices: dict[int, tuple[int, int]] = {}  # by grade, at both levels, as last read
        self.forget()

    def forget(self) -> None:
        """Nothing is known, as after a broken line."""
        self.state: int | None = None
        self.sure = False  # the last two answers agreed, and nothing was done since
        self.paused = False  # stopped by our own pause
        self.nozzle = 0 if self.several else self.settings.nozzles[0]
        self.lifted = 0  # the nozzle that is out, once the head told twice
        self.deaf = 0  # questions for the handle that found no answer
        self.prices.clear()
        self._called = False  # it was authorised with its nozzle out
        self._once: int | None = None
        self._handle: m.Extended | None = None
        self._told: tuple[Condition, int, bool] | None = None
        self._selected: tuple[int, bool] | None = None

    def doubt(self) -> None:
        """Something may have changed: the state is asked for until two answers agree."""
        self.sure, self._once = False, None

    @property
    def asks_handle(self) -> bool:
        """Which nozzle is out is not known yet, or another one was named once."""
        return self.tells_handle and (not self.lifted or self._handle is not None)

    @property
    def tells_handle(self) -> bool:
        """A head with several nozzles calls, and answers when it is asked which."""
        calls = self.sure and self.state == m.CALL and self.several
        return calls and self.deaf < HANDLE_TRIES

    @property
    def known(self) -> bool:
        """The state is sure, and the nozzle with it."""
        return self.sure and not self.asks_handle

    # ------------------------------------------------------------------ states

    def take(self, state: int) -> bool:
        """A status; True when the state is sure with it."""
        if not (self.sure and state == self.state) and state != self._once:
            self.sure, self._once = False, state
            return False
        if state != self.state:
            self._turn(state)
        self.state, self.sure, self._once = state, True, None
        return True

    def _turn(self, state: int) -> None:
        before = self.state
        if state == m.CALL:
            self.nozzle = 0 if self.several else self.nozzle
            self.ask_handle_again()
        if state in RUNS:
            self._called = self._called if before in RUNS else before == m.CALL
        if state != m.STOPPED:
            self.paused = False

    def ask_handle_again(self) -> None:
        """Another nozzle may be out by now, and the status would be the same."""
        self.lifted = 0 if self.several else self.nozzle
        self.deaf, self._handle = 0, None

    def handle(self, said: m.Extended) -> None:
        """Handle and nozzle, believed the second time. A handle that is down is asked again."""
        if not said.up or said.nozzle not in self.settings.nozzles:
            self.deaf, self._handle = self.deaf + 1, None
            self.doubt()
        elif said.nozzle == self.lifted or said == self._handle:
            self.lifted = self.nozzle = said.nozzle
            self.deaf, self._handle = 0, None
        else:
            self._handle = said

    def news(self, *, asked: bool) -> list[Event]:
        """The sure state as events, where it changed or somebody asked."""
        if not self.known:
            return []
        assert self.state is not None
        condition = Condition.SUSPENDED if self.paused else _CONDITIONS[self.state]
        out = self.state in _OUT or (self.state == m.AUTHORISED and self._called)
        told = condition, self.nozzle, out
        if told == self._told and not asked:
            return []
        self._told = told
        address, events = self.settings.address, list[Event]()
        named = self.nozzle if condition not in (Condition.IDLE, Condition.ERROR) else 0
        if self._selected != (named, out):
            self._selected = named, out
            events.append(
                base.NozzleSelected(address=address, nozzle=named, nozzle_out=out, price=None)
            )
        status = base.Status(
            address=address, condition=condition, nozzle=named, nozzle_out=out, raw=self.state
        )
        return [*events, status]

    # ------------------------------------------------------------------ figures

    def live(self, said: m.Money) -> Event:
        """The head tells the yuan; the litres are what they buy, and only shown."""
        places = self.settings.decimals
        amount = scaled(said.value, places.amount)
        price = self.price_of(self.nozzle)
        digit = Decimal(1).scaleb(-places.volume)
        litres = (amount / price).quantize(digit, ROUND_DOWN) if price else Decimal(0)
        return base.Delivered(address=self.settings.address, litres=litres, amount=amount)

    def price_of(self, nozzle: int) -> Decimal:
        """What the head sells at. A second level that is in use and differs is the one told."""
        first, second = self.prices.get(nozzle - 1, (0, 0))
        told = (second or first) if first else 0  # nought at the first level is no price at all
        return scaled(told, self.settings.decimals.price)

    def fill(self, said: m.Transaction) -> Event:
        """A fill that was said twice."""
        places = self.settings.decimals
        return base.TransactionRead(
            address=self.settings.address,
            nozzle=said.grade + 1,
            litres=scaled(said.volume, places.volume),
            amount=scaled(said.money, places.amount),
            price=scaled(said.price, places.price) if said.price else None,
        )

    def keep_prices(self, said: m.Totals) -> None:
        """The totals tell the prices along."""
        self.prices = {one.grade: (one.price_1, one.price_2) for one in said.grades}

    def prices_read(self) -> Event:
        """The prices of all nozzles, as they were read last; nought is none."""
        rows = [(nozzle, self.price_of(nozzle)) for nozzle in self.settings.nozzles]
        held = tuple((nozzle, price) for nozzle, price in rows if price)
        return base.PricesRead(address=self.settings.address, prices=held)

    def totals(self, said: m.Totals, nozzle: int) -> Event:
        """One nozzle's totals out of the block. Raises Malformed where it has none."""
        places = self.settings.decimals
        one = grade_of(said.grades, nozzle)
        return base.TotalsRead(
            address=self.settings.address,
            nozzle=nozzle,
            litres=scaled(one.volume, places.totals),
            amount=scaled(one.money, places.totals_amount),
        )


def grade_of(grades: Sequence[m.Grade], nozzle: int) -> m.Grade:
    """The grade that a nozzle draws: they are counted from nought."""
    for one in grades:
        if one.grade == nozzle - 1:
            return one
    raise Malformed(f"nothing about nozzle {nozzle}")
