"""IEEE-754 singles as eight hex digits, to Decimal and back, without a float on the way."""

from decimal import Decimal
from fractions import Fraction

from devices.protocols.base import Malformed
from devices.protocols.veeder_root.frames import hexadecimal

SIZE = 8
_HIDDEN = 1 << 23  # the leading bit that is not written
_SPECIAL = 0xFF  # the exponent of what is no number


def read_single(text: str) -> Decimal:
    """The number as it stands on the wire; NaN and infinity too. Raises Malformed for no hex."""
    if len(text) != SIZE:
        raise Malformed(f"{text!r} is no single")
    bits = hexadecimal(text)
    exponent, fraction = (bits >> 23) & _SPECIAL, bits & (_HIDDEN - 1)
    sign = -1 if bits >> 31 else 1
    if exponent == _SPECIAL:
        return Decimal("NaN") if fraction else sign * Decimal("Infinity")
    whole = fraction | _HIDDEN if exponent else fraction
    return Decimal(sign * whole) * Decimal(2) ** (max(exponent, 1) - 150)


def write_single(value: Decimal, *, lower: bool = False) -> str:
    """The nearest single, ties to even. Raises Malformed for what is too large."""
    bits = _bits(value)
    return f"{bits:08x}" if lower else f"{bits:08X}"


def _bits(value: Decimal) -> int:
    if value.is_nan():
        return 0x7FC00000
    sign = 1 << 31 if value.is_signed() else 0
    if value.is_infinite():
        return sign | 0x7F800000
    size = abs(Fraction(value))
    if not size:
        return 0
    power = max(_power(size), -149)
    whole = round(size / Fraction(2) ** power)
    if whole == _HIDDEN << 1:
        whole, power = _HIDDEN, power + 1
    exponent = power + 150 if whole >= _HIDDEN else 0
    if exponent >= _SPECIAL:
        raise Malformed(f"{value} does not fit into a single")
    return sign | exponent << 23 | whole & (_HIDDEN - 1)


def _power(size: Fraction) -> int:
    """The power of two by which the number has twenty-four bits before the point."""
    power = size.numerator.bit_length() - size.denominator.bit_length() - 24
    while size / Fraction(2) ** power >= _HIDDEN << 1:
        power += 1
    return power
