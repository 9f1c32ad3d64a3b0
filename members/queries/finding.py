"""Find a member by what he says: phone, plate, member number, or the last four of phone or plate.

What is found is masked: enough for the cashier to ask "王先生，尾号 5678？", too little to copy.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from devices.models import Card, ReadRule
from members.models import Member, Vehicle
from members.queries.cards import card_of, members_anywhere
from station.services.sealing import TAIL, blind_indexes, normal

MOST = 8


@dataclass(frozen=True, slots=True)
class MemberHit:
    """A member who may be the one meant."""

    member_id: int
    number: str
    name: str
    phone: str
    plates: tuple[str, ...]
    status: str
    home: str
    exact: bool  # by phone, plate or number; not by a tail, which several share


def find(*, text: str) -> list[MemberHit]:
    """Members by a whole phone, plate, number or card, else by the last four. Closed ones never.

    At every station: a member fills up anywhere. At most eight; empty for fewer than four
    characters. Five statements at most.
    """
    sought = normal(text).removeprefix("+86")
    if len(sought) < TAIL:
        return []
    tail = sought if len(sought) == TAIL else ""
    index = blind_indexes(
        {"phone": sought, "plate": sought, "phone:tail": tail, "plate:tail": tail}
    )
    whole = _members(
        Q(phone_index=index["phone"])
        | Q(number__iexact=sought)
        | _by_plate(plate_index=index["plate"])
        | Q(number__in=_holders(text.strip()))
    )
    if whole or not tail:
        return [_hit(member, exact=True) for member in whole]
    tails = _members(
        Q(phone_tail_index=index["phone:tail"]) | _by_plate(plate_tail_index=index["plate:tail"])
    )
    return [_hit(member, exact=False) for member in tails]


def member_by_id(member_id: int) -> MemberHit | None:
    """A member whom a till chose before, masked; None for one who closed his account since."""
    return next((_hit(one, exact=True) for one in _members(Q(pk=member_id))), None)


def _holders(card: str) -> QuerySet[Card, str]:
    """The member number that a card in use was issued to."""
    rows = Card.objects.filter(
        number=card, meaning=ReadRule.Meaning.MEMBER_CARD, status=Card.Status.ACTIVE
    )
    return rows.exclude(document="").values_list("document", flat=True)


def _by_plate(**index: str) -> Q:
    mine = Vehicle.objects.filter(member=OuterRef("pk"), active=True, **index)
    return Q(Exists(mine))


def _members(condition: Q) -> list[Member]:
    rows = members_anywhere().filter(condition)
    return list(rows.exclude(status=Member.Status.CLOSED).order_by("number")[:MOST])


def _hit(member: Member, *, exact: bool) -> MemberHit:
    card = card_of(member)
    return MemberHit(
        member_id=member.pk,
        number=member.number,
        name=card.name,
        phone=card.phone,
        plates=tuple(one.plate for one in card.plates),
        status=member.get_status_display(),
        home=member.home_station.name,
        exact=exact,
    )
