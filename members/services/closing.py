"""An account is closed: the person is forgotten, the books keep their totals under a tombstone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings as project
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from devices.models import Card
from devices.services.plates import forget_plates
from members.models import Member, MemberExport, Vehicle
from members.services import consents, events, gifts
from members.services.gifts import leave_marks
from members.services.noting import about
from members.services.points_adjusting import write_off
from members.services.pool_endings import close_for
from members.services.redemption_endings import end_for
from members.services.refusals import refuse_gone
from members.services.value_accounts import refuse_with_value
from station.models import User
from station.services import sealing

EMPTY = dict.fromkeys(
    (
        "name_sealed",
        "name_index",
        "phone_sealed",
        "phone_index",
        "phone_tail_index",
        "id_number_sealed",
        "id_number_index",
        "birthday_sealed",
        "birthday_index",
        "guardian_name_sealed",
        "guardian_phone_sealed",
        "preferences_sealed",
    ),
    "",
)


@dataclass(frozen=True)
class Closing:
    """What of an upper floor ends with a member: `close(member=, at=, actor=)`, once and again.

    `left()` tells which closed members have it still: who was closed before it was known here.
    """

    title: str
    close: Callable[..., None]
    left: Callable[[], Iterable[int]]


def closings() -> list[Closing]:
    """What ends with a member on the floors above, in the order of their names in settings."""
    return [import_string(path) for path in project.CLOSINGS]


@transaction.atomic
def forget(*, member: Member, reason: str, at: datetime, actor: User | None) -> None:
    """Close a member and destroy his key: nobody reads his data again, the books keep their totals.

    Whoever was merged into him goes with him; his cards and consents end, his open orders of the mall
    are taken back, his seats at events and his waiting gifts end, his points are written off by an
    adjustment with what he had in a pool, and what upper floors name in CLOSINGS ends: unused coupons
    are void, locked litres gone. His number stays as the tombstone of his sales. Cannot be undone;
    twice is the same as once. Refuses who still has stored value, or an order that a partner has, and
    with MemberMerged the one who was merged: his survivor is the one to close.
    """
    member.refresh_from_db()
    if member.status == Member.Status.CLOSED:
        return
    refuse_gone(member)
    everyone = Member.objects.select_related("key", "home_station")
    ones = list(
        everyone.filter(Q(pk=member.pk) | Q(merged_into=member))
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    ids = [one.pk for one in ones]
    gifts.void_for(
        members=ids
    )  # before any account: who gives one holds it when he books its points
    for one in ones:
        refuse_with_value(member=one)
        close_for(member=one, at=at, actor=actor)
    events.end_for(members=ids, at=at)
    # Before any is written off: what a merged one ordered comes back to whom he became.
    end_for(members=ids, at=at, actor=actor)
    for one in ones:
        write_off(member=one, key=f"close:{one.pk}", reason="注销", at=at, actor=actor)
        for closing in closings():
            closing.close(member=one, at=at, actor=actor)
        _close(one, reason=reason, at=at, actor=actor)
    member.refresh_from_db()


def _close(member: Member, *, reason: str, at: datetime, actor: User | None) -> None:
    plates = Vehicle.objects.filter(member=member).values_list("plate_index", flat=True)
    leave_marks([("PHONE", member.phone_index), *(("PLATE", one) for one in plates)], at)
    forget_plates(indexes=list(plates), at=at)  # what cameras read of his cars
    Member.objects.filter(pk=member.pk).update(
        status=Member.Status.CLOSED,
        closed_at=at,
        merged_into=None,
        confirmed_at=None,
        confirm_asked_at=None,
        **EMPTY,
    )
    Vehicle.objects.filter(member=member).update(
        active=False, model="", plate_sealed="", plate_index="", plate_tail_index=""
    )
    Card.objects.filter(
        document=member.number, status__in=[Card.Status.ACTIVE, Card.Status.LOST]
    ).update(status=Card.Status.CANCELLED)
    MemberExport.objects.filter(member=member).update(content_sealed="")
    consents.withdraw_all(member=member, at=at, actor=actor)
    sealing.destroy_key(key=member.key, at=at)
    about(member, by_himself=actor is None).note(
        "members.member.forgotten", at, actor, reason=reason
    )
