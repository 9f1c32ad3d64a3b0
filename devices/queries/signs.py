"""客显 and 价格牌: what is wired, and what a price sign shows."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from devices.models import DisplayState, PoleDisplay, PriceSign, SignRow
from station.models import Station, Till


def rows_in_use(station: Station) -> QuerySet[SignRow]:
    """Rows of the price signs in use that show a grade's price, in the order they hang."""
    return (
        SignRow.objects.filter(sign__station=station, sign__active=True, grade__isnull=False)
        .select_related("sign__line", "grade")
        .order_by("sign__name", "row")
    )


def on_signs(station: Station) -> set[int]:
    """The grades whose price a sign in use shows: a rise of these begins at the sign."""
    return set(rows_in_use(station).order_by().values_list("grade_id", flat=True))


def displays(*, station: Station) -> QuerySet[PoleDisplay]:
    """Customers' displays on lines in use, by line."""
    return (
        PoleDisplay.objects.filter(line__station=station, line__active=True)
        .select_related("line__state", "till")
        .order_by("line__name")
    )


def signs(*, station: Station) -> QuerySet[PriceSign]:
    """Price signs in use by name, with their rows."""
    return (
        PriceSign.objects.filter(station=station, active=True)
        .select_related("line__state")
        .prefetch_related("rows__grade")
        .order_by("name")
    )


def display_at(till: Till) -> PoleDisplay | None:
    """The display of a till, where one is wired on a line in use."""
    return PoleDisplay.objects.filter(till=till, line__active=True).first()


def to_show(lines: Collection[int]) -> dict[int, dict[str, str]]:
    """What the displays on these lines are to show, by line. One statement."""
    rows = DisplayState.objects.filter(display__line__in=lines)
    return dict(rows.values_list("display__line_id", "body"))
