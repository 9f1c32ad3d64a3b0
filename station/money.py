"""Money and volume: the only place of the project that rounds.

Money is Decimal yuan with two places, litres Decimal with three. Rounding is half up, as a
cashier rounds on paper. Fen (integers) exists only where a payment gateway asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TypeAlias

Yuan: TypeAlias = Decimal
Litres: TypeAlias = Decimal

FEN = Decimal("0.01")
MILLILITRE = Decimal("0.001")
ZERO: Yuan = Decimal("0.00")
NO_LITRES: Litres = Decimal("0.000")


def round_yuan(amount: Decimal) -> Yuan:
    """Round to whole fen, half up (away from zero for negatives)."""
    return amount.quantize(FEN, ROUND_HALF_UP)


def round_litres(litres: Decimal) -> Litres:
    """Round to millilitres, half up."""
    return litres.quantize(MILLILITRE, ROUND_HALF_UP)


def round_to(value: Decimal, step: Decimal) -> Decimal:
    """Round half up to a multiple of `step` (0.1 for 抹零 to jiao, 1 for yuan)."""
    return (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def to_fen(amount: Yuan) -> int:
    """Whole fen for a gateway. Refuses (ValueError) an amount that is not whole fen."""
    fen = amount * 100
    if fen != fen.to_integral_value():
        raise ValueError(f"{amount} 元不是整分")
    return int(fen)


def split_yuan(total: Yuan, weights: Sequence[Decimal]) -> list[Yuan]:
    """Split `total` over `weights`; every part is rounded but the last with a weight, which takes the rest.

    The parts always add up to `total`. Refuses (ValueError) when no weight is positive but there
    is something to split.
    """
    return _split(total, weights, FEN)


def split_litres(total: Litres, weights: Sequence[Decimal]) -> list[Litres]:
    """Split litres over `weights` as `split_yuan` splits yuan, to the millilitre."""
    return _split(total, weights, MILLILITRE)


def _split(total: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    whole = sum(weights, Decimal(0))
    parts = [unit * 0 for _ in weights]
    if not total:
        return parts
    if whole <= 0:
        raise ValueError("没有可分摊的行")
    last = max(index for index, weight in enumerate(weights) if weight > 0)
    left = total
    for index, weight in enumerate(weights):
        if weight > 0 and index != last:
            parts[index] = (total * weight / whole).quantize(unit, ROUND_HALF_UP)
            left -= parts[index]
    parts[last] = left
    return parts


def share_yuan(total: Yuan, weights: Sequence[Yuan]) -> list[Yuan]:
    """Share `total` over `weights` to the fen by largest remainder; equal remainders go to the first.

    The parts add up to `total` and none exceeds its weight where `total` is no more than their sum.
    Refuses (ValueError) when no weight is positive but there is something to share.
    """
    whole = sum(weights, ZERO)
    if not total:
        return [ZERO for _ in weights]
    if whole <= 0:
        raise ValueError("没有可分摊的行")
    exact = [total * weight / whole for weight in weights]
    parts = [one.quantize(FEN, ROUND_DOWN) for one in exact]
    left = int((total - sum(parts, ZERO)) / FEN)
    by_rest = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_rest[:left]:
        parts[index] += FEN
    return parts


def tax_within(gross: Yuan, rate: Decimal) -> Yuan:
    """VAT contained in a gross amount: gross − round(gross / (1 + rate)), the rule of 数电发票."""
    return gross - round_yuan(gross / (1 + rate))


def permille(part: Decimal, whole: Decimal) -> Decimal | None:
    """part / whole in ‰ with two places; None when there is no whole to compare with."""
    if not whole:
        return None
    return (part * 1000 / whole).quantize(FEN, ROUND_HALF_UP)
