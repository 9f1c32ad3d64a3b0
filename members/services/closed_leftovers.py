"""What members who are closed still hold: of before it ended with them, or won in a race with the end.

Each kind ends in a transaction of its own: what cannot end yet (an order that a partner has) keeps
back nothing else, and is tried again the next night.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localtime

from members.models import Gift, Member, PointsAccount, PoolMember, Redemption, SignUp
from members.services import events, gifts
from members.services.closing import closings
from members.services.points_adjusting import write_off
from members.services.pool_endings import close_for
from members.services.redemption_endings import end_for
from station.errors import Refusal

log = logging.getLogger(__name__)
Act = Callable[[Member], object]
CLOSED = Member.Status.CLOSED


def sweep(*, at: datetime) -> int:
    """End it all, as `closing.forget` does; how many times something ended. Again, nothing."""
    ended = 0
    for left, act in _kinds(at):
        for pk in sorted(set(left())):
            ended += _ended(pk, act)
    return ended


def _kinds(at: datetime) -> list[tuple[Callable[[], Iterable[int]], Act]]:
    """Who has what, and how it ends; points after whatever gives points back."""

    def points(member: Member) -> None:
        key = f"close:{member.pk}:{localtime(at):%Y%m%d}"
        write_off(member=member, key=key, reason="注销后清零", at=at, actor=None)

    above: list[tuple[Callable[[], Iterable[int]], Act]] = [
        (one.left, lambda member, one=one: one.close(member=member, at=at, actor=None))  # type: ignore[misc]
        for one in closings()
    ]
    return [
        (_in_pools, lambda member: close_for(member=member, at=at, actor=None)),
        (_with_gifts, lambda member: gifts.void_for(members=[member.pk])),
        (lambda: _signed_up(at), lambda member: events.end_for(members=[member.pk], at=at)),
        (_with_orders, lambda member: end_for(members=[member.pk], at=at, actor=None)),
        (_with_points, points),
        *above,
    ]


def _ended(pk: int, act: Act) -> bool:
    try:
        with transaction.atomic():
            rows = Member.objects.select_related("home_station")
            member = rows.select_for_update(of=("self",), no_key=True).get(pk=pk)
            act(member)
    except Refusal as refusal:
        log.info("closed member %s keeps something: %s", pk, refusal)
        return False
    return True


def _in_pools() -> Iterable[int]:
    there = [PoolMember.State.INVITED, PoolMember.State.ACTIVE]
    rows = PoolMember.objects.filter(member__status=CLOSED, state__in=there)
    return rows.values_list("member_id", flat=True)


def _with_gifts() -> Iterable[int]:
    rows = Gift.objects.filter(member__status=CLOSED, state=Gift.State.PENDING)
    return rows.values_list("member_id", flat=True)


def _signed_up(at: datetime) -> Iterable[int]:
    living = [SignUp.State.SEATED, SignUp.State.WAITING]
    rows = SignUp.objects.filter(member__status=CLOSED, state__in=living, event__ends_at__gt=at)
    return rows.values_list("member_id", flat=True)


def _with_orders() -> Iterable[int]:
    going = [Redemption.State.REQUESTED, Redemption.State.RESERVED]
    rows = Redemption.objects.filter(member__status=CLOSED, state__in=going)
    return rows.values_list("member_id", flat=True)


def _with_points() -> Iterable[int]:
    something = Q(balance__gt=0) | Q(pending__gt=0) | Q(debt__gt=0)
    rows = PointsAccount.objects.filter(something, member__status=CLOSED, moved_to=None)
    return rows.values_list("member_id", flat=True)
