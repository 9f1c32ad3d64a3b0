"""Which car stands where, and whose it is: the cameras' last plates, joined with the members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

from devices.models import PlateRead
from devices.queries.cameras import here, plate_of
from members.queries.plates import Owner, owners
from station.models import Station
from station.queries.plates import PLATE
from station.services.sealing import Indexer

# What cameras take for each other, both ways.
ALIKE = ("0DQ", "8B", "1T7", "2Z", "5S", "6G", "UV", "EF", "MN", "CG", "4A", "KX")
MOST_WRONG = 2  # characters that are tried at once


@dataclass(frozen=True)
class Car:
    """A car at a place: its plate masked, and its owner if it is registered."""

    pk: int
    masked: str
    owner: Owner | None
    corrected: bool
    at: datetime

    @property
    def words(self) -> str:
        return self.owner.words if self.owner else "未登记车牌"

    def is_of(self, company: str) -> bool:
        """Whether it is a car of this company."""
        return self.owner is not None and self.owner.company and self.owner.name == company

    @property
    def priority(self) -> str:
        return self.owner.priority if self.owner else ""


@dataclass(frozen=True)
class Cars:
    """The cars of a station, by the nozzle that a camera named and by island."""

    at_nozzle: Mapping[int, Car] = field(default_factory=dict)
    at_island: Mapping[str, Car] = field(default_factory=dict)

    def of(self, nozzle: int, island: str) -> Car | None:
        """The car at a nozzle; where no camera names nozzles, the one at its island."""
        return self.at_nozzle.get(nozzle) or self.at_island.get(island)

    @property
    def fleet(self) -> bool:
        """Whether one of them is of a company that asks for its driver too."""
        every = (*self.at_nozzle.values(), *self.at_island.values())
        return any(one.owner and one.owner.seconds for one in every)


def cars(*, station: Station, at: datetime) -> Cars:
    """The cars that stand at the pumps now. One statement; another one where there are some."""
    found = here(station=station, at=at)
    whose = owners(indexes={one.index for one in found}, at=at)
    at_nozzle, at_island = {}, {}
    for one in found:
        car = Car(one.pk, one.masked, whose.get(one.index), one.corrected, one.at)
        if one.nozzle_id is None:
            at_island[one.island] = car
        else:
            at_nozzle[one.nozzle_id] = car
    return Cars(at_nozzle, at_island)


def variants(plate: str) -> list[str]:
    """Plates that a camera may have taken for this one: one or two characters confused."""
    swaps = [
        (place, other)
        for place, seen in enumerate(plate)
        for group in ALIKE
        if seen in group and place > 0
        for other in group
        if other != seen
    ]
    found = {
        _swapped(plate, chosen)
        for count in range(1, MOST_WRONG + 1)
        for chosen in combinations(swaps, count)
        if len({place for place, _ in chosen}) == count
    }
    return sorted(one for one in found if PLATE.fullmatch(one))


def _swapped(plate: str, chosen: tuple[tuple[int, str], ...]) -> str:
    letters = list(plate)
    for place, other in chosen:
        letters[place] = other
    return "".join(letters)


def candidates(*, read: PlateRead, at: datetime) -> list[tuple[str, Owner]]:
    """Registered plates that this one may be in truth, with their owners. Three statements."""
    tried = variants(plate_of(read))
    index = Indexer()
    by_index = {index("plate", one): one for one in tried}
    found = owners(indexes=by_index.keys(), at=at)
    named = [(by_index[key], owner) for key, owner in found.items()]
    return sorted(named, key=lambda one: one[0])[:6]
