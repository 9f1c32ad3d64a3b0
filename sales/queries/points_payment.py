"""Points that pay a part of a receipt: what they are worth, how many may, and on which lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from members.models import PointsProgram
from sales.queries.totals import PricedLine
from station.money import FEN, ZERO, Yuan, split_yuan

REASON = "积分抵扣"


def worth(points: int, program: PointsProgram) -> Yuan:
    """What so many points pay, in whole fen, rounded down."""
    amount: Yuan = points * program.yuan_per_100 / 100
    return amount.quantize(FEN, ROUND_FLOOR)


def most_yuan(net: Yuan, program: PointsProgram) -> Yuan:
    """How much of a net amount points may pay."""
    return (net * program.max_redeem_pct / 100).quantize(FEN, ROUND_FLOOR)


def most_points(*, net: Yuan, balance: int, program: PointsProgram) -> int:
    """How many points may be spent on a net amount: what the balance and the share allow.

    Zero where that is fewer than the programme's least.
    """
    if not program.yuan_per_100:
        return 0
    ceiling = most_yuan(net, program) * 100 / program.yuan_per_100
    points = min(balance, int(ceiling.to_integral_value(ROUND_CEILING)))
    while points and worth(points, program) > most_yuan(net, program):
        points -= 1
    return points if points >= program.min_redeem else 0


def with_points(lines: Sequence[PricedLine], points: int, amount: Yuan) -> list[PricedLine]:
    """The lines with an amount paid by points, shared over them by what they cost.

    The points of the lines add up to all of them, each to what the running sum passed.
    """
    shares = split_yuan(amount, [line.net for line in lines])
    told, so_far, given = [], ZERO, 0
    for line, part in zip(lines, shares, strict=True):
        so_far += part
        upto = int((Decimal(points) * so_far / amount).to_integral_value(ROUND_FLOOR))
        told.append(replace(line.less(part, REASON), by_points=part, points=upto - given))
        given = upto
    return told
