"""What a line must know to work alone: wiring, prices and modes, as values that fit into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from devices.protocols.base import Abilities, Decimals, SerialSettings
from devices.spool import Body

AUTO, MANUAL = "AUTO", "MANUAL"


@dataclass(frozen=True, slots=True)
class Price:
    """Yuan per litre from an instant on."""

    since: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class NozzleWiring:
    """One nozzle: who it is, where it hangs, what it may do by itself and at which price."""

    id: int
    number: int  # 枪号
    position: int  # the head's own number
    mode: str
    prices: tuple[Price, ...] = ()  # oldest first, planned ones included
    epoch: int = 0
    totalizer: Decimal | None = None  # last known in this epoch, where the spool has none
    digits: int = 8  # of the totalizer, before the point
    tank: int = 0
    held: str = ""  # why nothing of its tank is sold now; put on by the poller

    def price_at(self, at: datetime) -> Decimal | None:
        """The price in force, or nothing where none was ever set."""
        known = [price for price in self.prices if price.since <= at]
        return known[-1].price if known else None


@dataclass(frozen=True, slots=True)
class PointWiring:
    """One address: a fuelling point with its nozzles."""

    address: int
    dispenser: int  # 机号, for what people read
    nozzles: tuple[NozzleWiring, ...]
    decimals: Decimals

    def nozzle(self, position: int) -> NozzleWiring | None:
        return next((one for one in self.nozzles if one.position == position), None)

    def loose(self, abilities: Abilities) -> bool:
        """Leave given while hung would be for whichever of its nozzles is lifted."""
        return not abilities.binds_nozzle and len(self.nozzles) > 1


@dataclass(frozen=True, slots=True)
class GaugedTank:
    """One tank of a gauge: its number at the console, and the tank it is."""

    number: int
    tank: int
    name: str  # for what people read
    capacity: Decimal  # litres
    water_limit: Decimal  # mm; above it nothing of the tank is sold
    waived: str = ""  # since when the hold is that a person has lifted, ISO with zone


@dataclass(frozen=True, slots=True)
class SignWiring:
    """A price sign: its number in the frames, and the rows that show a price."""

    number: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LineWiring:
    """One serial line. Readers, scanners, gauges, displays and signs have no points."""

    id: int
    station: int
    name: str
    url: str
    protocol: str
    baud: int
    parity: str
    options: dict[str, Any]
    points: tuple[PointWiring, ...] = ()
    reader: int | None = None
    tanks: tuple[GaugedTank, ...] = ()
    go_on_alone: bool = True  # 断网策略: authorise by itself while the database is away
    bits: int = 8
    stop: int = 1
    echo: bool = False  # the converter repeats what we send
    idle_text: str | None = None  # of a customer's display that stands at a till
    sign: SignWiring | None = None

    @property
    def serial(self) -> SerialSettings:
        """How its port is opened."""
        return SerialSettings(self.baud, self.bits, self.parity, self.stop)

    @property
    def box(self) -> str:
        """The folder of its frames."""
        return f"line{self.id}"

    def same_port(self, other: LineWiring) -> bool:
        """True where a running line can take the other wiring without opening its port again."""
        keep = ("id", "station", "url", "protocol", "serial", "echo", "options", "reader")
        said = ("idle_text", "sign")
        return all(getattr(self, name) == getattr(other, name) for name in (*keep, *said)) and [
            (point.address, point.decimals, [one.position for one in point.nozzles])
            for point in self.points
        ] == [
            (point.address, point.decimals, [one.position for one in point.nozzles])
            for point in other.points
        ]


def to_body(lines: tuple[LineWiring, ...]) -> Body:
    """The wiring as JSON."""
    return {"lines": [_line(line) for line in lines]}


def from_body(body: Body) -> tuple[LineWiring, ...]:
    """The wiring back out of JSON."""
    return tuple(_read_line(line) for line in body["lines"])


def _line(line: LineWiring) -> Body:
    out: Body = {one.name: getattr(line, one.name) for one in fields(line)}
    out["sign"] = line.sign and {"number": line.sign.number, "rows": list(line.sign.rows)}
    out["points"] = [
        {
            "address": point.address,
            "dispenser": point.dispenser,
            "decimals": [
                point.decimals.volume,
                point.decimals.amount,
                point.decimals.price,
                point.decimals.totals,
            ],
            "nozzles": [_nozzle(nozzle) for nozzle in point.nozzles],
        }
        for point in line.points
    ]
    out["tanks"] = [
        {**asdict(one), "capacity": str(one.capacity), "water_limit": str(one.water_limit)}
        for one in line.tanks
    ]
    return out


def _nozzle(nozzle: NozzleWiring) -> Body:
    return {
        "id": nozzle.id,
        "number": nozzle.number,
        "position": nozzle.position,
        "mode": nozzle.mode,
        "prices": [[price.since.isoformat(), str(price.price)] for price in nozzle.prices],
        "epoch": nozzle.epoch,
        "totalizer": None if nozzle.totalizer is None else str(nozzle.totalizer),
        "digits": nozzle.digits,
        "tank": nozzle.tank,
    }


def _read_line(body: Body) -> LineWiring:
    sign = body.get("sign")
    return LineWiring(
        **{
            **body,
            "points": tuple(_read_point(one) for one in body["points"]),
            "tanks": tuple(_read_tank(one) for one in body.get("tanks", ())),
            "sign": sign and SignWiring(sign["number"], tuple(sign["rows"])),
        }
    )


def _read_tank(body: Body) -> GaugedTank:
    figures = {name: Decimal(body[name]) for name in ("capacity", "water_limit")}
    return GaugedTank(**{**body, **figures})


def _read_point(body: Body) -> PointWiring:
    volume, amount, price, totals = body["decimals"]
    return PointWiring(
        address=body["address"],
        dispenser=body["dispenser"],
        nozzles=tuple(_read_nozzle(one) for one in body["nozzles"]),
        decimals=Decimals(
            volume=volume, amount=amount, price=price, totals=totals, totals_amount=amount
        ),
    )


def _read_nozzle(body: Body) -> NozzleWiring:
    known = body["totalizer"]
    prices = tuple(
        Price(datetime.fromisoformat(since), Decimal(price)) for since, price in body["prices"]
    )
    return NozzleWiring(
        **{**body, "prices": prices, "totalizer": None if known is None else Decimal(known)}
    )
