"""What is asked of a line from above, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from devices.spool import Body

AUTHORISE, CANCEL, STOP, SUSPEND, RESUME = "AUTHORISE", "CANCEL", "STOP", "SUSPEND", "RESUME"
STOP_ALL, RELEASE_ALL = "STOP_ALL", "RELEASE_ALL"
PRICE, READ_TOTALS, REWIRE = "PRICE", "READ_TOTALS", "REWIRE"
SIGN = "SIGN"

TAKEN, DONE, FAILED, VOID = "TAKEN", "DONE", "FAILED", "VOID"


@dataclass(frozen=True, slots=True)
class Grant:
    """An authorisation as the line needs it."""

    id: int
    nozzle: int
    valid_until: datetime
    limit_yuan: Decimal | None = None
    limit_litres: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A command for one nozzle. Late, it is void; nobody wants fuel from an order of last week."""

    id: int
    kind: str
    nozzle: int
    valid_until: datetime
    grant: Grant | None = None
    price: Decimal | None = None
    reading: str = "PERIODIC"
    document: str = ""

    @property
    def names_product(self) -> bool:
        """A limit in litres alone; money, or leave to the full, is for whatever is lifted."""
        grant = self.grant
        return grant is not None and grant.limit_litres is not None and grant.limit_yuan is None

    def late(self, at: datetime, *, loose: bool) -> bool:
        """Too late to be carried out. On a loose head leave waits for the lift, as long as it holds."""
        waits = loose and self.kind == AUTHORISE and not self.names_product
        until = self.grant.valid_until if waits and self.grant is not None else self.valid_until
        return until < at


def why_late(*, online: bool, doubt: str, loose: bool) -> str:
    """What kept an order waiting until it was void, for the person who gave it."""
    if doubt:
        return "加油机小数位不符"
    if not online:
        return "加油机离线"
    return "加油位忙，或还没有提枪" if loose else "加油位忙"


def grant_body(grant: Grant) -> Body:
    """The grant as JSON, for the point's durable state."""
    return {
        "id": grant.id,
        "nozzle": grant.nozzle,
        "valid_until": grant.valid_until.isoformat(),
        "limit_yuan": None if grant.limit_yuan is None else str(grant.limit_yuan),
        "limit_litres": None if grant.limit_litres is None else str(grant.limit_litres),
        "price": None if grant.price is None else str(grant.price),
    }


def read_grant(body: Body) -> Grant:
    def number(name: str) -> Decimal | None:
        value: Any = body[name]
        return None if value is None else Decimal(value)

    return Grant(
        id=body["id"],
        nozzle=body["nozzle"],
        valid_until=datetime.fromisoformat(body["valid_until"]),
        limit_yuan=number("limit_yuan"),
        limit_litres=number("limit_litres"),
        price=number("price"),
    )
