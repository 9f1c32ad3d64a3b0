"""The ticket as a till hands it over: what is sold, for how much, and how it is paid.

`read_ticket` turns the till's JSON into types, for a sale now and for one that arrives late alike.
Amounts travel as strings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from station.errors import Refusal
from station.money import FEN, MILLILITRE, ZERO, Yuan

MOST = Decimal("9999999.99")
MOST_PIECES = Decimal("99999.999")
LARGEST_ID = 2**63 - 1


class BadTicket(Refusal):
    """What arrived is no ticket."""


@dataclass(frozen=True)
class TicketLine:
    """A line: FUEL names its fill; GOODS and SERVICE their item.

    `price` and `amount` are what the till showed; offline they are what was charged.
    """

    kind: str
    fill_id: int | None = None
    item_id: int | None = None
    grade_id: int | None = None
    name: str = ""
    quantity: Decimal = Decimal(1)
    price: Yuan | None = None
    amount: Yuan | None = None
    discount: Yuan = ZERO
    reason: str = ""
    attendant_id: int | None = None


@dataclass(frozen=True)
class Tendered:
    """Money offered under one tender; for cash what was handed over, change not yet taken off."""

    tender: str
    amount: Yuan
    reference: str = ""


@dataclass(frozen=True)
class Ticket:
    """A basket and its payment. `key` is the till's own and makes settling twice the same as once.

    `coupons` are those that the till's last quote used, `codes` what was read of bearer coupons,
    `without` the coupons that the cashier left out.
    """

    key: str
    lines: tuple[TicketLine, ...]
    tenders: tuple[Tendered, ...]
    discount: Yuan = ZERO
    reason: str = ""
    member_id: int | None = None
    shown_due: Yuan | None = None
    plate: str = ""  # by which the member was found, or which the cashier read at the car
    points: int = 0  # points of the member that pay a part
    proven: frozenset[int] = frozenset()  # value accounts whose holder typed the PIN
    coupons: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    without: tuple[int, ...] = ()

    @property
    def fill_ids(self) -> list[int]:
        """The fills on the ticket."""
        return [line.fill_id for line in self.lines if line.fill_id is not None]

    @property
    def item_ids(self) -> list[int]:
        """The items on the ticket, each once."""
        return sorted({line.item_id for line in self.lines if line.item_id is not None})


def read_ticket(body: Mapping[str, Any]) -> Ticket:
    """The ticket in a till's JSON. Refuses (BadTicket) what is incomplete or no number."""
    try:
        lines = tuple(_line(one) for one in _rows(body, "lines"))
        tenders = tuple(
            Tendered(
                plain(one["tender"])[:12],
                _yuan(one["amount"]),
                plain(one.get("reference") or "")[:60],
            )
            for one in _rows(body, "tenders")
        )
        ticket = Ticket(
            key=plain(body["key"])[:60],
            lines=lines,
            tenders=tenders,
            discount=_yuan(body.get("discount") or "0"),
            reason=plain(body.get("reason") or "")[:60],
            member_id=_id(body.get("member")),
            plate=plain(body.get("plate") or "")[:12],
            shown_due=None if body.get("due") in (None, "") else _yuan(body["due"]),
            points=_id(body.get("points") or None) or 0,
            coupons=tuple(read_id(one) for one in _few(body, "coupons")),
            codes=tuple(plain(one)[:20] for one in _few(body, "codes")),
            without=tuple(read_id(one) for one in _few(body, "without")),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise BadTicket("单据内容不完整，没有收款。请核对明细后重试。") from error
    if not ticket.key or not ticket.lines:
        raise BadTicket("单据是空的，没有收款。请先添加加油记录或商品。")
    return ticket


def _rows(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows = body.get(name) or []
    if not isinstance(rows, list) or len(rows) > 200:
        raise ValueError(name)
    return rows


def _few(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    some = body.get(name) or []
    if not isinstance(some, list) or len(some) > 50:
        raise ValueError(name)
    return some


def _line(one: Mapping[str, Any]) -> TicketLine:
    kind = str(one["kind"])
    line = TicketLine(
        kind=kind,
        fill_id=_id(one.get("fill")),
        item_id=_id(one.get("item")),
        grade_id=_id(one.get("grade")),
        name=plain(one.get("name") or "")[:60],
        quantity=_number(one.get("quantity") or "1", MILLILITRE),
        price=None if one.get("price") in (None, "") else _yuan(one["price"]),
        amount=None if one.get("amount") in (None, "") else _yuan(one["amount"]),
        discount=_yuan(one.get("discount") or "0"),
        reason=plain(one.get("reason") or "")[:60],
        attendant_id=_id(one.get("attendant")),
    )
    known = {"FUEL": line.fill_id or line.grade_id, "GOODS": line.item_id, "SERVICE": line.item_id}
    if not known[kind] or not 0 < line.quantity <= MOST_PIECES or line.discount < 0:
        raise ValueError(kind)
    return line


def _id(value: Any) -> int | None:
    return None if value in (None, "") else read_id(value)


def read_id(value: Any) -> int:
    """The id of a row. Raises ValueError, TypeError or OverflowError for what can be none."""
    number = int(value)
    if not 0 < number <= LARGEST_ID:
        raise ValueError(value)
    return number


def plain(value: Any) -> str:
    """Text that the database can hold: no NUL, no half of a surrogate pair."""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()


def storable(value: Any) -> Any:
    """JSON as the database can keep it: no NUL, no broken text, no number that is none."""
    if isinstance(value, Mapping):
        return {plain(key): storable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [storable(part) for part in value]
    if isinstance(value, str):
        return plain(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _yuan(value: Any) -> Yuan:
    return _number(value, FEN)


def _number(value: Any, places: Decimal) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > MOST or number != number.quantize(places):
        raise ValueError(value)
    return number.quantize(places)
