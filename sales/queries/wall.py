"""The pump wall: what the wire says of each nozzle, joined with what waits there to be paid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import groupby

from django.db.models import Case, Exists, F, Q, QuerySet, When
from django.utils.timezone import localtime

from devices.models import Fill, NozzleState
from devices.queries.wall import STALE, Forecourt, NozzleNow, forecourt
from sales.queries.cars import Car, cars
from sales.queries.fleet import Pairing, company_of_leave, pairings
from sales.queries.unpaid import LOOK_BACK, live_claims, live_prepays
from sales.queries.vips import arrived
from station.models import Station
from station.money import Litres, Yuan

State = NozzleState.State
# The tile's class, icon and word by state; an idle nozzle with fills to pay is shown as due.
LOOKS = {
    State.IDLE: ("idle", "gas-station", "空闲"),
    State.CALLING: ("calling", "hand-grab", "提枪"),
    State.AUTHORISED: ("authorised", "lock-open", "已授权"),
    State.FUELLING: ("fuelling", "droplet", "加油中"),
    State.SUSPENDED: ("calling held", "player-pause", "暂停"),
    State.STOPPED: ("off", "hand-stop", "急停"),
    State.CLOSED: ("off", "ban", "停用"),
    State.OFFLINE: ("offline", "plug-connected-x", "离线"),
}
DUE = ("due", "cash", "待付款")
LOCKED = ("locked", "lock", "已锁定")
# Of a tank with water in it nothing is sold: shown where the nozzle would otherwise wait for leave.
WAITS = {State.IDLE, State.CALLING, State.AUTHORISED}
HELD = ("off", "droplet-off", "停售")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fill that waits to be paid; `till` is the number of the till that holds it, None if none."""

    pk: int
    litres: Litres
    amount: Yuan
    at: datetime
    till: int | None
    company: str = ""  # for whom the pump was let loose


@dataclass(frozen=True)
class Tile:
    """One nozzle of the wall with the fills stacked on it, oldest first."""

    now: NozzleNow
    fills: tuple[Waiting, ...]
    priority: str = ""  # who waits at its island goes first, and why
    car: Car | None = None  # what a camera saw there
    pairing: Pairing | None = None  # who of a company was identified there, and who is missing

    @property
    def pk(self) -> int:
        return self.now.pk

    @cached_property
    def look(self) -> tuple[str, str, str]:
        """Class, icon and word."""
        state = State(self.now.state)
        if state is State.IDLE and self.fills:
            return DUE if any(fill.till is None for fill in self.fills) else LOCKED
        if self.now.held_back and state in WAITS:
            return HELD
        return LOOKS[state]

    @property
    def css(self) -> str:
        return self.look[0]

    @property
    def icon(self) -> str:
        return self.look[1]

    @property
    def word(self) -> str:
        return self.look[2]

    @property
    def since(self) -> datetime | None:
        """Since when it has been so: the oldest fill where one is due."""
        if self.look in (DUE, LOCKED):
            return self.fills[0].at
        return self.now.since

    @property
    def running(self) -> bool:
        return self.now.state in {State.FUELLING, State.SUSPENDED}

    @property
    def owed(self) -> Yuan:
        return sum((fill.amount for fill in self.fills), Yuan(0))

    @property
    def shown(self) -> tuple[Waiting, ...]:
        """The fills for which a tile has room."""
        return self.fills[:2]

    @property
    def more(self) -> int:
        return max(len(self.fills) - 2, 0)

    @property
    def paired(self) -> str:
        """Who of a company is here and who is missing; short where its car stands above."""
        if self.pairing is None:
            return ""
        if self.car is not None and self.car.is_of(self.pairing.company_name):
            return self.pairing.short
        return f"{self.pairing.company_name}：{self.pairing.words}"

    @cached_property
    def digest(self) -> str:
        """Changes when anything that the tile shows has changed; ages are counted in the browser."""
        return _digest(repr((self.now, self.fills, self.priority, self.car, self.pairing)))


