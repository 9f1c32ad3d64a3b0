"""When points become usable and when they expire. Pure; all by the station's own calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localtime

from members.models import PointsProgram

Expiry = PointsProgram.Expiry
HELD = datetime(9999, 12, 31, tzinfo=UTC)  # what waits for a person becomes usable on no day


def midnight_after(day: date) -> datetime:
    """The instant at which a local day is over."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=get_current_timezone())


def active_from(*, program: PointsProgram, at: datetime) -> datetime:
    """When points earned at an instant can be used: at once, or that many midnights later."""
    if not program.hold_days:
        return at
    return midnight_after(localtime(at).date() + timedelta(days=program.hold_days - 1))


def expires_at(*, program: PointsProgram, at: datetime) -> datetime | None:
    """When points earned at an instant are gone: the midnight after their last day; None: never."""
    day = localtime(at).date()
    if program.expiry == Expiry.DAYS:
        return midnight_after(day + timedelta(days=program.expiry_n))
    if program.expiry == Expiry.MONTH_END:
        return midnight_after(month_end(day, program.expiry_n))
    if program.expiry == Expiry.YEAR_END:
        return midnight_after(date(day.year + program.expiry_n, 12, 31))
    return None


def grace_until(*, program: PointsProgram, at: datetime) -> datetime:
    """Until when points live that were given back after their lot had died."""
    return midnight_after(localtime(at).date() + timedelta(days=program.grace_days))


def month_end(day: date, months: int) -> date:
    """The last day of the month that lies so many months after a day's own."""
    count = day.year * 12 + day.month + months  # of the month after it, from year 0
    return date(count // 12, count % 12 + 1, 1) - timedelta(days=1)


def last_day(expires: datetime) -> date:
    """The last day on which points may be used that expire at an instant."""
    return localtime(expires).date() - timedelta(days=1)
