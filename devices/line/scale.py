"""Does a head count in the decimals that its wiring says?

The wire carries whole numbers; where the point stands is a setting of the site. Set wrong, every
fill is ten times too much or too little, and so is every preset. So a head is asked for its own
decimals before anything of it is believed, and each fill is held against its own arithmetic:
litres × price is the amount, and litres are the step of the totalizer. Nothing but decimals sets
these apart by exactly ten, a hundred or a thousand.

A head in doubt is not authorised, and what it says becomes no fill and moves no meter. Its
frames are in the black box, the head keeps its last fill, and the visit stays in the spool: once
the wiring is put right, the line starts anew and the fill is told at its true size.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from devices.line.asking import ask_transaction
from devices.line.link import Ask
from devices.line.point import SCALE, Point
from devices.line.settling import money_agrees, step_of
from devices.line.visit import Visit
from devices.protocols import asks
from devices.protocols.base import (
    Decimals,
    Event,
    Parameters,
    Seconds,
    TotalsRead,
    TransactionRead,
)
from devices.recorder import reference

LOOK_AGAIN: Seconds = 5.0  # a technician may be setting the head right
POWERS = (-4, -3, -2, -1, 1, 2, 3, 4)
_NAMES = (("volume", "升数"), ("amount", "金额"), ("price", "单价"))


def known(point: Point) -> Generator[Ask, Event | None, bool]:
    """Ask the head for its decimals; where it does not tell, look at the fill on its display.

    False where they are not the wiring's: the head is held, with an alarm.
    """
    why = ""
    told = yield Ask(
        asks.ReadParameters(address=point.address), lambda event: isinstance(event, Parameters)
    )
    if isinstance(told, Parameters):
        why = differing(told.decimals, point.wiring.decimals)
    elif not point.meters:
        shown = yield ask_transaction(point)
        if isinstance(shown, TransactionRead):
            prices = [shown.price] if shown.price else []
            why = money_off(shown, prices, point.wiring.decimals)
    if why:
        hold(point, why)
    return not why


def held_back(
    point: Point,
    totals: TotalsRead,
    fill: TransactionRead,
    visit: Visit | None,
    others: Iterable[Decimal] = (),
) -> bool:
    """True where the fill's own arithmetic proves the decimals wrong: it must not be settled.

    After a break the head names the price of the nozzle selected now, which need not be the
    fill's; `others` are prices that it may have had.
    """
    places = point.wiring.decimals
    asked = (fill.price, visit.price if visit is not None else None, *others)
    why = money_off(fill, [price for price in asked if price], places)
    before = point.meters.get(totals.nozzle)
    if not why and visit is not None and before is not None:
        # only of a fill that we saw: what ran unseen may have been ten fills as well
        wires = point.wires(totals.nozzle)
        step, _ = step_of(before, totals, wires.digits)
        if not wires.same(step, fill.litres):
            why = step_off(fill.litres, step, places)
    if why:
        hold(point, _withheld(point, totals.nozzle, fill, visit, why))
    return bool(why)


def _withheld(
    point: Point, position: int, fill: TransactionRead, visit: Visit | None, why: str
) -> str:
    """What was read of the fill, and where its frames are."""
    nozzle = point.wiring.nozzle(position)
    last = point.frame()
    first = visit.first_frame if visit is not None and visit.first_frame else max(1, last - 200)
    frames = reference(point.line.box, min(first, last), last)
    where = f"{nozzle.number} 号枪" if nozzle else "此枪"
    return (
        f"{where}一笔加油暂不入账，现读作 {fill.litres} 升 {fill.amount} 元，{why}（报文 {frames}）"
    )


def hold(point: Point, why: str) -> None:
    """Believe nothing of this head until its decimals agree; one alarm says so."""
    if not point.doubt:
        text = f"{point.subject}小数位不符：{why}。请核对接线里的小数位，改正前不授权、不入账"
        point.alarm(SCALE, text)
    point.doubt = why
    point.synced = False
    point.retry_at = point.moment.now + LOOK_AGAIN


def trust(point: Point) -> None:
    """Its decimals agree; said after a doubt, and at the start, when nobody knows of one."""
    if point.doubt or not point.scaled:
        point.clear(SCALE)
    point.doubt, point.scaled = "", True


# --------------------------------------------------------------------------- pure


def differing(told: Decimals, wired: Decimals) -> str:
    """What the head says of itself against the wiring, in words; nothing where they agree."""
    wrong = [
        f"{title}机上 {getattr(told, name)} 位、接线 {getattr(wired, name)} 位"
        for name, title in _NAMES
        if getattr(told, name) != getattr(wired, name)
    ]
    return "，".join(wrong)


def money_off(fill: TransactionRead, prices: Sequence[Decimal], places: Decimals) -> str:
    """Litres × price against the amount: words where a power of ten lies between them."""
    if any(money_agrees(replace(fill, price=price), places) for price in prices):
        return ""
    powers = (
        _power(
            fill.litres * price,
            fill.amount,
            slack=_digit(places.volume) * price,
            digit=_digit(places.amount),
        )
        for price in prices
    )
    return _words("金额与升数 × 单价", next((power for power in powers if power), 0))


def step_off(litres: Decimal, step: Decimal, places: Decimals) -> str:
    """Litres against the totalizer's step, in the same way."""
    power = _power(litres, step, slack=_digit(places.volume), digit=_digit(places.totals))
    return _words("泵码走字与升数", power)


def _power(expected: Decimal, found: Decimal, *, slack: Decimal, digit: Decimal) -> int:
    """The power of ten by which `found` is off, or nought where it is not just that.

    The last digit of either may be rounded; a number of one or two digits proves nothing.
    """
    if expected <= 0 or found <= 0:
        return 0
    for power in POWERS:
        moved = expected.scaleb(power)
        room = slack.scaleb(power) + digit
        if room * 8 <= moved and abs(found - moved) <= room:
            return power
    return 0


def _digit(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def _words(what: str, power: int) -> str:
    if not power:
        return ""
    return f"{what}相差整 {10 ** abs(power)} 倍"
