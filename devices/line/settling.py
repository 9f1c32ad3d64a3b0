"""What a step of a totalizer means. Pure: readings come in, fills, gaps and alarms go out."""

from dataclasses import dataclass, replace
from decimal import Decimal

from devices.protocols.base import Decimals, TotalsRead, TransactionRead
from station.money import FEN, round_litres, round_yuan

LARGEST_ROLL = Decimal(20_000)  # litres that may have flowed unseen through a roll-over

AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
TOTALIZER_MISMATCH = "TOTALIZER_MISMATCH"
PRICE_DIFFERS = "PRICE_DIFFERS"
INFERRED = "INFERRED"
OVER_PRESET = "OVER_PRESET"


@dataclass(frozen=True, slots=True)
class Meter:
    """A nozzle's totalizer as last known right."""

    epoch: int
    litres: Decimal
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the fill was to run under."""

    price: Decimal | None = None
    limit_litres: Decimal | None = None
    limit_yuan: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FoundFill:
    litres: Decimal
    amount: Decimal
    price: Decimal
    epoch: int
    totalizer_after: Decimal
    flags: tuple[str, ...] = ()
    offline: bool = False
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundGap:
    epoch: int
    litres_from: Decimal
    litres_to: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """The answer. `meter` is what holds from now on; `backwards` says it fell for no reason."""

    meter: Meter
    fills: tuple[FoundFill, ...] = ()
    gaps: tuple[FoundGap, ...] = ()
    rolled_over: bool = False
    backwards: bool = False


def step_of(before: Meter, totals: TotalsRead, digits: int) -> tuple[Decimal, bool]:
    """Litres that the totalizer moved on, and whether it went through nought."""
    step = totals.litres - before.litres
    if step >= 0:
        return step, False
    rolled = step + Decimal(10) ** digits
    if rolled <= LARGEST_ROLL:
        return rolled, True
    return step, False


def carried(meter: Meter, totals: TotalsRead, was: Decimals, now: Decimals) -> Meter:
    """A meter that was kept while the wiring said other decimals, in the decimals it says now.

    Either the wiring was wrong, and the head's digits mean something else than was thought; or the
    head itself was set anew, and its litres are what they were. What it shows now tells which.
    """
    digits = meter.litres.scaleb(was.totals - now.totals)
    if abs(digits - totals.litres) >= abs(meter.litres - totals.litres):
        return meter
    money = meter.amount
    if money is not None:
        money = money.scaleb(was.totals_amount - now.totals_amount)
    return replace(meter, litres=digits, amount=money)


def money_agrees(fill: TransactionRead, places: Decimals) -> bool:
    """Amount against litres × price, as far as the display's own digits allow to tell."""
    if fill.price is None:
        return True
    digit = Decimal(1).scaleb(-places.volume)
    room = FEN + digit / 2 * fill.price
    return abs(fill.litres * fill.price - fill.amount) <= room


def agrees(before: Meter, totals: TotalsRead, fill: TransactionRead, wires: "Wires") -> bool:
    """One read is enough: litres equal the step, and the money fits."""
    step, _ = step_of(before, totals, wires.digits)
    return wires.same(step, fill.litres) and money_agrees(fill, wires.places)


@dataclass(frozen=True, slots=True)
class Wires:
    """How this head counts."""

    places: Decimals
    digits: int

    @property
    def coarse(self) -> bool:
        """Totals with fewer digits than the display: two fills may end on one totalizer."""
        return self.places.totals < self.places.volume

    def same(self, step: Decimal, litres: Decimal) -> bool:
        room = Decimal(1).scaleb(-self.places.totals) if self.coarse else Decimal(0)
        return abs(step - litres) <= room


