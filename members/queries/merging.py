"""What a merge would bring together, what was merged, and who may be one person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from members.models import DuplicatePair, Member, Merge
from members.queries.cards import Card, card_of
from members.queries.history import Sums, sums_of
from members.queries.plastic import cards_of
from station.models import Station

LIVING = (Member.Status.ACTIVE, Member.Status.FROZEN)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two members as the preview shows him, masked."""

    member: Member
    card: Card
    sums: Sums
    cards: tuple[str, ...]


def side_of(member: Member) -> Side:
    """A member with what he brings."""
    cards = cards_of(member).filter(status__in=["ACTIVE", "LOST"])
    return Side(member, card_of(member), sums_of(member), tuple(one.number for one in cards))


def merges_of(stations: Iterable[Station]) -> QuerySet[Merge]:
    """Merges of members of some stations."""
    rows = Merge.objects.filter(survivor__home_station__in=list(stations))
    return rows.select_related("survivor", "merged", "actor", "undone_by")


def pairs_of(stations: Iterable[Station]) -> QuerySet[DuplicatePair]:
    """Pairs that nobody has looked at, both still living, at least one of these stations."""
    rows = DuplicatePair.objects.filter(
        dismissed_at=None,
        first__status__in=LIVING,
        second__status__in=LIVING,
        first__home_station__in=list(stations),
        second__home_station__in=list(stations),
    )
    return rows.select_related("first__key", "second__key").prefetch_related(
        "first__vehicles__grade", "second__vehicles__grade"
    )
