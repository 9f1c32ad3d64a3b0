"""Who comes to the demo station, when, and for how much: seeded, so that a seed gives the same day."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from finance.services.demonstration import plan

# Fills an hour of an ordinary day, from midnight: two peaks, 7:30-9:00 and 17:30-19:30.
HOURLY = (5, 3, 2, 2, 3, 8, 20, 46, 44, 34, 30, 31, 33, 29, 27, 28, 34, 50, 52, 38, 27, 20, 13, 8)
WEEKDAY = (0.95, 0.94, 0.96, 1.0, 1.32, 1.08, 0.98)
DISPENSERS = 8
TRUCK_SHARE = 0.45  # of the diesel fills


@dataclass
class Car:
    """One fill as it will be: who, when, how much (centilitres), and how it is paid."""

    started: datetime
    ended: datetime
    nozzle: int
    grade: str
    centilitres: int
    paid: datetime
    tender: str
    shop: tuple[int, ...]


def cars_of(day: date, starts: datetime, chance: random.Random, busy: float = 1.0) -> list[Car]:
    """The cars of one business day in the order they finish; none straddles a handover."""
    arrivals: list[datetime] = []
    edges = [starts + timedelta(hours=hours) for hours in (0, 8, 16, 24)]
    for offset in range(24):
        hour = starts + timedelta(hours=offset)
        mean = HOURLY[hour.hour] * WEEKDAY[hour.weekday()] * busy
        count = max(0, round(chance.gauss(mean, mean**0.5)))
        arrivals += [hour + timedelta(seconds=chance.randrange(3600)) for _ in range(count)]
    cars = []
    free = [starts] * DISPENSERS
    for arrival in sorted(arrivals):
        # One car a dispenser at a time: the next waits for the one that is free first.
        idle = [number for number in range(DISPENSERS) if free[number] <= arrival]
        dispenser = chance.choice(idle) if idle else min(range(DISPENSERS), key=free.__getitem__)
        car = _car(max(arrival, free[dispenser]), dispenser, chance)
        if any(low < car.started and car.paid < high for low, high in pairwise(edges)):
            cars.append(car)
            free[dispenser] = car.ended + timedelta(seconds=25)
    return sorted(cars, key=lambda car: car.ended)


def _car(started: datetime, dispenser: int, chance: random.Random) -> Car:
    grade = chance.choices(plan.GRADES, weights=[row.share for row in plan.GRADES])[0]
    truck = grade.kind == "DIESEL" and chance.random() < TRUCK_SHARE
    litres = (
        min(max(chance.gauss(128, 42), 40), 320) if truck else min(max(chance.gauss(30, 11), 5), 68)
    )
    centilitres = int(litres * 100)
    seconds = 20 + int(litres / (0.9 if truck else 0.6))
    ended = started + timedelta(seconds=seconds)
    tender = chance.choices(
        [row[0] for row in plan.TENDERS], weights=[row[5] for row in plan.TENDERS]
    )[0]
    shop: tuple[int, ...] = ()
    if chance.random() < 0.14:
        shop = tuple(
            chance.choices(range(len(plan.ITEMS)), weights=[row.weight for row in plan.ITEMS])[0]
            for _ in range(chance.choice((1, 1, 1, 2)))
        )
    return Car(
        started=started,
        ended=ended,
        nozzle=dispenser * 4 + grade.tank,
        grade=grade.code,
        centilitres=centilitres,
        paid=ended + timedelta(seconds=chance.randrange(25, 150)),
        tender=tender,
        shop=shop,
    )
