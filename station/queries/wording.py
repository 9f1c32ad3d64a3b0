"""How figures, times and names are written on screens, paper and in messages.

Values in, Chinese text out. Rounding is left to `station.money`.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils import timezone

from station.money import round_to

WEEKDAYS: Final = "一二三四五六日"
NOTHING: Final = "—"
# The kinds of figures whose sign is a variance: what the word below and above nought is.
SIDES: Final = {
    "gain_loss": ("损", "溢"),
    "loss_rate": ("损", "溢"),
    "loss_percent": ("损", "溢"),
    "over_short": ("短", "长"),
    "more_less": ("少", "多"),
    "more_less_yuan": ("少", "多"),
    "meter_error": ("少计", "多计"),
}
LEVEL: Final = "平"
_GRAIN: Final = {
    "loss_percent": Decimal("0.0001"),
    "meter_error": Decimal("0.001"),
}  # what is nought as written is 平
_PLATE = re.compile(r"^(.{2})(.+?)(.{2})$")


def grouped(number: Decimal | int, places: int) -> str:
    """A number with thousands separators and a fixed count of decimals, rounded half up."""
    return f"{round_to(Decimal(number), Decimal(1).scaleb(-places)):,.{places}f}"


def yuan(amount: Decimal | int | None) -> str:
    """¥12,345.67; a negative amount is -¥12.00."""
    if amount is None:
        return NOTHING
    sign = "-" if amount < 0 else ""
    return f"{sign}¥{grouped(abs(Decimal(amount)), 2)}"


def litres(volume: Decimal | int | None) -> str:
    """Two places, without the unit: the column or the sentence names it."""
    return NOTHING if volume is None else grouped(volume, 2)


def count(number: Decimal | int | None) -> str:
    """A whole number with separators; decimals only where there are some."""
    if number is None:
        return NOTHING
    exact = Decimal(number)
    return grouped(exact, 0) if exact == exact.to_integral_value() else f"{exact.normalize():,f}"


def percent(ratio: Decimal | None) -> str:
    """A ratio (0.123) as 12.3%."""
    return NOTHING if ratio is None else f"{grouped(ratio * 100, 1)}%"


def permille(share: Decimal | None) -> str:
    """A share that is in ‰ already, as `station.money.permille` gives it: 1.23‰."""
    return NOTHING if share is None else f"{grouped(share, 2)}‰"


def side(value: Decimal | None, kind: str) -> str:
    """The word that stands for the sign of a variance: 损 or 溢, 短 or 长, 少 or 多; else 平."""
    if value is None:
        return NOTHING
    below, above = SIDES[kind]
    rounded = round_to(value, _GRAIN.get(kind, Decimal("0.01")))
    return below if rounded < 0 else above if rounded else LEVEL


def gain_loss(volume: Decimal | None) -> str:
    """Physical less book, in litres: 损 12.34 L, 溢 12.34 L, or 平."""
    if volume is None:
        return NOTHING
    return f"{side(volume, 'gain_loss')} {grouped(abs(volume), 2)} L"


def loss_rate(share: Decimal | None) -> str:
    """A 损溢率 that is in ‰ already: 损 0.42‰, 溢 0.10‰, or 平."""
    return NOTHING if share is None else f"{side(share, 'loss_rate')} {permille(abs(share))}"


def loss_percent(ratio: Decimal | None) -> str:
    """A 损耗率 as a ratio, written in per cent as the paper form has it: 损 0.12%."""
    if ratio is None:
        return NOTHING
    return f"{side(ratio, 'loss_percent')} {grouped(abs(ratio) * 100, 2)}%"


def over_short(amount: Decimal | None) -> str:
    """Counted less due, in yuan: 短 ¥20.00, 长 ¥20.00, or 平."""
    return NOTHING if amount is None else f"{side(amount, 'over_short')} {yuan(abs(amount))}"


def more_less(volume: Decimal | None) -> str:
    """One count of litres against another (泵码 less documents): 多 0.50 L, 少 0.50 L, or 平."""
    if volume is None:
        return NOTHING
    return f"{side(volume, 'more_less')} {grouped(abs(volume), 2)} L"


def more_less_yuan(amount: Decimal | None) -> str:
    """The same in yuan: 多 ¥20.00, 少 ¥20.00, or 平."""
    return NOTHING if amount is None else f"{side(amount, 'more_less_yuan')} {yuan(abs(amount))}"


def meter_error(share: Decimal | None) -> str:
    """A meter against its standard, in per cent already: 多计 0.125%, 少计 0.125%, or 平."""
    if share is None:
        return NOTHING
    return f"{side(share, 'meter_error')} {grouped(abs(share), 3)}%"


def local(moment: datetime | date | None) -> str:
    """2026-04-22 周三 20:05, in the station's own time; a date has no time of day."""
    if moment is None:
        return NOTHING
    if isinstance(moment, datetime):
        here = timezone.localtime(moment) if timezone.is_aware(moment) else moment
        return f"{here:%Y-%m-%d} 周{WEEKDAYS[here.weekday()]} {here:%H:%M}"
    return f"{moment:%Y-%m-%d} 周{WEEKDAYS[moment.weekday()]}"


def clock(moment: datetime | None) -> str:
    """20:05:09, in the station's own time."""
    return NOTHING if moment is None else f"{timezone.localtime(moment):%H:%M:%S}"


def duration(span: timedelta | int | None) -> str:
    """How long: 45 秒, 3 分 05 秒, 2 小时 05 分, 3 天 2 小时. Whole seconds or a timedelta."""
    if span is None:
        return NOTHING
    seconds = max(0, int(span.total_seconds()) if isinstance(span, timedelta) else span)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} 天 {hour} 小时"
    if hours:
        return f"{hours} 小时 {minute:02d} 分"
    return f"{minutes} 分 {second:02d} 秒" if minutes else f"{second} 秒"


def masked_phone(number: str | None) -> str:
    """138****5678; anything too short to keep a secret is all stars."""
    if not number:
        return NOTHING
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 11 else "*" * len(number)


def masked_plate(plate: str | None) -> str:
    """云A***12."""
    if not plate:
        return NOTHING
    found = _PLATE.match(plate)
    return f"{found[1]}{'*' * len(found[2])}{found[3]}" if found else "*" * len(plate)


def grade_key(name: str) -> str:
    """Which colour a grade has everywhere: 92, 95, 98, 0 (all diesel), or other."""
    found = re.search(r"(?<!\d)(92|95|98)(?!\d)", name)
    if found:
        return found[1]
    diesel = "柴" in name or re.search(r"(?<![\d.])-?\d{1,2}\s*(#|号)", name)
    return "0" if diesel else "other"