def settle(
    *,
    before: Meter | None,
    epoch: int,
    totals: TotalsRead,
    fill: TransactionRead | None,
    ran: bool,
    alone: bool,
    terms: Terms,
    wires: Wires,
    serial: str,
) -> Found:
    """Explain where a totalizer stands now.

    `fill` is what the display holds, or None where it belongs to another nozzle; `ran` says that
    we saw it run; `alone` that the head was out of sight. A step that the display does not explain
    is a gap while we watched, and a fill with inferred money where nobody could have watched.
    """
    if before is None:
        meter = Meter(epoch, totals.litres, totals.amount)
        return _first_sight(meter, fill if ran else None, terms, wires)
    step, rolled = step_of(before, totals, wires.digits)
    meter = Meter(before.epoch + rolled, totals.litres, totals.amount)
    last = _judge(fill, terms, wires) if fill is not None and fill.litres > 0 else None
    if step < 0:
        fills = (_mismatched(last, meter, serial),) if last is not None and ran else ()
        return Found(meter, fills, backwards=True)
    if last is not None and wires.same(step, last.litres):
        identity = serial if wires.coarse else ""
        whole = replace(_at(last, meter), offline=alone and not ran, transaction_id=identity)
        return Found(meter, (whole,), rolled_over=rolled)
    if step == 0:
        fills = (_mismatched(last, meter, serial),) if last is not None and ran else ()
        return Found(meter, fills)
    if last is not None and last.litres < step:
        return _partly(before, meter, last, step, totals, rolled, alone and not ran, terms)
    if last is not None and ran:
        return Found(meter, (_mismatched(last, meter, serial),), rolled_over=rolled)
    return _unexplained(before, meter, step, totals, rolled, alone, terms)


def _first_sight(meter: Meter, fill: TransactionRead | None, terms: Terms, wires: Wires) -> Found:
    """Nothing to compare with; `epoch` is the wiring's."""
    if fill is None or fill.litres <= 0:
        return Found(meter)
    return Found(meter, (_at(_judge(fill, terms, wires), meter),))


def _judge(fill: TransactionRead, terms: Terms, wires: Wires) -> FoundFill:
    """The display's words, with what is odd about them. The amount is never recomputed."""
    price = fill.price
    if price is None:
        price = terms.price if terms.price is not None else round_yuan(fill.amount / fill.litres)
    flags = []
    if abs(fill.litres * price - fill.amount) > FEN:
        flags.append(AMOUNT_MISMATCH)
    if terms.price is not None and price != terms.price:
        flags.append(PRICE_DIFFERS)
    over_litres = terms.limit_litres is not None and fill.litres > terms.limit_litres
    over_yuan = terms.limit_yuan is not None and fill.amount > terms.limit_yuan
    if over_litres or over_yuan:
        flags.append(OVER_PRESET)
    return FoundFill(
        round_litres(fill.litres),
        round_yuan(fill.amount),
        price,
        0,
        Decimal(0),
        tuple(flags),
        transaction_id=fill.transaction_id,
    )


def _at(fill: FoundFill, meter: Meter) -> FoundFill:
    return replace(fill, epoch=meter.epoch, totalizer_after=meter.litres)


def _mismatched(fill: FoundFill, meter: Meter, serial: str) -> FoundFill:
    """Fuel flowed, but the totalizer says otherwise: its own number keeps it apart."""
    flags = (*fill.flags, TOTALIZER_MISMATCH)
    return replace(_at(fill, meter), flags=flags, transaction_id=serial)


def _partly(
    before: Meter,
    meter: Meter,
    last: FoundFill,
    step: Decimal,
    totals: TotalsRead,
    rolled: bool,
    alone: bool,
    terms: Terms,
) -> Found:
    """The display explains the end of the step; something before it is missing."""
    missing = step - last.litres
    boundary = Meter(before.epoch, before.litres + missing)
    known = replace(_at(last, meter), offline=alone)
    if not alone:
        gap = FoundGap(before.epoch, before.litres, boundary.litres)
        return Found(meter, (known,), (gap,), rolled_over=rolled)
    money = _step_money(before, totals)
    rest = None if money is None else money - last.amount
    guessed = _guess(boundary, missing, rest, terms.price or last.price)
    return Found(meter, (guessed, known), rolled_over=rolled)


def _unexplained(
    before: Meter,
    meter: Meter,
    step: Decimal,
    totals: TotalsRead,
    rolled: bool,
    alone: bool,
    terms: Terms,
) -> Found:
    if alone and terms.price is not None:
        guessed = _guess(meter, step, _step_money(before, totals), terms.price)
        return Found(meter, (guessed,), rolled_over=rolled)
    start = before.litres if not rolled else meter.litres - step
    gap = FoundGap(meter.epoch, start, meter.litres)
    return Found(meter, (), (gap,), rolled_over=rolled)


def _guess(meter: Meter, litres: Decimal, money: Decimal | None, price: Decimal) -> FoundFill:
    amount = money if money is not None and money >= 0 else round_yuan(litres * price)
    return FoundFill(
        round_litres(litres), amount, price, meter.epoch, meter.litres, (INFERRED,), offline=True
    )


def _step_money(before: Meter, totals: TotalsRead) -> Decimal | None:
    """Yuan of the step, where the head counts them too."""
    if before.amount is None or totals.amount is None:
        return None
    return totals.amount - before.amount
