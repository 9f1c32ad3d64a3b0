"""Cars: who comes when, wants what, and behaves how. Pure chance from one seed.

The day has two rushes, Friday is a third busier, trucks take diesel by the hundred litres, and now
and then somebody drives off without paying. A car knows a pump only by lifting, squeezing and
hanging, like everybody.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from devices.protocols.base import Seconds
from devices.simulator.electronics import Head

# cars per hour of a weekday out of a hundred per day
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 8, 5, 4, 5, 5, 4, 4, 4, 6, 9, 9, 6, 5, 3, 2, 2)
FRIDAY, DAY_OF_CARS = 4, 640
DRIVES_OFF_ONE_IN = 400
PATIENCE: Seconds = 240
QUEUE = 5
_PLATES = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


class Mood(Enum):
    ARRIVING = auto()
    WAITING = auto()
    FILLING = auto()
    PAYING = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a driver came for."""

    plate: str
    position: int  # of the nozzle at the head
    litres: Decimal | None  # None: stops by money
    yuan: Decimal | None
    rate: Decimal
    pays: bool = True


def per_hour(at: datetime, day_of_cars: int = DAY_OF_CARS) -> Decimal:
    """Cars to be expected in this hour of this weekday."""
    cars = Decimal(day_of_cars * _HOURS[at.hour]) / 100
    return cars * Decimal("1.3") if at.weekday() == FRIDAY else cars


def wish(dice: random.Random) -> Wish:
    """One driver: three in five want 92#, one in ten is a truck."""
    plate = "云A" + "".join(dice.choice(_PLATES) for _ in range(5))
    pays = dice.randrange(DRIVES_OFF_ONE_IN) > 0
    kind = dice.randrange(100)
    if kind < 12:
        litres = Decimal(dice.randrange(60, 320)) + Decimal(dice.randrange(1000)) / 1000
        return Wish(plate, 4, litres, None, Decimal(dice.randrange(110, 135)) / 100, pays)
    position = 1 if kind < 70 else 2 if kind < 94 else 3
    rate = Decimal(dice.randrange(50, 66)) / 100
    if dice.randrange(100) < 45:
        yuan = Decimal(dice.choice((100, 150, 200, 200, 250, 300, 300, 400)))
        return Wish(plate, position, None, yuan, rate, pays)
    litres = Decimal(dice.randrange(18, 58)) + Decimal(dice.randrange(1000)) / 1000
    return Wish(plate, position, litres, None, rate, pays)


class Car:
    """A driver at one side of a dispenser."""

    def __init__(self, wish: Wish, now: Seconds, dice: random.Random) -> None:
        self.wish = wish
        self.mood = Mood.ARRIVING
        self._since = now
        self._dawdles = dice.randrange(4, 25)  # seconds before lifting
        self._pays_for = dice.randrange(25, 110)  # seconds until the place is free

    def step(self, pump: Head, now: Seconds) -> None:
        """Do what a driver does next. The trigger is let go at the wish, or where the pump stops."""
        spent = now - self._since
        match self.mood:
            case Mood.ARRIVING if spent >= self._dawdles and not pump.lifted:
                pump.lift(self.wish.position)
                pump.squeeze(self.wish.rate)
                self._turn(Mood.WAITING, now)
            case Mood.WAITING:
                if pump.open:
                    pump.squeeze(self.wish.rate)
                    self._turn(Mood.FILLING, now)
                elif spent >= PATIENCE:
                    self._leave(pump, now)
            case Mood.FILLING:
                if self._has_enough(pump) or not pump.open:
                    self._leave(pump, now)
            case Mood.PAYING if spent >= (self._pays_for if self.wish.pays else 5):
                self._turn(Mood.GONE, now)

    def _has_enough(self, pump: Head) -> bool:
        places = pump.options.decimals
        shown = pump.shown
        if shown.nozzle != self.wish.position:
            return False
        if self.wish.litres is not None:
            return Decimal(shown.volume).scaleb(-places.volume) >= self.wish.litres
        assert self.wish.yuan is not None
        return Decimal(shown.amount).scaleb(-places.amount) >= self.wish.yuan

    def _leave(self, pump: Head, now: Seconds) -> None:
        pump.release()
        pump.hang()
        self._turn(Mood.PAYING, now)

    def _turn(self, mood: Mood, now: Seconds) -> None:
        self.mood, self._since = mood, now
