"""What one address was heard to say, in words that hold for every protocol that tells states.

A state is believed when two answers in a row say the same (`turns.py` says why).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from devices.protocols import base
from devices.protocols.base import Condition, Event, Seconds

RUNS = frozenset({Condition.AUTHORISED, Condition.FUELLING, Condition.SUSPENDED})


@dataclass(frozen=True, slots=True)
class State:
    """A status answer, in words that hold for every protocol."""

    condition: Condition
    nozzle: int  # 0 where none is named
    out: bool
    raw: int
    unclosed: bool = False  # a finished fill waits to be read and closed
    alarm: str = ""


class Point:
    """One address as its own words describe it."""

    # A head that was authorised with its nozzle out may say so for a moment as if it were hung.
    lifted_for: Seconds = 5.0

    def __init__(self, settings: base.DeviceSettings) -> None:
        self.settings = settings
        self.spent = False  # the fill is over and its nozzle was not seen in: it is not calling
        self.forget()

    def forget(self) -> None:
        """Nothing is known, as after a broken line."""
        self.state: State | None = None
        self.sure = False  # the last two answers agreed, and nothing was done since
        self._once: State | None = None
        self._lifted_until: Seconds = 0.0
        self._selected: tuple[int, bool] | None = None
        self._told: State | None = None

    def doubt(self) -> None:
        """Something may have changed: the state is asked for until two answers agree."""
        self.sure, self._once = False, None

    @property
    def known(self) -> State:
        assert self.state is not None
        return self.state

    @property
    def moving(self) -> bool:
        """Fuel flows or may at any moment."""
        if self.state is None:
            return False
        condition = self.state.condition
        started = condition is Condition.AUTHORISED and self.state.out
        return started or condition in (Condition.FUELLING, Condition.SUSPENDED)

    def take(self, said: State, now: Seconds) -> bool:
        """A status answer; True when the state is sure with it."""
        if not (self.sure and said == self.state) and said != self._once:
            self.sure, self._once = False, said
            return False
        before, self.state = self.state, said
        self.sure, self._once = True, None
        was = before.condition if before is not None else None
        if said.condition is Condition.AUTHORISED and was is Condition.CALLING:
            self._lifted_until = now + self.lifted_for
        if not said.out and said.condition not in RUNS:
            self.spent = False
        elif said.unclosed and (was is None or was in RUNS):
            self.spent = True
        return True

    def shown(self, now: Seconds) -> State:
        """The sure state as it is told. A nozzle that is still out after its fill does not call."""
        state = self.known
        if state.unclosed:
            return replace(state, out=False, nozzle=0)
        if self.spent and state.condition is Condition.CALLING:
            return replace(state, condition=Condition.ENDED)
        lifted = state.condition is Condition.AUTHORISED and now < self._lifted_until
        return replace(state, out=state.out or lifted)

    def news(self, now: Seconds, *, asked: bool) -> list[Event]:
        """The sure state as events, where it changed or somebody asked."""
        told, address = self.shown(now), self.settings.address
        if told == self._told and not asked:
            return []
        events: list[Event] = []
        if self._selected != (told.nozzle, told.out):
            self._selected = told.nozzle, told.out
            events.append(
                base.NozzleSelected(
                    address=address, nozzle=told.nozzle, nozzle_out=told.out, price=None
                )
            )
        if told.alarm and (self._told is None or told.alarm != self._told.alarm):
            events.append(base.PumpAlarm(address=address, code=told.alarm, raw=told.raw))
        self._told = told
        status = base.Status(
            address=address,
            condition=told.condition,
            nozzle=told.nozzle,
            nozzle_out=told.out,
            raw=told.raw,
            unclosed=told.unclosed,
        )
        return [*events, status]

    def live(self, said: Any) -> list[Event]:
        """What the display shows while fuel flows."""
        raise NotImplementedError