@dataclass(frozen=True)
class Pump:
    """A dispenser with its tiles."""

    number: int
    island: str
    tiles: tuple[Tile, ...]

    @property
    def car(self) -> Car | None:
        """The car that stands at all of it, as a camera of the island sees it; else none."""
        cars = {tile.car for tile in self.tiles}
        return cars.pop() if len(cars) == 1 else None

    @property
    def pairing(self) -> Pairing | None:
        """Likewise who was identified."""
        found = {tile.pairing for tile in self.tiles}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class Wall:
    """The whole forecourt on one screen."""

    pumps: tuple[Pump, ...]
    stopped_by: str
    stopped_at: datetime | None
    stale_since: datetime | None
    deaf: bool

    @property
    def tiles(self) -> tuple[Tile, ...]:
        return tuple(tile for pump in self.pumps for tile in pump.tiles)

    @cached_property
    def counts(self) -> list[tuple[str, str, int]]:
        """How many nozzles are in each state that asks for somebody: class, word, number."""
        found = dict.fromkeys((LOOKS[State.CALLING], LOOKS[State.FUELLING], DUE), 0)
        for tile in self.tiles:
            if tile.look in found:
                found[tile.look] += 1
        return [(css, word, number) for (css, _, word), number in found.items()]

    @property
    def owed(self) -> Yuan:
        return sum((tile.owed for tile in self.tiles), Yuan(0))

    @cached_property
    def head_digest(self) -> str:
        """Changes when the line above the tiles does."""
        said = (
            self.stopped_by,
            self.stopped_at,
            self.stale_since,
            self.deaf,
            self.counts,
            self.owed,
        )
        return _digest(repr(said))

    @cached_property
    def etag(self) -> str:
        """The ETag of the wall as it stands."""
        parts = [self.head_digest, *(tile.digest for tile in self.tiles)]
        return f'"{_digest("".join(parts), 20)}"'


def wall(*, station: Station, at: datetime) -> Wall:
    """The wall of a station at `at`. Four statements, a few more where cameras see cars or
    somebody of a fleet identifies himself."""
    fills: dict[int, list[Waiting]] = {}
    for fill in _waiting(station, at):
        told = fill.__dict__
        fills.setdefault(fill.nozzle_id, []).append(
            Waiting(
                fill.pk,
                fill.litres,
                fill.amount,
                fill.occurred_at,
                told["till"],
                told["company"] or "",
            )
        )
    ground: Forecourt = forecourt(station=station, at=at)
    first = arrived(station=station, at=at)
    seen = cars(station=station, at=at)
    pairs = pairings(station=station, at=at, seen=seen, swiped=ground.identified)
    tiles = []
    for now in ground.nozzles:
        car = seen.of(now.pk, now.island)
        priority = first.get(now.island, "") or (car.priority if car else "")
        pair = pairs.of(now.island, car)
        pair = pair and replace(pair, free=now.free)
        tiles.append(Tile(now, tuple(fills.get(now.pk, ())), priority, car, pair))
    stale = ground.heard_at is not None and ground.heard_at < at - STALE
    return Wall(
        pumps=tuple(_pumps(tiles)),
        stopped_by=ground.stopped_by,
        stopped_at=ground.stopped_at,
        stale_since=ground.heard_at if stale else None,
        deaf=ground.heard_at is None,
    )


def changed(wall: Wall, seen: str) -> list[Tile]:
    """The tiles that a browser does not show as they are; `seen` is its ``5:ab12cd34,6:…``."""
    shown = dict(part.split(":", 1) for part in seen.split(",") if ":" in part)
    return [tile for tile in wall.tiles if shown.get(str(tile.pk)) != tile.digest]


def _waiting(station: Station, at: datetime) -> QuerySet[Fill]:
    holder = When(Q(lease__expires_at__gt=at), then=F("lease__session__till__number"))
    return (
        Fill.objects.filter(station=station, day__date__gte=localtime(at).date() - LOOK_BACK)
        .exclude(Exists(live_claims()))
        .exclude(Exists(live_prepays()))
        .annotate(till=Case(holder), company=company_of_leave())
        .order_by("occurred_at", "pk")
    )


def _pumps(tiles: Iterable[Tile]) -> Iterable[Pump]:
    for (number, island), group in groupby(
        tiles, key=lambda tile: (tile.now.dispenser, tile.now.island)
    ):
        yield Pump(number, island, tuple(group))


def _digest(text: str, size: int = 8) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()[:size]
