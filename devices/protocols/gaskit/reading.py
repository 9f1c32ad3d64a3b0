"""What a GasKitLink head's answers mean: conditions, fills, totals, in litres and yuan."""

from dataclasses import replace
from decimal import Decimal

from devices.protocols import base
from devices.protocols.base import Condition, Event, Malformed, Seconds, scaled
from devices.protocols.gaskit import messages as m
from devices.protocols.states import Point, State

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


def state_of(said: m.State) -> State:
    """The state in common words. Raises Malformed: a hung nozzle is not named, one that is out is."""
    out = said.state in _OUT
    hung = said.state in (m.IDLE, m.FINISHED)
    if (hung and said.nozzle) or (out and not said.nozzle):
        raise Malformed(f"state {said.state} with nozzle {said.nozzle}")
    condition = _CONDITIONS[said.state]
    return State(condition, said.nozzle, out, said.state, unclosed=said.state == m.FINISHED)


class GasKitPoint(Point):
    """One address as its own words describe it."""

    def forget(self) -> None:
        super().forget()
        self.paused = False  # state 8 because of our own pause: some heads know no other
        self._litres = Decimal(0)

    def take(self, said: State, now: Seconds) -> bool:
        sure = super().take(said, now)
        if sure:
            self.paused = self.paused and said.raw == m.STOPPED
        return sure

    def shown(self, now: Seconds) -> State:
        state = super().shown(now)
        return replace(state, condition=Condition.SUSPENDED) if self.paused else state

    def live(self, said: m.Live) -> list[Event]:
        """Litres come first; the yuan that follow complete them."""
        if self.state is None or said.state != self.state.raw:
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
