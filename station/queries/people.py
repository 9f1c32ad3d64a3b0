"""Who works where: accounts within somebody's sight, and what stands in the role matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from station.access import may_do
from station.models import Assignment, Station, User
from station.models.people import Role
from station.rights import RIGHTS, TITLES

NEEDS_SECOND_FACTOR = frozenset({Role.OWNER.value, Role.MANAGER.value})


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One right in words, and which roles have it."""

    floor: str
    right: str
    title: str
    has: tuple[bool, ...]

    @property
    def floor_title(self) -> str:
        return FLOORS[self.floor]


FLOORS = {
    "station": "油站与账号",
    "devices": "加油现场与设备",
    "inventory": "油品与商品库存",
    "members": "会员与单位客户",
    "marketing": "营销",
    "sales": "收银、班次、价格",
    "staff": "员工",
    "finance": "日结与报表",
}


def needs_second_factor(roles: Iterable[str]) -> bool:
    """Whether one of the roles is let in only with a second factor."""
    return any(role in NEEDS_SECOND_FACTOR for role in roles)


def home_station(user: User) -> Station | None:
    """The one station a person belongs to; None for several or all. For the audit of accounts."""
    places = list(Assignment.objects.filter(user=user).select_related("station")[:2])
    return places[0].station if len(places) == 1 else None


def people_seen_by(user: User) -> QuerySet[User]:
    """Accounts that work at the stations this person may see; with all stations, every account."""
    assignments = Prefetch(
        "assignments", Assignment.objects.select_related("station").order_by("station__code")
    )
    people = User.objects.prefetch_related(assignments)
    mine = Assignment.objects.filter(user=user)
    if mine.filter(station=None).exists():
        return people
    near = Assignment.objects.filter(user=OuterRef("pk"), station__in=mine.values("station"))
    return people.filter(Exists(near))


def at_the_till(station: Station, *, without: User) -> list[User]:
    """Who may change in at a till of the station with a PIN: active, with a PIN and the right."""
    found = Assignment.objects.filter(
        user__is_active=True, station__in=[station], role__in=RIGHTS["sales.till"]
    ) | Assignment.objects.filter(user__is_active=True, station=None, role__in=RIGHTS["sales.till"])
    people = {one.user for one in found.select_related("user")}
    return sorted(
        (one for one in people if one.pin_hash and one != without), key=lambda one: one.name
    )


def is_locked(user: User, *, failures: int, last_failure: datetime | None, at: datetime) -> bool:
    """Whether sign-in or PIN of an account rests after too many wrong tries."""
    if user.pin_locked_until and at < user.pin_locked_until:
        return True
    rest: timedelta = settings.AXES_COOLOFF_TIME
    return bool(
        failures >= settings.AXES_FAILURE_LIMIT and last_failure and at < last_failure + rest
    )


def matrix() -> list[MatrixRow]:
    """The role matrix, as the page and docs show it: right by right, in the table's order."""
    return [
        MatrixRow(right.split(".")[0], right, TITLES[right], tuple(may_do(r, right) for r in Role))
        for right in RIGHTS
    ]
