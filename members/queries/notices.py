"""Messages to members, asked: how each kind is wanted, and what became of those that were sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from members.models import Member, MemberNotice, NoticeChoice, NoticeDelivery, NoticeText
from station.models import Station

Kind = MemberNotice.Kind
# What belongs to the safety of an account is not to be chosen away.
CHOOSABLE: tuple[str, ...] = (
    Kind.POINTS_EXPIRY,
    Kind.POINTS_REACHED,
    Kind.COUPON_EXPIRY,
    Kind.TIER,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One kind of message and how it is wanted."""

    kind: str
    title: str
    way: str


def choices_of(member: Member) -> list[Chosen]:
    """How a member wants each kind that he may choose. One statement."""
    rows = NoticeChoice.objects.filter(member=member).values_list("kind", "way")
    found = dict(rows)
    return [
        Chosen(kind, Kind(kind).label, found.get(kind, NoticeChoice.Way.INBOX))
        for kind in CHOOSABLE
    ]


def messages_of(stations: Iterable[Station]) -> QuerySet[MemberNotice]:
    """Messages to the members of some stations, with the last outcome of each channel.

    `inbox` and `text` are states of a delivery, `queued` the state of the text that waits.
    """
    tries = (
        NoticeDelivery.objects.filter(notice=OuterRef("pk")).order_by("-attempt").values("state")
    )
    queue = NoticeText.objects.filter(notice=OuterRef("pk"))
    return (
        MemberNotice.objects.filter(member__home_station__in=list(stations))
        .select_related("member__home_station")
        .annotate(
            inbox=Subquery(tries.filter(channel=NoticeDelivery.Channel.INBOX)[:1]),
            queued=Subquery(queue.values("state")[:1]),
        )
    )
