"""One customer's visit at a fuelling point, from lift or grant to the settled fill. Durable."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from devices.line.orders import Grant, grant_body, read_grant
from devices.line.settling import Terms
from devices.spool import Body

_TIMES = ("lifted_at", "authorised_at", "started_at", "ended_at")


@dataclass(slots=True)
class Visit:
    """What is known of it. `ran` says that the head had leave to let fuel flow."""

    nozzle: int  # position at the head
    serial: str
    first_frame: int = 0
    lifted_at: datetime | None = None
    authorised_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    grant: Grant | None = None
    price: Decimal | None = None
    ran: bool = False
    outcome: str = "USED"  # what the grant becomes when the visit ends

    @property
    def terms(self) -> Terms:
        grant = self.grant
        return Terms(
            self.price, grant.limit_litres if grant else None, grant.limit_yuan if grant else None
        )

    @property
    def untouched(self) -> bool:
        """Nothing was asked of the head for it: no leave, and no price to give it at."""
        return not self.ran and self.grant is None and self.price is None

    def left_for(self, nozzle: int) -> bool:
        """Another nozzle is out now, and for the one before nothing was asked."""
        return self.untouched and self.lifted_at is not None and nozzle not in (0, self.nozzle)

    def holds(self, grant: Grant | None) -> bool:
        """Whether it runs, or was to run, under a grant."""
        return grant is not None and self.grant is not None and self.grant.id == grant.id

    def body(self) -> Body:
        """As JSON, for the point's durable state."""
        out: Body = {name: getattr(self, name) for name in ("nozzle", "serial", "first_frame")}
        for name in _TIMES:
            value: datetime | None = getattr(self, name)
            out[name] = None if value is None else value.isoformat()
        out["grant"] = None if self.grant is None else grant_body(self.grant)
        out["price"] = None if self.price is None else str(self.price)
        return {**out, "ran": self.ran, "outcome": self.outcome}


def read_visit(body: Body) -> Visit:
    """Back out of JSON."""
    times = {
        name: None if body[name] is None else datetime.fromisoformat(body[name]) for name in _TIMES
    }
    grant = None if body["grant"] is None else read_grant(body["grant"])
    price = None if body["price"] is None else Decimal(body["price"])
    return Visit(**{**body, **times, "grant": grant, "price": price})
