"""What a GasKitLink head's answers mean: conditions, fills, totals, in litres and yuan.

An XOR of eight bits lets two flips in one column pass, and with digits the result is a digit again
as often as not. So a state, a fill and a totalizer are believed when two answers in a row say the
same. What is only shown, litres and yuan while fuel flows, is believed at once.
"""

from decimal import Decimal

from devices.protocols import base
from devices.protocols.base import Condition, Event, Malformed, Seconds, scaled
from devices.protocols.gaskit import messages as m

_CONDITIONS = {
    m.ERROR: Condition.ERROR,
    m.IDLE: Condition.IDLE,
    m.CALLING: Condition.CALLING,
    m.AUTHORISED: Condition.AUTHORISED,
    m.STARTED: Condition.AUTHORISED,  # the motor runs, no fuel yet
    m.SUSPENDED_STARTED: Condition.SUSPENDED,
    m.FUELLING: Condition.FUELLING,
    m.SUSPENDED_FUELLING: Condition.SUSPENDED,
    m.STOPPED: Condition.ENDED,
    m.FINISHED: Condition.IDLE,  # hung up; the fill waits to be read and closed
}
_OUT = {
    m.CALLING,
    m.STARTED,
    m.SUSPENDED_STARTED,
    m.FUELLING,
    m.SUSPENDED_FUELLING,
    m.STOPPED,
}
UNDER_WAY = frozenset({m.STARTED, m.SUSPENDED_STARTED, m.FUELLING, m.SUSPENDED_FUELLING})
# A head that was authorised with its nozzle out says 3 for a moment before it says 4.
LIFTED_FOR: Seconds = 5.0


class Point:
    """One address as its own words describe it."""

    def __init__(self, settings: base.DeviceSettings) -> None:
        self.settings = settings
        self.forget()

    def forget(self) -> None:
        """Nothing is known, as after a broken line."""
        self.state: int | None = None
        self.nozzle = 0
        self.sure = False  # the last two answers agreed, and nothing was done since
        self.paused = False  # state 8 because of our own pause: some heads know no other
        self._once: m.State | None = None
        self._lifted_until: Seconds = 0.0
        self._selected: tuple[int, bool] | None = None
        self._told: tuple[int, int, bool] | None = None
        self._litres = Decimal(0)

    def doubt(self) -> None:
        """Something may have changed: the state is asked for until two answers agree."""
        self.sure, self._once = False, None

    @property
    def moving(self) -> bool:
        return self.state in UNDER_WAY

    # ------------------------------------------------------------------ states

    def take(self, said: m.State, now: Seconds) -> bool:
        """A status answer; True when the state is sure with it. Raises Malformed for nonsense."""
        self._check(said)
        known = self.sure and (said.state, said.nozzle) == (self.state, self.nozzle)
        if not known and said != self._once:
            self.sure, self._once = False, said
            return False
        if said.state == m.AUTHORISED and self.state == m.CALLING:
            self._lifted_until = now + LIFTED_FOR
        self.state, self.nozzle = said.state, said.nozzle
        self.sure, self._once = True, None
        self.paused = self.paused and said.state == m.STOPPED
        return True

    @staticmethod
    def _check(said: m.State) -> None:
        """A hung nozzle is not named, one that is out is."""
        hung = said.state in (m.IDLE, m.FINISHED)
        if (hung and said.nozzle) or (said.state in _OUT and not said.nozzle):
            raise Malformed(f"state {said.state} with nozzle {said.nozzle}")

    def news(self, now: Seconds, *, asked: bool) -> list[Event]:
        """The sure state as events, where it changed or somebody asked."""
        assert self.state is not None
        out = self._out(now)
        told = self.state, self.nozzle, out
        if told == self._told and not asked:
            return []
        self._told = told
        events: list[Event] = []
        if self._selected != (self.nozzle, out):
            self._selected = self.nozzle, out
            address = self.settings.address
            events.append(
                base.NozzleSelected(address=address, nozzle=self.nozzle, nozzle_out=out, price=None)
            )
        return [*events, self._status(out)]

    def _out(self, now: Seconds) -> bool:
        return self.state in _OUT or (self.state == m.AUTHORISED and now < self._lifted_until)

    def _status(self, out: bool) -> Event:
        assert self.state is not None
        condition = Condition.SUSPENDED if self.paused else _CONDITIONS[self.state]
        return base.Status(
            address=self.settings.address,
            condition=condition,
            nozzle=self.nozzle,
            nozzle_out=out,
            raw=self.state,
            unclosed=self.state == m.FINISHED,
        )

    # ------------------------------------------------------------------ figures

    def live(self, said: m.Live) -> list[Event]:
        """Litres come first; the yuan that follow complete them."""
        if said.state != self.state:
            self.doubt()
        places = self.settings.decimals
        if said.letter == "L":
            self._litres = scaled(said.value, places.volume)
            return []
        amount = scaled(said.value, places.amount)
        return [base.Delivered(address=self.settings.address, litres=self._litres, amount=amount)]

    def figures(self, said: m.Transaction | m.Totalizer) -> Event:
        """A fill or a totalizer that was said twice."""
        places, address = self.settings.decimals, self.settings.address
        if isinstance(said, m.Totalizer):
            litres = scaled(said.volume, places.totals)
            return base.TotalsRead(address=address, nozzle=said.nozzle, litres=litres, amount=None)
        return base.TransactionRead(
            address=address,
            nozzle=said.nozzle,
            litres=scaled(said.volume, places.volume),
            amount=scaled(said.amount, places.amount),
            price=scaled(said.price, places.price) if said.price else None,
            transaction_id=said.id,
        )
